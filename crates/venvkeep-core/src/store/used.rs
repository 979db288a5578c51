//! When an environment was last activated or run: the time of an empty file of its own in the state directory.
//!
//! The shims write it when they activate a trusted environment, by a redirection and nothing else, so that no prompt
//! starts a process for it; they know the token that the environment is trusted by, so that is the file's name. What the
//! program itself runs or names for the shell bears the name that the environment's other things are kept under.

use std::path::PathBuf;
use std::time::SystemTime;

use super::trust;
use crate::host::fs::{self, IoError};
use crate::inspect::beside::modified;
use crate::model::caller::Caller;
use crate::model::prefix::Prefix;

/// The directory of the files, in the state directory. Without it the shims write nothing.
const DIRECTORY: &str = "used";

/// Notes that it is used now. It is a convenience: where it cannot be noted, nothing is lost.
pub fn note(prefix: &Prefix, caller: &Caller) {
    let Some(directory) = directory(caller) else { return };
    let file = directory.join(super::name_of(prefix));
    let _ = fs::create_dirs(&directory, 0o700).and_then(|_| fs::replace_file(&file, 0o600, b""));
}

/// Makes the directory, so that the shims can write into it.
pub(super) fn prepare(caller: &Caller) -> Result<(), IoError> {
    directory(caller).map_or(Ok(()), |directory| fs::create_dirs(&directory, 0o700).map(|_| ()))
}

/// When it was last used, as far as anybody noted it.
pub fn last(prefix: &Prefix, caller: &Caller) -> Option<SystemTime> {
    let directory = directory(caller)?;
    let names = [Some(super::name_of(prefix)), trust::token_of(prefix, caller)];
    let times = names.into_iter().flatten().filter_map(|name| fs::lstat(&directory.join(name)).ok());
    times.map(|facts| modified(facts.modified_ns)).max()
}

fn directory(caller: &Caller) -> Option<PathBuf> {
    caller.state_dir.as_ref().map(|state| state.join(DIRECTORY))
}
