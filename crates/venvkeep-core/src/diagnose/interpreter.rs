//! The environment's Python: gone, no program, or another version than before.

use std::path::Path;

use super::finding::{Code, Finding};
use super::{Evidence, found};
use crate::inspect::snapshot::{Interpreter, Snapshot};
use crate::model::printable::shell_word;
use crate::model::pyvenv_cfg::PyvenvCfg;

const PYTHON: &str = "bin/python";

const WENT_AWAY: &str = "the Python that it was made with was removed or replaced, usually by an upgrade of the system, \
                         of Homebrew, pyenv or uv; the packages in it are still there";

/// `bin/python`, or what it leads to, is not there.
pub(super) fn missing(snapshot: &Snapshot) -> Option<Finding> {
    let message = match &snapshot.interpreter {
        Interpreter::Absent
            if snapshot.tree.find(Path::new("bin")).is_some() || !snapshot.tree.is_empty() =>
        {
            "it has no bin/python any more".to_owned()
        }
        Interpreter::Dangling { target } => {
            format!("its Python is gone: bin/python leads to {}, where nothing is", target.display())
        }
        // Without a usable configuration nothing names the base; that is `config-missing`.
        Interpreter::Copied { base: None } if names_a_base(snapshot) => {
            "its Python is gone: the one that pyvenv.cfg names, whose standard library it needs, is not there"
                .to_owned()
        }
        _ => return None,
    };
    let finding = found(Code::InterpreterMissing, message, Evidence::one(PYTHON));
    let cause = format!(
        "{WENT_AWAY}. A heal takes a Python of the same version, and where there is none another one: \
         venvkeep heal --dry-run {} says which",
        shell_word(snapshot.prefix.path())
    );
    Some(Finding { cause: Some(cause), ..finding })
}

fn names_a_base(snapshot: &Snapshot) -> bool {
    snapshot.configuration().and_then(PyvenvCfg::home).is_some()
}

/// `bin/python` leads to something that cannot be started, or to where the viewer may not go.
pub(super) fn broken(snapshot: &Snapshot) -> Option<Finding> {
    let (message, cause) = match &snapshot.interpreter {
        Interpreter::NotAProgram { target, why } => (
            format!("its Python cannot be started: bin/python leads to {}, and {why}", target.display()),
            "the file was replaced or damaged, its permissions were taken away, or an upgrade was cut off; the packages \
             are still there",
        ),
        // The link itself could be seen, so what could not be looked at is the base interpreter.
        Interpreter::Unknown(why) if snapshot.tree.find(Path::new(PYTHON)).is_some() => (
            format!("its Python lies where you may not go: {why}"),
            "it was made by another user with a Python in their own home directory (root's pyenv or uv, for one)",
        ),
        _ => return None,
    };
    let finding = found(Code::InterpreterBroken, message, Evidence::one(PYTHON));
    Some(Finding { cause: Some(cause.to_owned()), ..finding })
}

/// The libraries are for another minor version than the interpreter.
pub(super) fn mismatch(snapshot: &Snapshot) -> Option<Finding> {
    let now = match &snapshot.interpreter {
        Interpreter::Base { version, .. } => (*version)?,
        Interpreter::Copied { base: Some(_) } => snapshot.configuration()?.version()?,
        _ => return None,
    };
    let sites = || snapshot.sites.iter().filter_map(|site| Some((site, site.python?)));
    if sites().any(|(_, python)| python.same_minor(&now)) {
        return None;
    }
    let (_, then) = sites().next()?;
    let message = format!(
        "its packages were installed for Python {}.{}, but bin/python is now {}.{}, which does not see them",
        then.major, then.minor, now.major, now.minor
    );
    let about = Evidence::of(sites().map(|(site, _)| site.path.clone()));
    let cause = "the Python behind bin/python was upgraded to another version; the packages are still there";
    Some(Finding { cause: Some(cause.to_owned()), ..found(Code::InterpreterMismatch, message, about) })
}
