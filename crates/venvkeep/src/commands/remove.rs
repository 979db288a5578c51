//! `venvkeep remove`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::Remedy;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::remove::{self, RemoveError, Removed};
use venvkeep_core::root::{AsRoot, insist_on_right_user};
use venvkeep_core::store::default;

use super::itself;
use crate::args::RemoveArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::Emphasis;
use crate::request::Session;

/// Sets each environment aside in turn; one that cannot be does not stop the others.
pub(crate) fn run(wish: &RemoveArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefixes = wish.environments.iter().map(|named| itself(named, ("remove", ""), session));
    let mut prefixes = prefixes.collect::<Result<Vec<_>, _>>()?;
    // Its name and its project's directory are two words for one.
    let mut seen = BTreeSet::new();
    prefixes.retain(|prefix| seen.insert(prefix.path().to_owned()));
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    for prefix in &prefixes {
        insist_on_right_user(prefix.path(), &session.caller, as_root)
            .map_err(|refusal| hints::wrong_user(&refusal, "remove", &[]))?;
    }
    // Each is over sooner than anybody could stop it, so it is not stopped half-way.
    session.stop_cleanly()?;
    let mut exit = Exit::Done;
    let mut done = Vec::new();
    for prefix in &prefixes {
        match remove::remove(prefix, &session.caller) {
            Ok(removed) => done.push(removed),
            Err(error) => {
                let failure = failure(&error, prefix);
                exit = exit.max(failure.exit);
                session.screen.explain(&failure);
            }
        }
    }
    if session.screen.json {
        let documents: Vec<Value> = done.iter().map(document).collect();
        session.screen.json("remove", json!({ "environments": documents }))?;
    } else {
        let texts: Vec<String> = done.iter().map(|one| report(one, session)).collect();
        session.screen.result(&texts.concat())?;
    }
    Ok(exit)
}

fn report(removed: &Removed, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let (path, word) = (printable(removed.prefix.path()), shell_word(removed.prefix.path()));
    let mut text = format!(
        "{} {path}\n  kept        {}\n  go back     {}\n  free space  {}\n",
        paint.text(Emphasis::Good, "Removed"),
        printable(&removed.kept),
        paint.text(Emphasis::Command, format!("venvkeep undo {word}")),
        paint.text(Emphasis::Command, format!("venvkeep prune {word}")),
    );
    let active = session.caller.variable("VIRTUAL_ENV").map(Path::new);
    if active == Some(removed.prefix.path()) {
        text.push_str("  note        it is active in this shell: deactivate\n");
    }
    let standard = default::get(&session.caller).ok().flatten();
    if standard.as_deref() == Some(removed.prefix.path()) {
        text.push_str("  note        new shells started with it, and start with none now; forget it: venvkeep default --none\n");
    }
    if !removed.running.is_empty() {
        let count = removed.running.len();
        let note = format!("  note        {count} of your processes still use its files\n");
        text.push_str(&note);
    }
    text
}

fn document(removed: &Removed) -> Value {
    json!({
        "path": removed.prefix.path().to_string_lossy(),
        "outcome": "removed",
        "old": removed.kept.to_string_lossy(),
    })
}

fn failure(error: &RemoveError, prefix: &Prefix) -> Failure {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    match error {
        RemoveError::Swap(error) => hints::swap(error, prefix, failure.live(error.live())),
        RemoveError::ManagedElsewhere(kept) => {
            let tool = kept.manager.tool;
            let failure = Failure { exit: Exit::Attention, ..failure };
            let failure = failure.hint(format!("Let {tool} remove it, so that its own records stay right."));
            match &kept.manager.remedy {
                Remedy::Command(command) => failure.hint(format!("If it only is broken:  {command}")),
                _ => failure,
            }
        }
        RemoveError::Io(_) => failure,
    }
}
