//! Arguments that make no sense: what is wrong with them, what was probably meant, and how the command goes.
//!
//! clap finds the mistake. Its own advice is not passed on where it leads astray: a command that only sounds similar, or
//! `--` before a misspelt option, which would make a name of it.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};
use venvkeep_core::diagnose::finding::Code;
use venvkeep_core::model::printable::{printable, quoted};

use crate::args::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;

/// What other tools and shells call our commands.
const OTHER_WORDS: [(&[&str], &str); 13] = [
    (&["create", "init", "make", "mk", "add", "venv", "virtualenv", "mkvirtualenv"], "new"),
    (&["rm", "delete", "del", "destroy", "rmvirtualenv"], "remove"),
    (&["mv"], "move"),
    (&["cp", "copy", "duplicate", "cpvirtualenv"], "clone"),
    (&["ls", "envs", "show", "lsvirtualenv"], "list"),
    (&["status", "verify", "diagnose", "health", "inspect", "info"], "check"),
    (&["fix", "repair", "rebuild", "recreate"], "heal"),
    (&["restore", "revert", "rollback", "back"], "undo"),
    (&["clean", "gc", "purge", "cleanup"], "prune"),
    (&["exec"], "run"),
    (&["use", "workon", "enter", "shell", "source"], "activate"),
    (&["exit", "leave"], "deactivate"),
    (&["interpreters", "versions", "python"], "pythons"),
];

/// What pip does.
const OF_PIP: [&str; 6] = ["install", "uninstall", "pip", "sync", "upgrade", "update"];

/// What other tools call our options, and what to do here.
const OTHER_OPTIONS: [(&[&str], &str); 5] = [
    (&["--without-pip", "--no-pip", "--no-seed"], "Without pip:  venvkeep new --seed none"),
    (
        &["--clear", "--overwrite"],
        "What stands there is never written over. Set it aside first:  venvkeep remove ENV",
    ),
    (&["--fix", "--repair"], "check only looks. To put it right:  venvkeep heal"),
    (&["--upgrade"], "With another Python, without loss:  venvkeep heal -p PYTHON"),
    (&["-y", "--yes", "--no-input"], "No command asks a question, so there is nothing to answer."),
];

/// What is said of it; nothing was done.
pub(crate) fn explain(error: &Error, typed: &[OsString]) -> Failure {
    let typed: Vec<String> = typed.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let command = command_in(&typed);
    let failure = match error.kind() {
        ErrorKind::InvalidSubcommand => return no_such_command(error, &typed),
        ErrorKind::MissingSubcommand => Failure::new(Exit::Usage, "no command was given"),
        ErrorKind::UnknownArgument => unknown(error, &command, &typed),
        ErrorKind::MissingRequiredArgument => missing(error, &command),
        ErrorKind::InvalidValue => value(error),
        ErrorKind::ValueValidation => invalid(error),
        _ => Failure::new(Exit::Usage, said_by_clap(error)),
    };
    let failure = match text(error, ContextKind::Usage) {
        Some(usage) => failure.hint(printable(usage.trim())),
        None => failure,
    };
    let help = if command.is_empty() { "--help".to_owned() } else { format!("{command} --help") };
    failure.hint(format!("More about it:  venvkeep {help}"))
}

/// The commands among the words, as `shims install`; empty where there is none.
fn command_in(typed: &[String]) -> String {
    let mut definition = Arguments::command();
    let mut found = Vec::new();
    for word in typed.iter().take_while(|word| *word != "--") {
        let Some(inner) = definition.find_subcommand(word).cloned() else { continue };
        found.push(word.as_str());
        definition = inner;
    }
    found.join(" ")
}

fn no_such_command(error: &Error, typed: &[String]) -> Failure {
    let word = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let before: Vec<String> = typed.iter().take_while(|other| **other != word).cloned().collect();
    let around = command_in(&before);
    let around: Vec<&str> = around.split(' ').filter(|word| !word.is_empty()).collect();
    let failure = Failure::new(Exit::Usage, format!("there is no command \"{}\"", printable(&word)));
    let help = "All commands:  venvkeep --help";
    if around.is_empty() && OF_PIP.contains(&word.as_str()) {
        let pip = match word.as_str() {
            "uninstall" => "uninstall NAME",
            "upgrade" | "update" => "install --upgrade NAME",
            "sync" => "install -r requirements.txt",
            _ => "install NAME",
        };
        return failure
            .hint("Packages are pip's to install and remove, in the environment that you mean:")
            .hint(format!("  venvkeep run ENV -- python -m pip {pip}"))
            .hint(help);
    }
    if around.is_empty() && word == "version" {
        return failure.hint("Which one this is:  venvkeep --version");
    }
    let other = OTHER_WORDS.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, ours)| *ours);
    let other = other.filter(|_| around.is_empty()).map(str::to_owned);
    let meant = other.or_else(|| similar(error, ContextKind::SuggestedSubcommand, &word));
    match meant {
        Some(meant) => {
            let words: Vec<&str> = around.into_iter().chain([meant.as_str()]).collect();
            failure.hint(format!("Did you mean:  venvkeep {}", words.join(" "))).hint(help)
        }
        None => failure.hint(help),
    }
}

/// clap's most similar word, where it begins like the one that was typed: "creat" is not a slip for "rename".
fn similar(error: &Error, kind: ContextKind, word: &str) -> Option<String> {
    let first = |text: &str| text.trim_start_matches('-').chars().next();
    let words = match error.get(kind)? {
        ContextValue::String(word) => vec![word.clone()],
        ContextValue::Strings(words) => words.clone(),
        _ => Vec::new(),
    };
    let mut words: Vec<String> =
        words.into_iter().rev().filter(|other| first(other) == first(word)).collect();
    // Stands beside every command, and who wants it types it right.
    words.sort_by_key(|other| other == "help");
    words.into_iter().next()
}

/// An option that there is none of, or a word too many.
fn unknown(error: &Error, command: &str, typed: &[String]) -> Failure {
    let word = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let shown = printable(&word);
    if !word.starts_with('-') {
        return if command == "run" { run_without_dashes(typed) } else { too_many(&shown, command) };
    }
    if command == "run" && is_behind_a_word(typed) {
        return run_without_dashes(typed);
    }
    let whose = if command.is_empty() { "venvkeep" } else { command };
    let failure = Failure::new(Exit::Usage, format!("{whose} has no option {shown}"));
    if let Some((_, hint)) = OTHER_OPTIONS.iter().find(|(words, _)| words.contains(&word.as_str())) {
        return failure.hint(*hint);
    }
    match similar(error, ContextKind::SuggestedArg, &word) {
        Some(meant) => failure.hint(format!("Did you mean:  {meant}")),
        None => failure,
    }
}

/// `run python -V`: the option is python's.
fn is_behind_a_word(typed: &[String]) -> bool {
    typed.iter().skip_while(|word| *word != "run").nth(1).is_some_and(|word| !word.starts_with('-'))
}

fn too_many(word: &str, command: &str) -> Failure {
    Failure::new(Exit::Usage, format!("\"{word}\" is one word too many for venvkeep {command}"))
}

/// `run proj python x.py`, where the environment may be left out as well.
fn run_without_dashes(typed: &[String]) -> Failure {
    let words = typed.iter().skip_while(|word| *word != "run").skip(1).filter(|word| *word != "--");
    let words: Vec<String> = words.map(|word| quoted(OsStr::new(word))).collect();
    let all = words.join(" ");
    let failure = Failure::new(Exit::Usage, "what is to be run goes behind \"--\"");
    match words.split_first() {
        Some((_, command)) if command.first().is_some_and(|word| word.starts_with('-')) => {
            failure.hint(format!("In the active or nearest environment:  venvkeep run -- {all}"))
        }
        Some((environment, command)) if !command.is_empty() => failure
            .hint(format!(
                "In the environment {environment}:  venvkeep run {environment} -- {}",
                command.join(" ")
            ))
            .hint(format!("In the active or nearest one:  venvkeep run -- {all}")),
        _ => failure,
    }
}

fn missing(error: &Error, command: &str) -> Failure {
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::InvalidArg) else {
        return Failure::new(Exit::Usage, said_by_clap(error));
    };
    let names: Vec<&str> =
        names.iter().map(|name| name.trim_end_matches('.').trim_matches(['<', '>'])).collect();
    let failure = Failure::new(Exit::Usage, format!("{command} needs {}", names.join(" and ")));
    if command == "run" {
        failure.hint("For instance:  venvkeep run proj -- python script.py")
    } else {
        failure
    }
}

fn value(error: &Error) -> Failure {
    let option = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let given = text(error, ContextKind::InvalidValue).unwrap_or_default();
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) => valid.join(", "),
        _ => String::new(),
    };
    let message = match (given.is_empty(), valid.is_empty()) {
        (true, true) => format!("{option} was given without its value"),
        (true, false) => format!("{option} was given without its value, which is one of {valid}"),
        (false, _) => format!("{option} is one of {valid}, and not \"{}\"", printable(given)),
    };
    Failure::new(Exit::Usage, message)
}

fn invalid(error: &Error) -> Failure {
    let option = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let why = std::error::Error::source(error).map_or_else(|| said_by_clap(error), ToString::to_string);
    let failure = Failure::new(Exit::Usage, format!("{option}: {}", printable(why)));
    if option.starts_with("--only") { with_findings(failure) } else { failure }
}

/// The names that `--only` takes, in lines that fit a terminal.
fn with_findings(failure: Failure) -> Failure {
    const WIDTH: usize = 76;
    let mut lines = vec!["Findings:".to_owned()];
    for code in Code::ALL.map(Code::as_str) {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + code.len() <= WIDTH => line.extend([" ", code]),
            _ => lines.push(format!("  {code}")),
        }
    }
    lines.into_iter().fold(failure, Failure::hint)
}

/// Its first line.
fn said_by_clap(error: &Error) -> String {
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    printable(first.trim_start_matches("error: "))
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{OTHER_WORDS, explain};
    use crate::args::Arguments;

    fn said(typed: &[&str]) -> String {
        let error = Arguments::try_parse_from(typed).expect_err("it is a mistake");
        let failure = explain(&error, &typed.iter().map(Into::into).collect::<Vec<_>>());
        let lines: Vec<&str> =
            std::iter::once(&failure.message).chain(&failure.hints).map(String::as_str).collect();
        lines.join("\n")
    }

    #[test]
    fn each_mistake_is_named_with_what_was_probably_meant() {
        for (typed, parts) in [
            (&["creat"][..], &["no command \"creat\"", "venvkeep --help"][..]),
            (&["lst"], &["Did you mean:  venvkeep list"]),
            (&["heel"], &["Did you mean:  venvkeep heal"]),
            (&["uninstall", "x"], &["pip uninstall NAME"]),
            (&["upgrade"], &["pip install --upgrade NAME"]),
            (&["rm", "x"], &["Did you mean:  venvkeep remove"]),
            (&["install", "flask"], &["venvkeep run ENV -- python -m pip install"]),
            (&["shims", "instal"], &["Did you mean:  venvkeep shims install"]),
            (&["help", "nwe"], &["no command \"nwe\"", "venvkeep --help"]),
            (&["new", "a", "b"], &["\"b\" is one word too many for venvkeep new", "venvkeep new --help"]),
            (&["new", "--pyton", "3"], &["new has no option --pyton", "Did you mean:  --python"]),
            (&["new", "--without-pip"], &["--seed none"]),
            (&["new", "-x"], &["new has no option -x"]),
            (&["check", "--fix"], &["venvkeep heal"]),
            (&["new", "-p"], &["--python <PYTHON> was given without its value"]),
            (&["new", "--seed", "all"], &["--seed <SEED> is one of pip, none, and not \"all\""]),
            (&["scan", "--only", "nonsense"], &["no finding \"nonsense\"", "foreign-owner", "moved"]),
            (&["prune", "--older-than", "soon"], &["\"soon\" is no age"]),
            (&["--json"], &["no command was given"]),
            (&["move", "a"], &["move needs NAME or PATH"]),
            (&["run"], &["run needs CMD", "venvkeep run proj -- python"]),
            (
                &["run", "proj", "python", "a b.py"],
                &["venvkeep run proj -- python 'a b.py'", "venvkeep run -- proj python 'a b.py'"],
            ),
            (&["run", "python", "-V"], &["goes behind", "venvkeep run -- python -V"]),
            (&["run", "--foo", "proj"], &["run has no option --foo"]),
            (&["run", "proj", "python", "-V"], &["venvkeep run proj -- python -V"]),
            (&["new", "-q", "-v"], &["cannot be used with"]),
        ] {
            let said = said(&[&["venvkeep"], typed].concat());
            for part in parts {
                assert!(said.contains(part), "{typed:?}: {part}\n{said}");
            }
            assert!(said.lines().all(|line| line.len() <= 80), "{typed:?}: {said}");
            for wrong in ["tip:", "-- -", "rename", "__complete", "error:"] {
                assert!(!said.contains(wrong), "{typed:?}: {wrong}\n{said}");
            }
        }
        assert!(!said(&["venvkeep", "creat"]).contains("Did you mean"));
    }

    #[test]
    fn other_words_lead_to_commands_that_there_are() {
        let definition = Arguments::command();
        for (words, ours) in OTHER_WORDS {
            assert!(definition.find_subcommand(ours).is_some(), "{ours}");
            assert!(words.iter().all(|word| definition.find_subcommand(word).is_none()), "{words:?}");
        }
    }
}
