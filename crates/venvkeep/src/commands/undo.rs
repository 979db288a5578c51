//! `venvkeep undo`.

use std::path::Path;

use serde_json::json;
use venvkeep_core::root::{AsRoot, insist_on_right_user};
use venvkeep_core::undo::{self, Undone};

use crate::args::UndoArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::Emphasis;
use crate::render::heal::line;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(wish: &UndoArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefix = undo::locate_kept(wish.environment.as_deref(), &session.caller).map_err(|error| {
        hints::not_located(&error, session)
            .hint("Nothing is kept there to go back to; what was kept was pruned, if anything.")
    })?;
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    insist_on_right_user(prefix.path(), &session.caller, as_root)
        .map_err(|refusal| hints::wrong_user(&refusal, "undo", &[]))?;
    // It is over sooner than anybody could stop it, so it is not stopped half-way.
    session.stop_cleanly()?;
    let undone = undo::undo(&prefix, &session.caller).map_err(|error| hints::undo(&error, &prefix))?;
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
    let mut text = format!("{word} {}: it is as it was before\n", printable(path));
    let mut line = |what: &str, said: String| line(&mut text, what, &said);
    if let Some(aside) = &undone.aside {
        line("kept", format!("the one that was there, at {}", printable(aside)));
        line("undo it", paint.text(Emphasis::Command, format!("venvkeep undo {}", shell_word(path))));
    }
    if let Some(moved) = &undone.moved_to {
        line("moved one", format!("stays at {}, as an environment of its own", printable(moved.path())));
        let remove = format!("venvkeep remove {}", shell_word(moved.path()));
        line("remove it", paint.text(Emphasis::Command, remove));
    }
    text
}

fn document(undone: &Undone) -> serde_json::Value {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    json!({
        "path": text(undone.prefix.path()),
        "outcome": "undone",
        "live": "restored",
        "old": undone.aside.as_deref().map(text),
        "moved_to": undone.moved_to.as_ref().map(|moved| text(moved.path())),
    })
}
