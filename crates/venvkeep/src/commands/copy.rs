//! `venvkeep clone` and `venvkeep move`.

use std::path::{Path, PathBuf};

use serde_json::json;
use venvkeep_core::heal::{self, CopyError, CopyRequest, HealError, Original};
use venvkeep_core::host::fs;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::new::place::place;
use venvkeep_core::plan::PlanError;
use venvkeep_core::progress::{Event, Progress};
use venvkeep_core::rebuild::build::BuildError;
use venvkeep_core::root::{AsRoot, insist_on_right_user};
use venvkeep_core::store::trust;
use venvkeep_core::swap::SwapError;

use super::heal::exit_of;
use super::rename::note_namesakes;
use crate::args::CopyArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::progress::Spinner;
use crate::render::{copied, heal as shown};
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &CopyArguments, original: Original, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    let command = match original {
        Original::Stays => "clone",
        Original::SetAside => "move",
    };
    let prefix = match original {
        Original::Stays => super::environments(std::slice::from_ref(&wish.environment), session)?.remove(0),
        Original::SetAside => {
            let to = format!(" {}", shell_word(&wish.to));
            super::itself(&wish.environment, ("move", &to), session)?
        }
    };
    let to = place(Some(&wish.to), &session.caller.cwd).map_err(|why| {
        Failure::new(Exit::Usage, format!("no environment can be at {}: {why}", printable(&wish.to)))
            .hint("Choose another name, or a directory without such characters in its path.")
    })?;
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    let touched = match original {
        Original::Stays => vec![to.environment.as_path()],
        Original::SetAside => vec![prefix.path(), to.environment.as_path()],
    };
    for place in touched {
        insist_on_right_user(place, &session.caller, as_root)
            .map_err(|refusal| hints::wrong_user(&refusal, command, &[prefix.path(), &to.environment]))?;
    }
    let request = CopyRequest { prefix: &prefix, to: &to.environment, original };
    let spinner = Spinner::new(session.screen, &printable(prefix.path()));
    let listener = |event: Event<'_>| spinner.show(event);
    let copied = heal::copy(&request, &session.caller, &session.interrupt, Progress::new(&listener));
    spinner.finish();
    let report = match copied {
        Err(HealError::Swap(SwapError::MovedAway { to: place, .. })) if is_at(&place, &to.environment) => {
            return finished(&prefix, &place, session);
        }
        copied => copied.map_err(|error| failure(&error, &prefix, (command, to.environment), session))?,
    };
    if session.screen.json {
        session.screen.json(command, json!({ "environments": [shown::document(&report)] }))?;
    } else {
        session.screen.result(&copied::report(&report, session.screen.paint()))?;
    }
    note_namesakes(&to.name, report.prefix.path(), session);
    Ok(exit_of(&report))
}

/// Whether that place is the one that was asked for, by whatever way its path goes.
fn is_at(place: &Path, asked: &Path) -> bool {
    fs::physical(asked).is_ok_and(|asked| asked == place)
}

/// All that a move which was cut off had left to do was done before this one began.
fn finished(prefix: &Prefix, to: &Path, session: &Session<'_>) -> Result<Exit, Failure> {
    if let Ok(new) = Prefix::new(to.to_owned()) {
        if let Some(remark) = heal::moved_away(prefix, &new, &session.caller) {
            session.screen.note(&printable(format!("note: {remark}")));
        }
        if !session.caller.viewer.is_root() && trust::record_of(&new, &session.caller).is_none() {
            // Whether the shell may activate it was for the run to pass on that was cut off.
            let trust = format!("venvkeep trust {}", shell_word(to));
            session
                .screen
                .note(&format!("your shell does not activate it by itself until you say so:  {trust}"));
        }
    }
    let (from, to_text) = (prefix.path().to_string_lossy(), to.to_string_lossy());
    if session.screen.json {
        let environment = json!({ "path": to_text, "outcome": "moved", "live": "new", "built_from": from });
        session.screen.json("move", json!({ "environments": [environment] }))?;
    } else {
        let (from, to) = (printable(prefix.path()), printable(to));
        session.screen.result(&format!("Moved {from} to {to}: the move that was cut off is finished\n"))?;
    }
    Ok(Exit::Done)
}

fn failure(
    error: &HealError,
    prefix: &Prefix,
    (command, to): (&str, PathBuf),
    session: &Session<'_>,
) -> Failure {
    let word = shell_word(prefix.path());
    let failure = Failure::new(Exit::Failed, printable(error.to_string())).live(error.live());
    match error {
        HealError::Copy(CopyError::Broken { .. }) => failure
            .hint(format!("A copy would be as broken. Put it right first:  venvkeep heal {word}"))
            .hint(format!(
                "or build a sound one at the other place:  venvkeep heal --to {} {word}",
                shell_word(&to)
            )),
        HealError::Copy(CopyError::Hostile { .. }) if trust::group_of(prefix, &session.caller.viewer).is_some() => Failure {
            exit: Exit::Attention,
            ..failure
        }
        .hint("It was made to be shared with a group, each member of which can write it, and a copy would be")
        .hint("as much their word. Build one of your own from its list, once you have looked at that:")
        .hint(format!("  venvkeep freeze --all {word}"))
        .hint(format!("  venvkeep heal --trust-owner --to {} {word}", shell_word(&to))),
        HealError::Copy(CopyError::Hostile { .. }) => Failure { exit: Exit::Attention, ..failure }
            .hint("A copy would bring along what they wrote. See what it is, and rebuild it as yours:")
            .hint(format!("  venvkeep check {word}"))
            .hint(format!("  venvkeep heal {word}")),
        HealError::Copy(CopyError::OtherInterpreter { .. }) => failure
            .hint("It was moved or replaced, or others can change it. With another one:")
            .hint(format!("  venvkeep heal --to {} {word}", shell_word(&to))),
        HealError::Plan(PlanError::Unobtainable { missing })
        | HealError::Build(BuildError::Altered { missing }) => {
            let each = missing.iter().map(|one| printable(format!("  {}: {}", one.requirement, one.why)));
            each.fold(failure, Failure::hint)
                .hint(format!(
                    "{command} takes everything as it is. To have what cannot be copied fetched instead:"
                ))
                .hint(format!("  venvkeep heal --to {} {word}", shell_word(&to)))
        }
        _ => hints::heal(error, prefix, &session.caller),
    }
}
