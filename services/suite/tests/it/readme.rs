//! What the README shows is what happens: its commands, run as they stand with
//! the real `grpcurl` against the real process.

use std::{
    collections::HashMap,
    io::Write as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::Receiver,
    time::Instant,
};

use crate::binary::{self, PATIENCE, Roster};

const README: &str = include_str!("../../../../README.md");

/// What the README has where the address stands that the process listens on.
const ADDRESS: &str = "localhost:8080";

/// The same for the listener that operators ask.
const METRICS: &str = "localhost:9090";

/// A command, and what it prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Example {
    pub command: String,
    pub output: String,
}

/// The lines within the fences of one language.
pub fn fenced<'a>(text: &'a str, language: &str) -> Vec<Vec<&'a str>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let fence = format!("```{language}");
    while lines.any(|line| line == fence) {
        blocks.push(lines.by_ref().take_while(|line| *line != "```").collect());
    }
    blocks
}

/// The commands of a block: each begins with `$ ` and goes on behind a
/// backslash; what follows it is its output.
pub fn examples(block: &[&str]) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut goes_on = false;
    for line in block {
        let begins = line.strip_prefix("$ ").filter(|_| !goes_on);
        if let Some(command) = begins {
            examples.push(Example { command: format!("{command}\n"), output: String::new() });
        } else {
            let example = examples.last_mut().expect("a block begins with a command");
            let part = if goes_on { &mut example.command } else { &mut example.output };
            part.push_str(line);
            part.push('\n');
        }
        goes_on = line.ends_with('\\') && (goes_on || begins.is_some());
    }
    examples
}

/// The commands of all blocks of one kind.
fn examples_of(language: &str) -> Vec<Example> {
    fenced(README, language).iter().flat_map(|block| examples(block)).collect()
}

/// What takes the place of values that differ each time. The same id gets the
/// same name throughout.
#[derive(Clone, Default)]
struct Names {
    ids: HashMap<String, usize>,
}

impl Names {
    fn normal(&mut self, output: &str) -> String {
        output.lines().map(|line| self.line(line) + "\n").collect()
    }

    fn line(&mut self, line: &str) -> String {
        // What `grpcurl` calls itself depends on how it was installed; how
        // often a service was asked, on how fast the machine is.
        for key in ["\"userAgent\": ", "\"attempts\": "] {
            if let Some(at) = line.find(key) {
                return format!("{}…", &line[..at + key.len()]);
            }
        }
        let part_of_word = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let mut normal = String::new();
        let mut rest = line;
        while let Some(start) = rest.find(part_of_word) {
            normal.push_str(&rest[..start]);
            let word = &rest[start..];
            let end = word.find(|c| !part_of_word(c)).unwrap_or(word.len());
            normal.push_str(&self.word(&word[..end]));
            rest = &word[end..];
        }
        normal + rest
    }

    fn word(&mut self, word: &str) -> String {
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        let dashes: Vec<_> = word.match_indices('-').map(|(at, _)| at).collect();
        let is_uuid = word.len() == 36 && dashes == [8, 13, 18, 23] && hex(&word.replace('-', ""));
        let is_etag = word.len() == 32 && hex(word);
        let is_time = word.len() >= 20
            && word.ends_with('Z')
            && word.as_bytes().get(10) == Some(&b'T')
            && dashes == [4, 7];
        if is_uuid || is_etag {
            let next = self.ids.len();
            format!("<id {}>", self.ids.entry(word.to_owned()).or_insert(next))
        } else if is_time {
            "<time>".to_owned()
        } else {
            word.to_owned()
        }
    }
}

/// A shell that keeps its variables from one command to the next.
pub struct Shell {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Shell {
    const END: &str = "-- the command has ended --";

    /// A shell in `folder`, which knows the command `roster`.
    pub fn new(folder: &Path) -> Self {
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        bash.current_dir(folder);
        let mut child = bash.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut shell = Self { child, input, output: binary::lines(output) };
        // As on a terminal, where errors stand among the rest.
        shell.run("exec 2>&1");
        shell.run(&format!("roster() {{ '{}' \"$@\"; }}", env!("CARGO_BIN_EXE_roster")));
        shell
    }

    pub fn run(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}\necho '{}'", Self::END).unwrap();
        self.input.flush().unwrap();
        let mut output = String::new();
        loop {
            let line = self.output.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{command} does not end: {output}"));
            // What a command prints last need not end its line.
            if let Some(rest) = line.strip_suffix(Self::END) {
                return output + rest;
            }
            output += &line;
            output.push('\n');
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn the_commands_of_the_readme_print_what_the_readme_shows() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary::command(folder.path());
    // As in the README: where it is started.
    command.env_remove("ROSTER__DATA_DIR");
    command.env("ROSTER__INTERNAL_SOCKET", "data/internal.sock");
    assert!(README.contains("`ROSTER__INTERNAL_SOCKET=data/internal.sock`"));
    let mut roster = Roster::start(command);
    let (address, password) = (roster.address(), roster.printed("password"));
    let metrics = roster.printed("metrics");
    let metrics = metrics.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap();
    let metrics = metrics.to_owned();
    let mut shell = Shell::new(folder.path());
    let found = shell.run("command -v grpcurl");
    assert!(!found.is_empty(), "grpcurl is not in PATH: `cargo xtask test` fetches it");
    let found = shell.run("command -v curl");
    assert!(!found.is_empty(), "curl is not in PATH: `apt-get install curl` installs it");

    let online = examples_of("console");
    let calls = online.iter().filter(|it| it.command.contains("grpcurl")).count();
    assert!(calls >= 10, "{calls} commands");
    let (mut shown, mut real) = (Names::default(), Names::default());
    for example in online {
        let command = match example.command.strip_prefix("PASSWORD=") {
            Some(_) => format!("PASSWORD={password}"),
            None => {
                example.command.replace(ADDRESS, &address.to_string()).replace(METRICS, &metrics)
            }
        };
        let expected = shown.normal(&example.output);
        let begun = Instant::now();
        loop {
            let mut names = real.clone();
            let output = names.normal(&shell.run(&command));
            // The receipts of a deletion may still be on their way.
            let again = command.contains("/GetDeletion") && begun.elapsed() < PATIENCE;
            if output == expected || !again {
                assert_eq!(output, expected, "{command}");
                real = names;
                break;
            }
        }
    }
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let greeting = fenced(README, "text").remove(0).join("\n");
    let printed = ended.stdout.replace(&address.to_string(), "127.0.0.1:8080");
    printed_as_shown(&greeting, &printed.replace(&metrics, "127.0.0.1:9090"));
    keys_are_changed_as_shown(folder.path());

    // What is for an installation that does not serve.
    let offline = examples_of("console offline");
    assert!(!offline.is_empty());
    for example in offline {
        // Logs are on standard error, and none of what it prints.
        let command = format!("{{ {} }} 2>/dev/null", example.command);
        printed_as_shown(&example.output, &shell.run(&command));
    }
}

/// Of what was added by the commands before.
fn keys_are_changed_as_shown(folder: &Path) {
    assert!(README.contains("`roster rotate-keys`"));
    let mut command = binary::command(folder);
    command.arg("rotate-keys");
    let ended = binary::run(command);
    let printed: Vec<_> = ended.stdout.lines().collect();
    assert_eq!((ended.code, &printed), (Some(0), &fenced(README, "text")[1]), "{}", ended.stderr);
}

/// Compares line by line, one id being as good as another; of a generated
/// password, its length.
pub fn printed_as_shown(shown: &str, printed: &str) {
    let generated = |line: &str| line.strip_prefix("  password        ").map(str::len);
    assert_eq!(shown.lines().count(), printed.lines().count(), "{printed}");
    let (mut of_shown, mut of_real) = (Names::default(), Names::default());
    for (shown, real) in shown.lines().zip(printed.lines()) {
        match generated(shown) {
            Some(length) => assert_eq!(generated(real), Some(length), "{printed}"),
            None => assert_eq!(of_shown.line(shown), of_real.line(real)),
        }
    }
}

#[test]
fn the_settings_that_the_readme_names_exist() {
    for name in [
        "ROSTER__SESSION__TIMEOUT_DAYS=3",
        "ROSTER__LOG__FORMAT=json",
        "ROSTER__TELEMETRY__OTLP_ENDPOINT=http://127.0.0.1:4317",
    ] {
        assert!(README.contains(name), "{name}");
        let (name, value) = name.split_once('=').unwrap();
        roster_suite::load(None, vec![(name.to_owned(), value.to_owned())]).unwrap();
    }
    for file in README.split("](").skip(1).filter_map(|link| link.split_once(')')) {
        let (target, _rest) = file;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let exists = target.starts_with("https://") || Path::new(path).join(target).exists();
        assert!(exists, "{target}");
    }
}

#[test]
fn commands_are_told_from_their_output() {
    let block = ["$ one \\", "    more", "output", "$ two", "$ three", "last"];
    let example = |command: &str, output: &str| Example {
        command: command.to_owned(),
        output: output.to_owned(),
    };
    let expected = [
        example("one \\\n    more\n", "output\n"),
        example("two\n", ""),
        example("three\n", "last\n"),
    ];
    assert_eq!(examples(&block), expected);
}

#[test]
fn only_what_differs_each_time_is_left_out_of_the_comparison() {
    let id = "01a2054f-17e7-722f-b62d-3c6b9b730129";
    let mut names = Names::default();
    let mut line = |text: &str| names.line(text);
    assert_eq!(line(&format!("  \"userId\": \"{id}\",")), "  \"userId\": \"<id 0>\",");
    assert_eq!(line("\"etag\": \"01a2054f184a72dc971d6e32c3f7ecce\""), "\"etag\": \"<id 1>\"");
    assert_eq!(line(id), "<id 0>");
    assert_eq!(line("\"2026-11-22T22:09:59.271707Z\""), "\"<time>\"");
    assert_eq!(line("  \"count\": \"1\", ok"), "  \"count\": \"1\", ok");
}
