//! The environments that go by a name: those that the user trusts, each called like its project's directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::host::fs::{self, Directory};
use crate::locate::{self, LocateError};
use crate::model::caller::Caller;
use crate::model::prefix::Prefix;

/// A record holds a path and little else.
const MAX_SIZE: u64 = 16 * 1024;

/// An environment and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its project's directory's name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// All of them that are there, by name. A record that cannot be read names nothing.
pub fn environments(caller: &Caller) -> Vec<Known> {
    let Some(records) = caller.state_dir.as_ref().map(|state| state.join("trusted")) else {
        return Vec::new();
    };
    let names = Directory::open(&records).and_then(|records| records.names()).unwrap_or_default();
    let mut known: Vec<Known> =
        names.iter().filter_map(|name| record(&records.join(OsStr::from_bytes(name)))).collect();
    known.sort_unstable();
    known.dedup();
    known
}

fn record(file: &Path) -> Option<Known> {
    let content = fs::read_bounded(file, MAX_SIZE).ok()?;
    let line = content.split(|&byte| byte == b'\n').next()?;
    let path = PathBuf::from(OsStr::from_bytes(line));
    let name = path.parent()?.file_name()?.to_str()?.to_owned();
    (path.is_absolute() && fs::lstat(&path).is_ok()).then_some(Known { name, path })
}

/// Finds the environment that is meant, as [`locate::locate`] does; where nothing stands at what was typed, the known
/// environment of that name.
pub fn locate(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    locate::locate(asked, caller).or_else(|error| called(asked, error, caller))
}

/// The environment that goes by the name that was typed, where no other was found.
pub fn called(asked: Option<&Path>, error: LocateError, caller: &Caller) -> Result<Prefix, LocateError> {
    let mut parts = asked.unwrap_or(Path::new("")).components();
    let (LocateError::NoSuchPath { .. }, Some(Component::Normal(typed)), None) =
        (&error, parts.next(), parts.next())
    else {
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
