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

use std::path::PathBuf;

use venvkeep_core::host::fs;
use venvkeep_core::locate::link_to_it;
use venvkeep_core::model::facts::Kind;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::store::known::locate;

use crate::failure::Failure;
use crate::hints;
use crate::request::Session;
use venvkeep_core::model::printable::printable;

/// The environments that were named; without a name the active or nearest one.
fn environments(named: &[PathBuf], session: &Session<'_>) -> Result<Vec<Prefix>, Failure> {
    let find = |path: Option<&PathBuf>| {
        let (path, caller) = (path.map(PathBuf::as_path), &session.caller);
        let prefix = locate(path, caller).map_err(|error| hints::not_located(&error))?;
        if let Some(link) = link_to_it(path, caller) {
            let is_file = fs::lstat(&link).is_ok_and(|facts| facts.kind == Kind::File);
            let leads = if is_file { "points to" } else { "is a link to" };
            let (link, prefix) = (printable(link), printable(prefix.path()));
            session.screen.note(&format!("{link} {leads} the environment {prefix}, which is meant"));
        }
        Ok(prefix)
    };
    if named.is_empty() { Ok(vec![find(None)?]) } else { named.iter().map(|path| find(Some(path))).collect() }
}
