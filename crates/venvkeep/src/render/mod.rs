//! What the user sees: results on stdout, everything else on stderr, colours and progress only on a terminal.

pub(crate) mod adopted;
pub(crate) mod check;
pub(crate) mod copied;
pub(crate) mod doctor;
pub(crate) mod heal;
pub(crate) mod healed_all;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod progress;
pub(crate) mod prometheus;
pub(crate) mod repaired;
pub(crate) mod scan;
pub(crate) mod size;

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;
use venvkeep_core::error::LiveState;
use venvkeep_core::model::printable::json_text;

use crate::args::{ColorWhen, OutputArguments};
use crate::exit::Exit;
use crate::failure::Failure;

/// The version of every JSON document's shape.
const SCHEMA: u32 = 1;

/// Where output goes and how it looks.
#[derive(Debug)]
pub(crate) struct Screen {
    /// The result is one JSON document.
    pub(crate) json: bool,
    /// No notes and no progress.
    pub(crate) quiet: bool,
    /// Reasons, and what each step does.
    pub(crate) verbose: bool,
    paint_out: Paint,
    paint_err: Paint,
    /// Whether who read the results went away.
    closed: AtomicBool,
}

/// How a piece of text is to stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emphasis {
    /// A heading, a path that the text is about.
    Strong,
    /// It is well.
    Good,
    /// It works, but not wholly.
    Warning,
    /// It is broken.
    Bad,
    /// A command to type.
    Command,
    /// What one may skip.
    Dim,
}

impl Emphasis {
    fn style(self) -> Style {
        match self {
            Self::Strong => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Command => AnsiColor::Cyan.on_default(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

/// Gives texts their emphasis, or leaves them plain in a pipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// The text with its emphasis.
    pub(crate) fn text(self, emphasis: Emphasis, text: impl std::fmt::Display) -> String {
        let text = text.to_string();
        if self.on && !text.is_empty() {
            let style = emphasis.style();
            format!("{style}{text}{style:#}")
        } else {
            text
        }
    }
}

impl Screen {
    /// Takes the output arguments and looks at where stdout and stderr lead.
    pub(crate) fn new(arguments: &OutputArguments) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "NO_COLOR is about output, which only this module knows"
        )]
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = |terminal: bool| Paint {
            on: match arguments.color {
                ColorWhen::Always => true,
                ColorWhen::Never => false,
                ColorWhen::Auto => terminal && !no_color,
            },
        };
        Self {
            json: arguments.json,
            quiet: arguments.quiet,
            verbose: arguments.verbose,
            paint_out: paint(std::io::stdout().is_terminal()),
            paint_err: paint(std::io::stderr().is_terminal()),
            closed: AtomicBool::new(false),
        }
    }

    /// How to emphasise what goes to stdout.
    pub(crate) fn paint(&self) -> Paint {
        self.paint_out
    }

    /// How to emphasise what goes to stderr.
    pub(crate) fn paint_err(&self) -> Paint {
        self.paint_err
    }

    /// Prints a result. A reader that went away is no failure of ours; a full disk is.
    pub(crate) fn result(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(Failure::new(Exit::Failed, format!("could not write the result: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Whether nobody reads the results any more, so that finding more of them is of no use.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Prints a result as one JSON document in the common envelope.
    pub(crate) fn json(&self, command: &str, body: impl Serialize) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Envelope<'a, B> {
            schema: u32,
            command: &'a str,
            #[serde(flatten)]
            body: B,
        }
        let envelope = Envelope { schema: SCHEMA, command, body };
        let text = serde_json::to_string_pretty(&envelope).map_err(|error| {
            Failure::new(Exit::Failed, format!("could not make the JSON document: {error}"))
        })?;
        self.result(&format!("{}\n", json_text(&text)))
    }

    /// Prints one result of several, as a JSON document on a line of its own.
    pub(crate) fn json_line(&self, value: &serde_json::Value) -> Result<(), Failure> {
        self.result(&format!("{}\n", json_text(&value.to_string())))
    }

    /// How many columns a line of stdout has, on a terminal.
    #[expect(clippy::unused_self, reason = "all that is known of the terminal goes through the screen")]
    pub(crate) fn width(&self) -> Option<usize> {
        terminal_width()
    }

    /// Tells the user something beside the result.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(&format!("{text}\n"));
        }
    }

    /// Shows why a command failed: on stderr, and with `--json` as a document too, so that a program learns of it.
    pub(crate) fn failure(&self, failure: &Failure, command: &str) {
        self.explain(failure);
        if self.json {
            // Its own failure would only hide the first one, which stands on stderr.
            let _ = self.json(command, json!({ "error": json::failure(failure) }));
        }
    }

    /// Tells the user on stderr what is wrong, in what state the environment is, and what to do.
    pub(crate) fn explain(&self, failure: &Failure) {
        let paint = self.paint_err();
        let mut lines = vec![format!("{}: {}", paint.text(Emphasis::Bad, "venvkeep"), failure.message)];
        lines.extend(failure.live.map(|live| format!("The environment is {}.", live_words(live))));
        lines.extend(failure.hints.iter().map(|hint| format!("  {hint}")));
        to_stderr(&(lines.join("\n") + "\n"));
    }
}

/// How many columns stdout has, where it is a terminal.
fn terminal_width() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(stdout).map(|(width, _)| usize::from(width.0))
}

/// How wide the terminal is that stderr leads to.
fn columns_of_stderr() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0))
}

/// How long a line of prose is: what can be read with ease, and what fits on the terminal.
fn prose_width() -> usize {
    const MOST: usize = 100;
    const LEAST: usize = 40;
    terminal_width().map_or(MOST, |columns| columns.clamp(LEAST, MOST))
}

fn live_words(live: LiveState) -> &'static str {
    match live {
        LiveState::Untouched => "untouched: nothing in it was changed",
        LiveState::Restored => "restored: it is as it was before",
        LiveState::New => "the new one",
        LiveState::Unsettled => "not at its place: the next venvkeep heal settles that",
    }
}

/// Writes to stderr. When even that is gone there is nobody left to tell.
pub(crate) fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
