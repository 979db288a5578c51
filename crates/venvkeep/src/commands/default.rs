//! `venvkeep default`.

use serde_json::json;
use venvkeep_core::store::default::{self, DefaultError};
use venvkeep_core::store::{known, trust};

use crate::args::DefaultArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Sets, forgets or says the default environment.
pub(crate) fn run(wish: &DefaultArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let caller = &session.caller;
    let (now, said) = match &wish.environment {
        Some(typed) => {
            let prefix =
                known::locate(Some(typed), caller).map_err(|error| hints::not_located(&error, session))?;
            default::set(&prefix, caller).map_err(|error| match super::by_sudo_of(caller) {
                Some(_) => Failure::new(Exit::Usage, printable(error.to_string()))
                    .hint(format!("Type it without sudo:  venvkeep default {}", shell_word(prefix.path()))),
                None => failure(&error),
            })?;
            let path = prefix.path().to_owned();
            if !trust::is_trusted(&prefix, caller) {
                session.screen.note(&format!(
                    "note: no shell activates it by itself before you say:  venvkeep trust {}",
                    shell_word(&path)
                ));
            }
            let said = format!("New shells start with {} where nothing nearer is active\n", printable(&path));
            (Some(path), said)
        }
        None if wish.none => match default::clear(caller).map_err(|error| failure(&error))? {
            Some(was) => (None, format!("{} is not the default any more\n", printable(was))),
            None => (None, "There was no default environment\n".to_owned()),
        },
        None => {
            let now = default::get(caller).map_err(|error| failure(&error))?;
            let said = match &now {
                Some(path) => format!("{}\n", printable(path)),
                None => "There is no default environment; set one with: venvkeep default ENV\n".to_owned(),
            };
            (now, said)
        }
    };
    if session.screen.json {
        session
            .screen
            .json("default", json!({ "path": now.map(|path| path.to_string_lossy().into_owned()) }))?;
    } else {
        session.screen.result(&said)?;
    }
    Ok(Exit::Done)
}

fn failure(error: &DefaultError) -> Failure {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    match error {
        DefaultError::NotYours { path, .. } => {
            failure.hint(format!("Make it yours first, without sudo:  venvkeep heal {}", shell_word(path)))
        }
        DefaultError::Unusable { .. } => {
            failure.hint("Make one in a directory without such characters: venvkeep new ~/tools/.venv")
        }
        DefaultError::NoHome | DefaultError::Io(_) => failure,
    }
}
