//! `venvkeep activate` and `venvkeep deactivate`: what a program cannot do for the shell that started it, and what the
//! shims ask it when they do.

use std::path::Path;

use venvkeep_core::host::{credentials, fs};
use venvkeep_core::locate::{LocateError, at};
use venvkeep_core::model::owner::ROOT;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::shims;
use venvkeep_core::store::trust::Objection;
use venvkeep_core::store::{default, known, trust, used};

use super::trust::nearest;
use crate::args::{ActivateArguments, NoticeArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::to_stderr;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(wish: &ActivateArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefix = named(wish.environment.as_deref(), session)?;
    if !wish.for_shell {
        let script = shell_word(&prefix.bin().join("activate"));
        return Err(needs_shims("activate", session).hint(format!("Without them: source {script}")));
    }
    insist_on_fit(&prefix, session)?;
    used::note(&prefix, &session.caller);
    let name = trust::shown_name(&prefix);
    session.screen.result(&format!("{}\n{name}\n", prefix.path().display()))?;
    Ok(Exit::Done)
}

/// A program cannot change the shell that started it.
pub(crate) fn needs_shims(command: &str, session: &Session<'_>) -> Failure {
    if shims::around(&session.caller).is_some() {
        // The shim took it for another command, since it came after an option or with too many words.
        return Failure::new(
            Exit::Usage,
            format!("{command} is for your shell to do, and was typed in a way it does not know"),
        )
        .hint(format!("Type it first, with an environment or nothing behind it: {command}"));
    }
    let message = format!("{command} works in a shell that has the venvkeep shims, and this one does not");
    Failure::new(Exit::Usage, message)
        .hint("Put them into your shell's profile: venvkeep shims install")
        .hint("then open a new shell.")
}

/// The environment at a path, or a trusted one by its name; without either the nearest, else the default.
fn named(asked: Option<&Path>, session: &Session<'_>) -> Result<Prefix, Failure> {
    let caller = &session.caller;
    match nearest(asked, session) {
        Err(LocateError::NoneNear { cwd }) => match default::get(caller) {
            Ok(Some(path)) => at(&path, &caller.viewer).map_err(|error| {
                hints::not_located(&error)
                    .hint("That is the default environment, since nothing is nearer; to forget it:")
                    .hint("  venvkeep default --none")
            }),
            _ => Err(nothing_to_activate(&cwd)),
        },
        answer => answer
            .or_else(|error| known::called(asked, error, caller))
            .map_err(|error| hints::not_located(&error)),
    }
}

fn nothing_to_activate(cwd: &Path) -> Failure {
    let cwd = printable(cwd);
    let message = format!("there is no .venv, venv or env in {cwd} or above it, and no default environment");
    Failure::new(Exit::Usage, message)
        .hint("Name one that venvkeep list shows: activate NAME")
        .hint("or make one here with: venvkeep new")
}

fn insist_on_fit(prefix: &Prefix, session: &Session<'_>) -> Result<(), Failure> {
    let path = prefix.path();
    let refuse =
        |why: String| Failure::new(Exit::Attention, format!("{} is not activated: {why}", printable(path)));
    let check = || format!("See what is wrong with it: venvkeep check {}", shell_word(path));
    match trust::objection_when_asked(prefix, &session.caller.viewer) {
        Ok(None) => Ok(()),
        Ok(Some(objection @ Objection::Path(_))) => Err(refuse(objection.to_string())),
        Ok(Some(objection)) => Err(refuse(said(&objection)).hint(check())),
        Err(error) => Err(refuse(printable(error.to_string()))),
    }
}

/// What speaks against an environment, with its owner's name.
pub(super) fn said(objection: &Objection) -> String {
    match objection {
        Objection::NotYours { path, owner } => {
            format!("{} belongs to {}", printable(path), named_user(*owner))
        }
        other => printable(other.to_string()),
    }
}

/// One line on stderr about an environment that the shims came upon and that is not the user's. They ask for it once a
/// shell; whatever goes wrong here, a prompt is no place to say so.
pub(crate) fn notice(wish: &NoticeArguments, session: &Session<'_>) -> Exit {
    let path = session.caller.absolute(&wish.environment);
    let uid = session.caller.viewer.uid;
    let (Ok(own), Some(Ok(around))) = (fs::lstat(&path), path.parent().map(fs::stat)) else {
        return Exit::Done;
    };
    let shown = printable(&path);
    // A part of it tells whose hand was in it, where the directory itself is the user's.
    let foreign = [Ok(own), fs::lstat(&path.join("bin")), fs::lstat(&path.join("pyvenv.cfg"))];
    let Some(facts) = foreign.into_iter().flatten().find(|facts| facts.uid != uid) else {
        return Exit::Done;
    };
    if around.uid == uid {
        to_stderr(&format!(
            "venvkeep: {shown} belongs to {}, not to you; to make it yours: venvkeep heal\n",
            named_user(facts.uid)
        ));
    } else if !(facts.uid == ROOT && around.uid == ROOT) {
        // Root's environment in root's directory is there for everybody.
        to_stderr(&format!(
            "venvkeep: {shown} belongs to {} and is not activated by itself\n",
            named_user(facts.uid)
        ));
    }
    Exit::Done
}

pub(super) fn named_user(uid: u32) -> String {
    match credentials::user_name(uid) {
        Some(name) => printable(name),
        None if uid == ROOT => "root".to_owned(),
        None => format!("user number {uid}"),
    }
}
