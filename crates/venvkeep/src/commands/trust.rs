//! `venvkeep trust` and `venvkeep untrust`.

use std::path::Path;

use serde_json::json;
use venvkeep_core::host::credentials;
use venvkeep_core::inspect::inspect;
use venvkeep_core::locate::LocateError;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::plan::{Hostile, hostile};
use venvkeep_core::store::known::locate;
use venvkeep_core::store::registry;
use venvkeep_core::store::trust::{self, Objection, TrustError};

use crate::args::TrustArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::Emphasis;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Lets the shell activate an environment by itself.
pub(crate) fn run(wish: &TrustArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefix =
        nearest(wish.place.as_deref(), session).map_err(|error| hints::not_located(&error, session))?;
    let failed = |error| refused(&prefix, &error, &session.caller);
    let objection = trust::objection(&prefix, &session.caller.viewer);
    if let Some(objection) = objection.map_err(|error| failed(error.into()))? {
        return Err(failed(objection.into()));
    }
    insist_on_unspoilt(&prefix, session)?;
    trust::trust(&prefix, &session.caller).map_err(failed)?;
    // What is known is found again where it was moved by hand. A name is a convenience, and nothing to fail for.
    let _ = registry::register(&prefix, None, &session.caller);
    shown("trust", &prefix, true, session)?;
    Ok(Exit::Done)
}

/// Takes it back.
pub(crate) fn take_back(wish: &TrustArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let prefix = match nearest(wish.place.as_deref(), session) {
        Ok(prefix) => prefix,
        // Its record outlives an environment that was removed.
        Err(error) => gone(&error, session).ok_or_else(|| hints::not_located(&error, session))?,
    };
    let was = trust::untrust(&prefix, &session.caller)
        .map_err(|error| Failure::new(Exit::Failed, printable(error.to_string())))?;
    if !was {
        session.screen.note(&format!("{} was not trusted.", printable(prefix.path())));
    }
    shown("untrust", &prefix, false, session)?;
    Ok(Exit::Done)
}

/// The environment that is meant where the active one may be another.
pub(super) fn nearest(asked: Option<&Path>, session: &Session<'_>) -> Result<Prefix, LocateError> {
    let mut caller = session.caller.clone();
    caller.variables.remove(std::ffi::OsStr::new("VIRTUAL_ENV"));
    locate(asked, &caller)
}

/// A trusted place where nothing is any more.
fn gone(error: &LocateError, session: &Session<'_>) -> Option<Prefix> {
    let (LocateError::NoSuchPath { path } | LocateError::NoSuchName { path, .. }) = error else {
        return None;
    };
    let known = trust::trusted(&session.caller).into_iter().find(|known| known == path)?;
    Prefix::new(known).ok()
}

/// Everything in it is the user's or root's, and nobody else can change it.
fn insist_on_unspoilt(prefix: &Prefix, session: &Session<'_>) -> Result<(), Failure> {
    let snapshot = inspect(prefix, &session.caller.viewer)
        .map_err(|error| Failure::new(Exit::Failed, printable(error.to_string())))?;
    match hostile(&snapshot, &credentials::user_name) {
        None => Ok(()),
        Some(hostile) => {
            let (Hostile::ForeignOwner { path: first, .. } | Hostile::OthersCanWrite { path: first, .. }) =
                &hostile;
            let path = printable(prefix.path());
            let message = format!("{path} is not trusted: it {hostile}, such as {}", printable(first));
            Err(Failure::new(Exit::Attention, message).hint(look_at(prefix)))
        }
    }
}

fn look_at(prefix: &Prefix) -> String {
    format!("See what is wrong with it: venvkeep check {}", shell_word(prefix.path()))
}

fn refused(prefix: &Prefix, error: &TrustError, caller: &Caller) -> Failure {
    let path = printable(prefix.path());
    let why = printable(error.to_string());
    match error {
        TrustError::ForRoot => Failure::new(Exit::Usage, format!("{path} is not trusted: {why}"))
            .hint("Type the command as yourself, without sudo."),
        TrustError::NoStateDirectory => {
            Failure::new(Exit::Failed, why).hint("Set HOME to your home directory, or XDG_STATE_HOME.")
        }
        TrustError::Io(_) => Failure::new(Exit::Failed, why),
        TrustError::Objection(objection) => {
            let failure = || Failure::new(Exit::Attention, format!("{path} is not trusted: {why}"));
            if let Objection::OthersCanWrite(place) = objection
                && place.starts_with(prefix.path())
                && let Some(failure) = hints::made_for_a_group(failure(), prefix, caller)
            {
                return failure;
            }
            let failure = failure();
            match objection {
                Objection::NotYours { path, .. } if path.starts_with(prefix.path()) => failure.hint(format!(
                    "Rebuild it as yours: venvkeep heal {}",
                    shell_word(prefix.path())
                )),
                Objection::OthersCanWrite(path) => failure
                    .hint("Whoever can write there could put another environment in its place. If nobody needs to:")
                    .hint(format!("chmod go-w {}", shell_word(path))),
                Objection::Path(_) | Objection::NotYours { .. } => {
                    failure.hint("Make one at another place, in a directory of yours: venvkeep new PATH")
                }
                Objection::Missing(_) | Objection::Kind { .. } => failure.hint(look_at(prefix)),
            }
        }
    }
}

fn shown(
    command: &'static str,
    prefix: &Prefix,
    trusted: bool,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let screen = session.screen;
    if screen.json {
        let path = prefix.path().to_string_lossy();
        return screen.json(command, json!({ "environments": [{ "path": path, "trusted": trusted }] }));
    }
    let paint = screen.paint();
    let path = printable(prefix.path());
    screen.result(&if trusted {
        let word = paint.text(Emphasis::Good, "Trusted");
        format!("{word} {path}: the shell may activate it when you enter its directory\n")
    } else {
        format!("Not trusted: {path} (the shell does not activate it by itself)\n")
    })
}
