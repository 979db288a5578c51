//! The one question: what are you?
//!
//! Asked with `-I -S`, so that only the standard library runs: no `site`, no `.pth`, no `sitecustomize`, no
//! `PYTHONPATH`. The question's text is `ask.py`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::host::fs::physical;
use crate::host::process::{Invocation, ProcessError, run};
use crate::host::programs::{Distrust, TrustedProgram, trust};
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::owner::Viewer;

const QUESTION: &str = include_str!("ask.py");

/// A cold start from a slow network disk included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an interpreter is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It did not run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It is older than what venvkeep knows how to serve.
    #[error("{} is Python {version}; venvkeep supports 3.8 and newer", .program.display())]
    TooOld {
        /// The interpreter.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// It ran, and what it said is no answer: a broken installation, or no Python at all.
    #[error("{} does not work as a Python: {said}", .program.display())]
    NoAnswer {
        /// The interpreter.
        program: PathBuf,
        /// Its last words, safe to print.
        said: String,
    },
    /// It is a wrapper around an interpreter that may not be started.
    #[error("{} starts another program: {why}", .program.display())]
    Wrapper {
        /// The wrapper.
        program: PathBuf,
        /// What is wrong with the other one.
        #[source]
        why: Distrust,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    TooOld(String),
    Facts(Box<BaseInterpreter>),
}

/// Starts the interpreter and asks it.
pub fn ask(
    program: &TrustedProgram,
    viewer: &Viewer,
    interrupt: &Interrupt,
) -> Result<BaseInterpreter, AskError> {
    let path = program.path();
    let finished = run(&question_for(program), interrupt, &mut |_| ())?;
    match serde_json::from_slice(last_line(&finished.stdout)) {
        Ok(Answer::Facts(facts)) => settle(*facts, path, viewer),
        Ok(Answer::TooOld(version)) => Err(AskError::TooOld { program: path.to_owned(), version }),
        // Python 2 does not know `-I`.
        Err(_) if finished.stderr.starts_with(b"Unknown option: -I") => {
            Err(AskError::TooOld { program: path.to_owned(), version: "2".to_owned() })
        }
        Err(_) => {
            let last = String::from_utf8_lossy(last_line(&finished.stderr)).into_owned();
            let last = if last.is_empty() { "it said nothing of use".to_owned() } else { last };
            let said = last.chars().take(200).flat_map(char::escape_debug).collect();
            Err(AskError::NoAnswer { program: path.to_owned(), said })
        }
    }
}

fn question_for(program: &TrustedProgram) -> Invocation<'_> {
    Invocation {
        program,
        arguments: ["-I", "-S", "-c", QUESTION].map(OsString::from).into(),
        // Paths in the answer are text in UTF-8 wherever they can be.
        variables: vec![("LC_ALL".into(), "C.UTF-8".into())],
        directory: Path::new("/"),
        patience: Some(PATIENCE),
    }
}

fn last_line(output: &[u8]) -> &[u8] {
    output.trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default()
}

/// Makes sure that what the answer names is the program that was trusted, and chooses the path that environments
/// link to.
fn settle(mut facts: BaseInterpreter, asked: &Path, viewer: &Viewer) -> Result<BaseInterpreter, AskError> {
    let program = || asked.to_owned();
    if !facts.executable.is_absolute() {
        let said = "it does not know where it is".to_owned();
        return Err(AskError::NoAnswer { program: program(), said });
    }
    if facts.executable != asked {
        trust(&facts.executable, viewer).map_err(|why| AskError::Wrapper { program: program(), why })?;
    }
    if let Some(versioned) = versioned_name(&facts) {
        facts.executable = versioned;
    }
    Ok(facts)
}

/// `python3.11` beside `python3`, where both are one file: the link of an environment then goes on meaning this
/// version when `python3` comes to mean the next one, for which the environment's library directory is the wrong one.
fn versioned_name(facts: &BaseInterpreter) -> Option<PathBuf> {
    let stem = if facts.implementation == "cpython" { "python" } else { &facts.implementation };
    let suffix = if facts.free_threaded { "t" } else { "" };
    let name = format!("{stem}{}.{}{suffix}", facts.version.major, facts.version.minor);
    let versioned = facts.executable.parent()?.join(name);
    (physical(&versioned).ok()? == physical(&facts.executable).ok()?).then_some(versioned)
}
