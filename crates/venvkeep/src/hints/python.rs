//! What to do where there is no interpreter of the kind that was asked for.

use venvkeep_core::interpreters::find::{Candidate, FindError};
use venvkeep_core::interpreters::request::{Release, Request};
use venvkeep_core::model::printable::printable;

use crate::failure::Failure;

/// What there is instead, and the next command. `again` makes the command that takes another Python of what is behind
/// its `-p`.
pub(super) fn not_found(failure: Failure, why: &FindError, again: impl Fn(&str) -> String) -> Failure {
    let (wanted, found) = match why {
        FindError::NoneSuitable { wanted, found } => (wanted, found),
        FindError::Named(_) => {
            return failure.hint("Those that there are, and why one is not used:  venvkeep pythons");
        }
        FindError::Interrupted => return failure,
    };
    let failure = found.iter().fold(failure, |failure, candidate| {
        failure.hint(format!("Found: {}", printable(candidate.to_string())))
    });
    let failure = match wanted {
        Request::Name(_) => failure
            .hint("-p takes a version (3.12, 3.13t, pypy3.10), a range (\">=3.10\"), the name of a program, or a path."),
        Request::Release(release) if release.is_too_old() => {
            failure.hint("venvkeep makes environments for Python 3.8 and newer.")
        }
        Request::Release(release) if !release.version.is_empty() => {
            let name = release.typed();
            failure.hint(format!("Install it:  uv python install {name}  (or pyenv, or your system's packages)"))
        }
        _ => failure.hint("Install one (apt install python3, brew install python, pyenv install, uv python install)."),
    };
    match found.iter().find_map(typed) {
        Some(name) => failure.hint(format!("Or take one that is there:  {}", again(&name))),
        None => failure.hint(format!("Or name one by its path:  {}", again("PATH"))),
    }
}

/// What to type for a usable one.
fn typed(candidate: &Candidate) -> Option<String> {
    Some(Release::of(candidate.answer.as_ref().ok()?).typed())
}
