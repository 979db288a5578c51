//! `venvkeep completions`, and what the installed completions ask at Tab.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{CommandFactory, ValueHint};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};
use venvkeep_core::shims::{self, Shell};
use venvkeep_core::store::known::{self, Known};

use crate::args::{Arguments, CompleteArguments, CompletionsArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request::Session;
use venvkeep_core::model::printable::printable;

/// Prints the file that the shell reads.
pub(crate) fn print(wish: &CompletionsArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.screen.result(shims::completions::text(wish.shell))?;
    Ok(Exit::Done)
}

/// Which paths the shell is to add by itself: it knows `~`, hidden names and its own quoting.
#[derive(Debug, Clone, Copy, Default)]
enum Paths {
    #[default]
    None,
    Files,
    Directories,
}

/// Says which paths may stand at the word that is being typed, then one candidate a line: `value TAB description`.
pub(crate) fn complete(wish: &CompleteArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let typed = Typed::of(wish);
    let (candidates, paths) = candidates(&typed, session);
    let is_option = typed.current.starts_with('-');
    let mut text = match paths {
        _ if is_option => "nothing\n",
        Paths::None => "nothing\n",
        Paths::Files => "files\n",
        Paths::Directories => "directories\n",
    }
    .to_owned();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        let Some(value) = value.strip_prefix(&typed.taken) else { continue };
        // Options are shown to those who begin to type one.
        let unasked = value.starts_with('-') && !is_option;
        // What a shell would split, or a terminal obey, is typed by hand.
        if !unasked && !value.contains(char::is_control) {
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{value}\t{}", help.lines().next().unwrap_or_default());
        }
    }
    session.screen.result(&text)?;
    Ok(Exit::Done)
}

/// The words as the program would get them.
struct Typed {
    words: Vec<OsString>,
    index: usize,
    /// The word that is being typed.
    current: String,
    /// What of it the shell keeps to itself: bash splits `--color=a` at the `=`.
    taken: String,
}

impl Typed {
    fn of(wish: &CompleteArguments) -> Self {
        let mut words = wish.words.clone();
        words.truncate(wish.index + 1);
        words.resize(wish.index + 1, OsString::new());
        let mut taken = String::new();
        if wish.shell == Shell::Bash {
            (words, taken) = joined(&words);
        }
        let current = words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        Self { index: words.len() - 1, words, current, taken }
    }
}

/// Puts together what bash split at `=`; with what of the last word is not its own.
fn joined(words: &[OsString]) -> (Vec<OsString>, String) {
    let mut whole: Vec<OsString> = Vec::new();
    let mut taken = String::new();
    let mut after_equals = false;
    for word in words {
        let is_equals = word == "=";
        match whole.last_mut() {
            Some(last) if is_equals => {
                last.push("=");
                taken = last.to_string_lossy().into_owned();
            }
            Some(last) if after_equals => last.push(word),
            _ => {
                taken.clear();
                whole.push(word.clone());
            }
        }
        after_equals = is_equals;
    }
    (whole, taken)
}

fn candidates(typed: &Typed, session: &Session<'_>) -> (Vec<CompletionCandidate>, Paths) {
    let wanted = Arc::new(Mutex::new(Paths::None));
    let known = Arc::new(known::environments(&session.caller));
    let mut command = with_values(Arguments::command(), &known, &wanted);
    let found = engine::complete(&mut command, typed.words.clone(), typed.index, None).unwrap_or_default();
    let paths = *wanted.lock().unwrap_or_else(PoisonError::into_inner);
    (found, paths)
}

/// Tells each argument what may stand for it: an environment is named or is a directory.
fn with_values(command: clap::Command, known: &Arc<Vec<Known>>, wanted: &Arc<Mutex<Paths>>) -> clap::Command {
    let command = command.mut_args(|argument| {
        let is_environment = argument.get_value_names().is_some_and(|names| names == ["ENV"]);
        let (paths, names) = match argument.get_value_hint() {
            _ if is_environment => (Paths::Directories, Arc::clone(known)),
            ValueHint::AnyPath | ValueHint::FilePath => (Paths::Files, Arc::default()),
            ValueHint::DirPath => (Paths::Directories, Arc::default()),
            _ => return argument,
        };
        let wanted = Arc::clone(wanted);
        argument.add(ArgValueCompleter::new(move |current: &OsStr| {
            *wanted.lock().unwrap_or_else(PoisonError::into_inner) = paths;
            let begins = |one: &&Known| one.name.as_bytes().starts_with(current.as_encoded_bytes());
            names.iter().filter(begins).map(named).collect()
        }))
    });
    command.mut_subcommands(|inner| with_values(inner, known, wanted))
}

fn named(known: &Known) -> CompletionCandidate {
    CompletionCandidate::new(known.name.as_str()).help(Some(printable(&known.path).into()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::joined;

    #[test]
    fn what_bash_splits_is_one_word_again() {
        let join = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let (words, taken) = joined(&words);
            let words: Vec<_> = words.into_iter().map(|word| word.into_string().unwrap()).collect();
            (words.join(" "), taken)
        };
        assert_eq!(join(&["venvkeep", "ch"]), ("venvkeep ch".into(), String::new()));
        assert_eq!(join(&["v", "--color", "=", "a"]), ("v --color=a".into(), "--color=".into()));
        assert_eq!(join(&["v", "--color", "="]), ("v --color=".into(), "--color=".into()));
        assert_eq!(join(&["v", "--color", "=", "never", "x"]), ("v --color=never x".into(), String::new()));
    }
}
