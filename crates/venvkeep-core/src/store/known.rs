//! The environments that go by a name: those that the user trusts, each called like its project.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::trust;
use crate::host::fs;
use crate::locate::{self, LocateError};
use crate::model::caller::Caller;
use crate::model::naming::name_of;
use crate::model::prefix::Prefix;

/// An environment and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its project's directory's name; its own where that is not one of the usual ones.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// All of them that are there, by name.
pub fn environments(caller: &Caller) -> Vec<Known> {
    let there = trust::trusted(caller).into_iter().filter(|path| fs::lstat(path).is_ok());
    let mut known: Vec<Known> =
        there.filter_map(|path| Some(Known { name: name_of(&path)?, path })).collect();
    known.sort_unstable();
    known
}

/// Finds the environment that is meant, as [`locate::locate`] does; where none stands at what was typed, the known one of
/// that name.
pub fn locate(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    locate::locate(asked, caller).or_else(|error| called(asked, error, caller))
}

/// The environment that goes by the name that was typed, where no other was found.
pub fn called(asked: Option<&Path>, error: LocateError, caller: &Caller) -> Result<Prefix, LocateError> {
    let mut parts = asked.unwrap_or(Path::new("")).components();
    let none_there =
        matches!(error, LocateError::NoSuchPath { .. } | LocateError::NotAnEnvironment { meant: None, .. });
    let (true, Some(Component::Normal(typed)), None) = (none_there, parts.next(), parts.next()) else {
        return Err(error);
    };
    let mut known = environments(caller);
    known.retain(|one| OsStr::new(&one.name) == typed);
    match known.as_slice() {
        [] => Err(error),
        [one] => locate::at(&one.path, &caller.viewer),
        [one, ..] => Err(LocateError::SeveralCalled {
            name: one.name.clone(),
            paths: known.into_iter().map(|one| one.path).collect(),
        }),
    }
}
