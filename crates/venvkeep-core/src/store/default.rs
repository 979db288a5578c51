//! The environment that is active from login where nothing nearer is: one file with one line, its physical path. The
//! shims read it; nothing else does.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::model::caller::Caller;
use crate::model::naming::{UnusablePath, usable};
use crate::model::prefix::Prefix;

/// As long as a path can be.
const MAX_SIZE: u64 = 8192;

/// Why an environment is not made the default.
#[derive(Debug, thiserror::Error)]
pub enum DefaultError {
    /// There is no state directory of the caller's own.
    #[error("there is no home directory of yours to note it in (HOME is not set, or names another user's)")]
    NoHome,
    /// Somebody else's.
    #[error("{} belongs to {}, not to you", .path.display(), credentials::called(*.owner))]
    NotYours {
        /// The environment.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A path that could not be on PATH.
    #[error("{} cannot be activated: {why}", .path.display())]
    Unusable {
        /// The environment's.
        path: PathBuf,
        /// Why.
        why: UnusablePath,
    },
    /// The system's answer.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Notes the environment; whether the shell activates it is for its trust to say.
pub fn set(prefix: &Prefix, caller: &Caller) -> Result<(), DefaultError> {
    let file = file(caller)?;
    let path = prefix.path().to_owned();
    let facts = fs::lstat(&path)?;
    if facts.uid != caller.viewer.uid {
        return Err(DefaultError::NotYours { path, owner: facts.uid });
    }
    if let Err(why) = usable(&path) {
        return Err(DefaultError::Unusable { path, why });
    }
    let mut line = path.as_os_str().as_bytes().to_vec();
    line.push(b'\n');
    if let Some(directory) = file.parent() {
        fs::create_dirs(directory, 0o700)?;
    }
    Ok(fs::replace_file(&file, 0o600, &line)?)
}

/// Forgets it; gives what it was.
pub fn clear(caller: &Caller) -> Result<Option<PathBuf>, DefaultError> {
    // What cannot be read any more can be forgotten all the same.
    let was = get(caller).ok().flatten();
    if fs::lstat_if_any(&file(caller)?)?.is_some() {
        fs::remove_file(&file(caller)?)?;
    }
    Ok(was)
}

/// Which it is.
pub fn get(caller: &Caller) -> Result<Option<PathBuf>, DefaultError> {
    match fs::read_bounded(&file(caller)?, MAX_SIZE) {
        Ok(content) => {
            let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let path = Path::new(OsStr::from_bytes(line));
            Ok(path.is_absolute().then(|| path.to_owned()))
        }
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The default environment stands at another place now, where it is the one that stood at `from`; whether it is.
pub fn hand_on(from: &Prefix, to: &Prefix, caller: &Caller) -> Result<bool, DefaultError> {
    let is_it = get(caller)?.as_deref() == Some(from.path());
    if is_it {
        set(to, caller)?;
    }
    Ok(is_it)
}

fn file(caller: &Caller) -> Result<PathBuf, DefaultError> {
    Ok(caller.state_dir.as_ref().ok_or(DefaultError::NoHome)?.join("default"))
}
