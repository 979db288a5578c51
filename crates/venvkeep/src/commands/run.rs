//! `venvkeep run`: a command in an environment. The program becomes the command, so nothing stands between it and the
//! terminal, its signals and its exit code; no activation script runs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use venvkeep_core::host::{credentials, fs, process};
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::store::known::locate;
use venvkeep_core::store::trust::{self, Objection};
use venvkeep_core::store::used;

use super::activate::said;
use super::by_sudo_of;
use crate::args::RunArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::request::Session;

/// Runs the command; comes back only with the reason why it could not.
pub(crate) fn run(wish: &RunArguments, session: &Session<'_>) -> Failure {
    let caller = &session.caller;
    let prefix = match locate(wish.environment.as_deref(), caller) {
        Ok(prefix) => prefix,
        Err(error) => return hints::not_located(&error, session),
    };
    match trust::objection_to_running(&prefix, &caller.viewer) {
        Ok(None) => {}
        Ok(Some(objection)) => return refused(&prefix, &objection, caller),
        Err(error) => return Failure::new(Exit::Failed, printable(error.to_string())),
    }
    // Without its Python the shell would find the system's, and change that.
    if !["python", "python3"].iter().any(|name| fs::stat(&prefix.bin().join(name)).is_ok()) {
        let (path, word) = (printable(prefix.path()), shell_word(prefix.path()));
        return Failure::new(Exit::Failed, format!("nothing of {path} is run: its Python is gone"))
            .hint(format!("Rebuild it, without loss:  venvkeep heal {word}"));
    }
    used::note(&prefix, caller);
    let mut command = wish.command.clone();
    let name = wish.command.first().map(OsString::as_os_str).unwrap_or_default();
    // What is in the environment is meant, also where it cannot start: the search of PATH would go on to another one's.
    let own = prefix.bin().join(name);
    if Path::new(name).file_name() == Some(name) && fs::lstat(&own).is_ok() {
        command[0] = own.into();
    }
    let error = process::become_program(&command, &variables(&prefix, caller));
    not_started(name, &prefix, error.kind())
}

/// What an activated shell would hand on.
fn variables(prefix: &Prefix, caller: &Caller) -> BTreeMap<OsString, OsString> {
    let mut variables = caller.variables.clone();
    let bin = prefix.bin();
    let left = caller.variable("VIRTUAL_ENV").map(|active| Path::new(active).join("bin"));
    let path = caller.variable("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let is_left = |directory: &PathBuf| Some(directory) == left.as_ref() || *directory == bin;
    let others = std::env::split_paths(path).filter(|directory| !is_left(directory));
    // What came out of a PATH has no colon, and an environment whose path has one was refused.
    let path = std::env::join_paths(std::iter::once(bin.clone()).chain(others)).unwrap_or_default();
    // The last two are the shims' word of the shell around, which this is not.
    for name in ["PYTHONHOME", "VENVKEEP_SHELL", "VENVKEEP_ACTIVE"] {
        variables.remove(OsStr::new(name));
    }
    variables.insert("PATH".into(), path);
    variables.insert("VIRTUAL_ENV".into(), prefix.path().into());
    variables.insert("VIRTUAL_ENV_PROMPT".into(), trust::shown_name(prefix).into());
    variables
}

fn refused(prefix: &Prefix, objection: &Objection, caller: &Caller) -> Failure {
    let (path, word) = (printable(prefix.path()), shell_word(prefix.path()));
    let failure = || Failure::new(Exit::Attention, format!("nothing of {path} is run: {}", said(objection)));
    if let Objection::OthersCanWrite(place) = objection
        && place.starts_with(prefix.path())
        && let Some(failure) = hints::made_for_a_group(failure(), prefix, caller)
    {
        return failure;
    }
    let failure = failure();
    if let Some(uid) = by_sudo_of(caller) {
        return failure.hint(format!(
            "Type it without sudo, as {}:  venvkeep run {word} -- ...",
            printable(credentials::called(uid))
        ));
    }
    match objection {
        Objection::NotYours { path, .. } if path.starts_with(prefix.path()) => {
            failure.hint(format!("Rebuild it as yours, without sudo:  venvkeep heal {word}"))
        }
        Objection::OthersCanWrite(place) => failure
            .hint("Whoever can write there could put other programs in. If nobody needs to:")
            .hint(format!("  chmod go-w {}", shell_word(place))),
        _ => failure.hint(format!("See what is wrong with it:  venvkeep check {word}")),
    }
}

fn not_started(name: &OsStr, prefix: &Prefix, kind: ErrorKind) -> Failure {
    let (name, path) = (printable(name), printable(prefix.path()));
    match kind {
        ErrorKind::NotFound => {
            Failure::new(Exit::NotFound, format!("there is no command {name} in {path} or on your PATH"))
                .hint("A script whose Python is gone counts as missing too: venvkeep check tells.")
        }
        ErrorKind::PermissionDenied => {
            Failure::new(Exit::NotStarted, format!("{name} may not be executed")).hint("See its mode: ls -l")
        }
        other => Failure::new(Exit::NotStarted, format!("{name} could not be started: {other}")),
    }
}
