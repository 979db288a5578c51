//! The line that tells what is going on: on a terminal, as wide as that at most, and gone at the end.

use std::ffi::OsString;

use venvkeep_testkit::{Context, Invocation, Maker, Need, Project, Who, require};

use crate::VENVKEEP;

/// Columns of the terminal; most paths are longer.
const COLUMNS: usize = 40;

/// What a terminal shows of what was written to it, as far as this program goes.
#[derive(Default)]
struct Shown {
    lines: Vec<Vec<char>>,
    at: (usize, usize),
    /// Every line that was taken back or written over.
    drawn: Vec<String>,
    colours: bool,
}

impl Shown {
    fn of(written: &str) -> Self {
        let mut shown = Self { lines: vec![Vec::new()], ..Self::default() };
        let mut characters = written.chars();
        while let Some(character) = characters.next() {
            match character {
                '\r' => shown.at.1 = 0,
                '\n' => {
                    shown.at.0 += 1;
                    if shown.at.0 == shown.lines.len() {
                        shown.lines.push(Vec::new());
                    }
                }
                '\x1b' => shown.obey(&mut characters),
                _ => shown.put(character),
            }
        }
        shown
    }

    fn obey(&mut self, characters: &mut std::str::Chars<'_>) {
        assert_eq!(characters.next(), Some('['), "only control sequences");
        let mut number = String::new();
        let letter = loop {
            match characters.next().expect("it has an end") {
                letter if letter.is_ascii_alphabetic() => break letter,
                other => number.push(other),
            }
        };
        match letter {
            'K' => {
                let line = &mut self.lines[self.at.0];
                self.drawn.push(line.iter().collect());
                line.truncate(if number == "2" { 0 } else { self.at.1 });
            }
            'A' => self.at.0 = self.at.0.saturating_sub(number.parse().unwrap_or(1)),
            'B' => self.at.0 = (self.at.0 + number.parse().unwrap_or(1)).min(self.lines.len() - 1),
            'm' => self.colours = true,
            'h' | 'l' => {}
            other => unreachable!("{other} is not known here"),
        }
    }

    fn put(&mut self, character: char) {
        let line = &mut self.lines[self.at.0];
        if line.len() <= self.at.1 {
            line.resize(self.at.1 + 1, ' ');
        }
        line[self.at.1] = character;
        self.at.1 += 1;
    }

    /// The lines of progress that were drawn, each begun by indicatif's mark that turns.
    fn progress(&self) -> Vec<&String> {
        self.drawn.iter().filter(|line| line.starts_with(is_mark)).collect()
    }

    fn is_left(&self) -> bool {
        self.lines.iter().any(|line| line.first().copied().is_some_and(is_mark))
    }
}

/// Braille, of which indicatif makes its mark.
fn is_mark(character: char) -> bool {
    ('\u{2800}'..='\u{28ff}').contains(&character)
}

/// The same in a terminal that wide.
fn on_terminal(ctx: &Context, project: &Project<'_>, run: &Invocation) -> Invocation {
    let script = format!("stty -echo cols {COLUMNS} rows 24; exec \"$@\"");
    let words: Vec<OsString> = run.words();
    let shell = ctx.program(Who::User, "sh").args(["-c", &script, "sh"]).args(words);
    shell.current_dir(project.path()).env("TERM", "xterm")
}

fn broken_environment(ctx: &Context) -> Project<'_> {
    let project = ctx.project("a-project-with-a-name-that-is-wider-than-the-terminal");
    let _ = project.venv_by_root(Maker::Uv).packages(["pure-one"]).build();
    project
}

#[test]
fn it_appears_on_a_terminal_fits_and_is_taken_away() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = broken_environment(&ctx);
    let runs = [
        (project.venvkeep(["scan"]).arg(project.path()), "files seen", 1),
        (project.venvkeep(["heal"]), "building the new one", 0),
    ];
    for (run, words, code) in runs {
        let output = on_terminal(&ctx, &project, &run).run_typing(&[]).code(code);
        let shown = Shown::of(&output.stdout);
        let progress = shown.progress();
        let start: String = words.chars().take(8).collect();
        assert!(progress.iter().any(|line| line.contains(&start)), "{words}: {progress:#?} {output}");
        let widest = progress.iter().map(|line| line.chars().count()).max();
        assert!(widest <= Some(COLUMNS), "{widest:?}: {progress:#?}");
        assert!(progress.iter().all(|line| line.contains("\u{2026}")), "the place's end: {progress:#?}");
        assert!(!shown.is_left(), "{output}");
    }
}

#[test]
fn it_has_no_colours_where_none_are_wanted() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = broken_environment(&ctx);
    let scan = project.venvkeep(["scan"]).arg(project.path());
    let output = on_terminal(&ctx, &project, &scan).env("NO_COLOR", "1").run_typing(&[]).code(1);
    let shown = Shown::of(&output.stdout);
    // NO_COLOR is about colours: what takes its line back is no colour.
    assert!(!shown.progress().is_empty() && !shown.colours && !shown.is_left(), "{output}");
}

#[test]
fn it_does_not_exist_elsewhere() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = broken_environment(&ctx);
    let scan = || project.venvkeep(["scan"]).arg(project.path());
    let dumb = on_terminal(&ctx, &project, &scan()).env("TERM", "dumb").run_typing(&[]).code(1);
    let quiet = on_terminal(&ctx, &project, &scan().arg("--quiet")).run_typing(&[]).code(1);
    let json = on_terminal(&ctx, &project, &scan().arg("--json")).run_typing(&[]).code(1);
    for output in [&dumb, &quiet, &json] {
        let shown = Shown::of(&output.stdout);
        assert!(shown.progress().is_empty() && !shown.is_left(), "{output}");
    }
    assert!(!dumb.stdout.contains("\x1b[2K"), "nothing is taken back: {dumb}");
    let piped = scan().env("TERM", "xterm").run().code(1);
    let is_plain = |text: &str| !text.contains('\x1b') && !text.contains(is_mark);
    assert!(is_plain(&piped.stderr) && is_plain(&piped.stdout), "{piped}");
}
