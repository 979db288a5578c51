//! `venvkeep undo`.

use serde_json::json;
use venvkeep_core::root::{AsRoot, insist_on_right_user};
use venvkeep_core::undo::{self, Undone};

use crate::args::UndoArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::Emphasis;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(wish: &UndoArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefix = undo::locate_kept(wish.environment.as_deref(), &session.caller)
        .map_err(|error| hints::not_located(&error))?;
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    insist_on_right_user(prefix.path(), &session.caller, as_root)
        .map_err(|refusal| hints::wrong_user(&refusal, "undo", &[]))?;
    // It is over sooner than anybody could stop it, so it is not stopped half-way.
    session.stop_cleanly()?;
    let undone = undo::undo(&prefix, &session.caller.viewer).map_err(|error| hints::undo(&error, &prefix))?;
    if session.screen.json {
        session.screen.json("undo", json!({ "environments": [document(&undone)] }))?;
    } else {
        session.screen.result(&report(&undone, session))?;
    }
    Ok(Exit::Done)
}

fn report(undone: &Undone, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let path = undone.prefix.path();
    let word = paint.text(Emphasis::Good, "Brought back");
    let first = format!("{word} {}: it is as it was before\n", printable(path));
    let Some(aside) = &undone.aside else { return first };
    let again = paint.text(Emphasis::Command, format!("venvkeep undo {}", shell_word(path)));
    let kept = printable(aside);
    format!("{first}  kept         the one that was there, at {kept}\n  change back  {again}\n")
}

fn document(undone: &Undone) -> serde_json::Value {
    json!({
        "path": undone.prefix.path().to_string_lossy(),
        "outcome": "undone",
        "live": "restored",
        "old": undone.aside.as_ref().map(|path| path.to_string_lossy()),
    })
}
