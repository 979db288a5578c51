//! `venvkeep rename`.

use std::path::Path;

use serde_json::json;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::root::{AsRoot, insist_on_right_user};
use venvkeep_core::store::known::{self, NameError, locate};

use crate::args::RenameArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &RenameArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let caller = &session.caller;
    let prefix =
        locate(Some(&wish.environment), caller).map_err(|error| hints::not_located(&error, session))?;
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    insist_on_right_user(prefix.path(), caller, as_root)
        .map_err(|refusal| hints::wrong_user(&refusal, "rename", &[prefix.path(), Path::new(&wish.name)]))?;
    known::rename(&prefix, &wish.name, caller).map_err(|error| failure(&error))?;
    let path = prefix.path();
    if session.screen.json {
        let environment = json!({ "path": path.to_string_lossy(), "name": wish.name });
        session.screen.json("rename", json!({ "environments": [environment] }))?;
    } else {
        let text =
            format!("{} is called {} now; it stays where it is\n", printable(path), printable(&wish.name));
        session.screen.result(&text)?;
    }
    note_namesakes(&wish.name, path, session);
    Ok(Exit::Done)
}

/// Says that a name does not tell an environment from others.
pub(super) fn note_namesakes(name: &str, path: &Path, session: &Session<'_>) {
    let others = known::namesakes(name, path, &session.caller);
    if let Some(other) = others.first() {
        let (name, other) = (printable(name), shell_word(other));
        session
            .screen
            .note(&format!("note: {other} is called {name} too; name such environments by their paths."));
    }
}

fn failure(error: &NameError) -> Failure {
    match error {
        NameError::Unusable(_) => Failure::new(Exit::Usage, printable(error.to_string()))
            .hint("To have the environment itself at another place:  venvkeep move ENV PATH"),
        NameError::NoText(_) | NameError::NoPlace | NameError::Io(_) => {
            Failure::new(Exit::Failed, printable(error.to_string()))
        }
    }
}
