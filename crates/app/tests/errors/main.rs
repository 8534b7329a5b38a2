//! `docs/errors.md`: what the program says of bad input, word for word.
//!
//! Every case is run in a folder of its own and the page is made of what was printed; the test
//! compares it with the page in the repository. `GLASSBOX_WRITE_DOCS=1 cargo test -p glassbox-cli
//! --test errors` writes the page anew. A case is a few lines in `cases.rs`.

#![cfg(target_os = "linux")] // The commands are a shell's, and the system's own words are Linux's.
#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use support::Workplace;

/// Lines of a file that are shown.
const SHOWN: usize = 7;

/// A bad input.
pub struct Case {
    title: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    given: Vec<&'static str>,
    line: &'static str,
    code: i32,
    makes: bool,
}

/// A command of a shell and the exit code that it must have.
pub fn case(title: &'static str, code: i32, line: &'static str) -> Case {
    Case { title, files: vec![], given: vec![], line, code, makes: false }
}

impl Case {
    /// With a file in the folder.
    pub fn file(mut self, name: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.push((name, bytes.as_ref().to_vec()));
        self
    }

    /// With another command.
    pub fn asked(self, line: &'static str) -> Self {
        Case { line, ..self }
    }

    /// After another command, which must succeed.
    pub fn given(mut self, line: &'static str) -> Self {
        self.given.push(line);
        self
    }

    /// It fails at a moment at which it has made files already, and must have.
    pub fn makes_files(mut self) -> Self {
        self.makes = true;
        self
    }

    /// Runs the case, writes its part of the page and reports what is not as it must be.
    fn run(&self, page: &mut String, problems: &mut Vec<String>) {
        let at = Workplace::new();
        let _ = writeln!(page, "### {}\n\n```text", self.title);
        for (name, bytes) in &self.files {
            std::fs::create_dir_all(at.path(name).parent().unwrap()).unwrap();
            at.file(name, bytes);
            let _ = write!(page, "{}", shown(name, bytes));
        }
        for line in &self.given {
            let (code, out, error) = shell(&at, line);
            if code != 0 {
                problems.push(format!("{}: {line}: {code}\n{out}{error}", self.title));
            }
            let _ = writeln!(page, "$ {line}");
        }
        let before = names(&at.path("."));
        let (code, out, error) = shell(&at, self.line);
        let begins = ["error: ", "error[", "오류: ", "warning: ", "  "];
        let known = |line: &str| begins.iter().any(|word| line.starts_with(word));
        let failed = error.contains("error: ") || error.contains("오류: ");
        let wrong = [
            (code != self.code, "the exit code"),
            (!out.is_empty(), "a result is printed"),
            (!error.lines().all(known) || error.contains("panicked"), "the form of a line"),
            (failed != (code != 0), "an error is said or not"),
            ((names(&at.path(".")) != before) != self.makes, "files are made or not"),
        ];
        let wrong: Vec<&str> = wrong.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        if !wrong.is_empty() {
            let out: Vec<&str> = out.lines().take(SHOWN).collect();
            let (title, wrong, out) = (self.title, wrong.join(", "), out.join("\n"));
            problems.push(format!("{title}: {wrong}: {}: {code}\n{out}\n{error}", self.line));
        }
        let _ = writeln!(page, "$ {}\n{error}# exit code {code}\n```\n", self.line);
    }
}

/// A file as a person would look at it.
fn shown(name: &str, bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).ok();
    let plain =
        |text: &&str| !text.chars().any(|c| c.is_control() && c != '\n') && text.len() < 2000;
    match text.filter(plain) {
        Some("") => format!("$ touch {name}\n"),
        Some(text) if text.lines().count() <= SHOWN => {
            format!("$ cat {name}\n{}\n", text.trim_end_matches('\n'))
        }
        Some(text) => {
            let first: Vec<&str> = text.lines().take(3).collect();
            let rest = text.lines().count() - first.len();
            format!("$ cat {name}\n{}\n… {rest} more lines\n", first.join("\n"))
        }
        None => {
            let hex: Vec<String> =
                bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > 16 { " …" } else { "" };
            format!("$ xxd {name}   # {} bytes\n{}{more}\n", bytes.len(), hex.join(" "))
        }
    }
}

/// Every name under a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        found.insert(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            found.extend(names(&entry.path()));
        }
    }
    found
}

/// Exit code, standard output and standard error of a line in a shell.
fn shell(at: &Workplace, line: &str) -> (i32, String, String) {
    let program = assert_cmd::cargo::cargo_bin!("glassbox");
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut command = Command::new("sh");
    command.current_dir(at.path(".")).env("PATH", path).env("LC_ALL", "C").args(["-c", line]);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| everywhere(&String::from_utf8(bytes).unwrap());
    // A shell reports a signal as an exit code too; -1 stands for the shell's own death.
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// What is printed without what differs between machines or builds: how much memory there is, and
/// the lines of the program's own source.
fn everywhere(text: &str) -> String {
    let numbers_after = |text: &str, before: &str, put: &str| {
        let part = |(index, part): (usize, &str)| match index {
            0 => part.to_owned(),
            _ => {
                let rest = part.trim_start_matches(|c: char| ".0123456789".contains(c));
                format!("{before}{put}{rest}")
            }
        };
        text.split(before).enumerate().map(part).collect::<String>()
    };
    numbers_after(&numbers_after(text, "this machine has ", "16.0"), ".rs:", "…")
}

/// The page as the program writes it today; every case must be as it says.
fn page() -> String {
    let mut problems = Vec::new();
    let mut body = String::new();
    let mut contents = String::new();
    for (section, cases) in cases::sections() {
        let anchor = section.to_lowercase().replace(' ', "-");
        let _ = writeln!(contents, "- [{section}](#{anchor}): {} cases", cases.len());
        let _ = writeln!(body, "## {section}\n");
        cases.iter().for_each(|case| case.run(&mut body, &mut problems));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    format!(
        "# What Glassbox says of bad input\n\n\
         Every message names the place and the cure; all problems are listed at once; nothing is \
         lost or half made. Exit code 0: done, 1: failed, 2: wrong usage. Below `$` stands what was \
         typed, then every word the program printed. A test runs each of these commands and compares \
         (`cargo test -p glassbox-cli --test errors`).\n\n{contents}\n{}\n",
        body.trim_end()
    )
}

#[test]
fn the_page_of_errors_is_what_the_program_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let today = page();
    if std::env::var_os("GLASSBOX_WRITE_DOCS").is_some() {
        std::fs::write(&file, &today).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = today.lines().zip(committed.lines()).position(|(now, then)| now != then);
    let lines = (today.lines().count(), committed.lines().count());
    if let Some(line) = differs.or((lines.0 != lines.1).then_some(lines.0.min(lines.1))) {
        let around = |text: &str| {
            let from = line.saturating_sub(6);
            text.lines().skip(from).take(12).collect::<Vec<_>>().join("\n")
        };
        panic!(
            "docs/errors.md, line {}: the program says\n\n{}\n\nthe page says\n\n{}\n\nWhere the new \
             words are right: GLASSBOX_WRITE_DOCS=1 cargo test -p glassbox-cli --test errors",
            line + 1,
            around(&today),
            around(&committed)
        );
    }
}
