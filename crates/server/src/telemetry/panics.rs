//! What is told of a panic: one line of the log, as of everything else, and
//! nothing that somebody has sent.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
};

/// Tells the log of panics from here on. What the standard library prints of
/// them is more than one line, and in no form that anybody reads by machine.
pub fn tell() {
    panic::set_hook(Box::new(told));
}

fn told(info: &PanicHookInfo<'_>) {
    // Words that stand in the code are shown. Those that are put together hold
    // values: of a text that is cut in the wrong place, the text itself.
    let words = info.payload().downcast_ref::<&'static str>().copied();
    let location = info.location().map(ToString::to_string);
    // Where `RUST_BACKTRACE` asks for it; it holds no values either.
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    let (location, backtrace) = (location.as_deref(), backtrace.as_deref());
    tracing::error!(location, words, backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        panic::catch_unwind,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that panics leave in the log. The hook is one of the whole
    /// process, and is put back.
    fn logged(panics: [fn(); 2]) -> Vec<String> {
        let log = Log::default();
        let writer = log.clone();
        let lines =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(lines, || {
            let before = panic::take_hook();
            tell();
            let caught = panics.map(catch_unwind);
            panic::set_hook(before);
            assert!(caught.iter().all(Result::is_err));
        });
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_panic_is_one_line_and_holds_no_values() {
        let words: fn() = || panic!("words of the code");
        // As a defect would: the library's own words for it hold the text.
        let values: fn() = || drop("\u{df}\ncanary"[1..].to_owned());
        let lines = logged([words, values]);
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in &lines {
            assert!(line.contains("ERROR") && line.contains("panics.rs:"), "{line}");
        }
        assert!(lines[0].contains("words of the code"), "{}", lines[0]);
        assert!(!lines[1].contains("canary"), "{}", lines[1]);
    }
}
