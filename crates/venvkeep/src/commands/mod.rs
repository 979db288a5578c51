//! One module per command: from the arguments to the library and to what is shown.

pub(crate) mod activate;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod copy;
pub(crate) mod default;
pub(crate) mod doctor;
pub(crate) mod freeze;
pub(crate) mod heal;
pub(crate) mod heal_all;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod prune;
pub(crate) mod pythons;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod run;
pub(crate) mod scan;
pub(crate) mod shims;
mod shims_status;
pub(crate) mod trust;
pub(crate) mod undo;

use std::path::{Path, PathBuf};

use venvkeep_core::host::fs;
use venvkeep_core::locate::{at, link_to_it};
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::facts::Kind;
use venvkeep_core::model::owner::ROOT;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::store::known::locate;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Who called sudo, where this is root for somebody else.
fn by_sudo_of(caller: &Caller) -> Option<u32> {
    caller.sudo_uid.filter(|&uid| caller.viewer.is_root() && uid != ROOT)
}

/// The environments that were named; without a name the active or nearest one.
fn environments(named: &[PathBuf], session: &Session<'_>) -> Result<Vec<Prefix>, Failure> {
    let find = |path: Option<&PathBuf>| {
        let (path, caller) = (path.map(PathBuf::as_path), &session.caller);
        let prefix = locate(path, caller).map_err(|error| hints::not_located(&error, session))?;
        if let Some(link) = leading(path, &prefix, caller) {
            session.screen.note(&format!("{}, which is meant", led_to(&link, &prefix)));
        }
        Ok(prefix)
    };
    if named.is_empty() {
        return Ok(vec![find(None)?]);
    }
    let (found, missed): (Vec<_>, Vec<_>) =
        named.iter().map(|path| find(Some(path))).partition(Result::is_ok);
    let mut missed = missed.into_iter().filter_map(Result::err);
    match missed.next() {
        None => Ok(found.into_iter().filter_map(Result::ok).collect()),
        Some(first) => {
            let others = missed.map(|other| format!("And {}", other.message));
            let failure = others.fold(first, Failure::hint);
            let rest = !found.is_empty();
            Err(if rest {
                failure.hint("So nothing was done with the others that were named.")
            } else {
                failure
            })
        }
    }
}

/// The environment that was named, which is to leave its place: not by way of a link, since it may be the link that is
/// to go. `command` is what is typed before and behind the environment.
fn itself(named: &Path, (before, behind): (&str, &str), session: &Session<'_>) -> Result<Prefix, Failure> {
    let prefix = locate(Some(named), &session.caller).map_err(|error| hints::not_located(&error, session))?;
    let Some(link) = leading(Some(named), &prefix, &session.caller) else { return Ok(prefix) };
    let failure = Failure::new(Exit::Usage, led_to(&link, &prefix));
    let (environment, link) = (shell_word(prefix.path()), shell_word(&link));
    Err(failure
        .hint(format!("If you mean the environment:  venvkeep {before} {environment}{behind}"))
        .hint(format!("If you mean what leads to it:  rm {link}")))
}

/// The link or file that leads to the environment; where that was found by its name, what stands at that path leads
/// elsewhere.
fn leading(asked: Option<&Path>, prefix: &Prefix, caller: &Caller) -> Option<PathBuf> {
    let leads_there = |link: &PathBuf| at(link, &caller.viewer).is_ok_and(|found| found == *prefix);
    link_to_it(asked, caller).filter(leads_there)
}

/// In words, what leads to an environment.
fn led_to(link: &Path, prefix: &Prefix) -> String {
    let is_file = fs::lstat(link).is_ok_and(|facts| facts.kind == Kind::File);
    let leads = if is_file { "points to" } else { "is a link to" };
    format!("{} {leads} the environment {}", printable(link), printable(prefix.path()))
}
