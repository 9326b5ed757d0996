//! What the process takes of the machine, as Linux tells it (proc(5)).

use std::{fs, time::Instant};

use opentelemetry::KeyValue;

use super::Meters;

/// The unit of processor time in `/proc`: a hundredth of a second on every
/// architecture, for programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Registers the instruments. Where there is no `/proc` they stay absent.
pub(super) fn watch(meters: &Meters, version: &'static str) {
    let started = Instant::now();
    let meter = meters.meter();
    let _kept = meter
        .u64_observable_gauge("roster.build.info")
        .with_description("1, with the version that is running")
        .with_callback(move |info| info.observe(1, &[KeyValue::new("version", version)]))
        .build();
    let _kept = meter
        .f64_observable_gauge("process.uptime")
        .with_unit("s")
        .with_description("How long the process has been running")
        .with_callback(move |uptime| uptime.observe(started.elapsed().as_secs_f64(), &[]))
        .build();
    let _kept = meter
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("Processor time that the process has used, by mode")
        .with_callback(|time| {
            let Some((user, system)) = cpu_seconds() else { return };
            time.observe(user, &[KeyValue::new("cpu.mode", "user")]);
            time.observe(system, &[KeyValue::new("cpu.mode", "system")]);
        })
        .build();
    meters.observe("process.memory.usage", "By", "Resident memory of the process", |usage| {
        if let Some(bytes) = resident_bytes() {
            usage.observe(bytes, &[]);
        }
    });
    meters.observe(
        "process.unix.file_descriptor.count",
        "{file_descriptor}",
        "File descriptors that the process has open",
        |open| {
            if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
                // The one that reads the directory is not the process's own.
                let count = descriptors.count().saturating_sub(1);
                open.observe(i64::try_from(count).unwrap_or(i64::MAX), &[]);
            }
        },
    );
}

fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// In user mode, and in the kernel's.
fn cpu_seconds() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets, whatever it holds.
    let (_name, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user / TICKS_PER_SECOND, system / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_time_are_plausible() {
        let resident = resident_bytes().unwrap();
        assert!((1 << 20..1 << 36).contains(&resident), "{resident}");
        let (user, system) = cpu_seconds().unwrap();
        assert!(user >= 0.0 && system >= 0.0 && user + system < 1e6, "{user} {system}");
    }
}
