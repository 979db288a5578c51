//! Which base interpreter the new environment gets.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::inspect::snapshot::{Config, Interpreter, Snapshot};
use crate::interpreters::find::{FindError, find};
use crate::interpreters::request::{Release, Request};
use crate::model::caller::Caller;
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::python_version::PythonLabel;
use crate::plan::BaseChoice;

/// The interpreter that the user asked for; else the environment's own; else one of its version; else any.
///
/// What `pyvenv.cfg` names is used only where the program and all directories above it belong to root or the user and
/// nobody else may write them, which [`find`] insists on.
pub(super) fn choose(
    snapshot: &Snapshot,
    asked: Option<&OsString>,
    caller: &Caller,
    interrupt: &Interrupt,
) -> Result<(BaseInterpreter, BaseChoice), FindError> {
    if let Some(text) = asked {
        return Ok((find(&Request::parse(text), caller, interrupt)?, BaseChoice::Asked));
    }
    let release = release(snapshot);
    for path in named_by(snapshot) {
        match find(&Request::Path(path), caller, interrupt) {
            Ok(base) if release.as_ref().is_none_or(|release| release.matches(&base)) => {
                return Ok((base, BaseChoice::Same));
            }
            Err(FindError::Interrupted) => return Err(FindError::Interrupted),
            _ => {}
        }
    }
    if let Some(release) = release {
        match find(&Request::Release(release), caller, interrupt) {
            Ok(base) => return Ok((base, BaseChoice::SameVersion)),
            Err(FindError::Interrupted) => return Err(FindError::Interrupted),
            Err(_) => {}
        }
    }
    let base = find(&Request::Any, caller, interrupt)?;
    Ok((base, BaseChoice::OtherVersion { was: snapshot.python }))
}

/// The release that the environment's library directories are for.
fn release(snapshot: &Snapshot) -> Option<Release> {
    let version = snapshot.python?;
    let mut names = snapshot.sites.iter().flat_map(|site| site.path.iter());
    let label = names.find_map(|name| PythonLabel::parse(name.to_str()?));
    Some(Release {
        implementation: if label.is_some_and(|label| label.pypy) { "pypy" } else { "cpython" }.to_owned(),
        version: vec![version.major, version.minor],
        free_threaded: label.is_some_and(|label| label.free_threaded),
    })
}

/// The paths at which the environment itself says that its base interpreter is, the best witness first.
fn named_by(snapshot: &Snapshot) -> Vec<PathBuf> {
    let linked = match &snapshot.interpreter {
        Interpreter::Base { executable, .. } => Some(executable.clone()),
        Interpreter::Copied { base } => base.clone(),
        _ => None,
    };
    let configured = match &snapshot.config {
        Config::Read(config) => [config.executable(), config.get("base-executable")]
            .into_iter()
            .flatten()
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .collect(),
        _ => Vec::new(),
    };
    linked.into_iter().chain(configured).collect()
}
