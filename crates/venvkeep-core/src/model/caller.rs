//! Who calls, from where and with which settings: what the library may know of the process it runs in.
//!
//! The command reads it once; the library never looks at environment variables or HOME by itself.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::owner::Viewer;

/// The calling user and their surroundings.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who looks and acts.
    pub viewer: Viewer,
    /// Whose `sudo` this is: `SUDO_UID`, honoured only for root.
    pub sudo_uid: Option<u32>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The home directory, where one is known.
    pub home: Option<PathBuf>,
    /// Where frozen lists and trust records are kept (`$XDG_STATE_HOME/venvkeep`).
    pub state_dir: Option<PathBuf>,
    /// Where what can be found out again is kept (`$XDG_CACHE_HOME/venvkeep`).
    pub cache_dir: Option<PathBuf>,
    /// Where what is installed for the user is kept (`$XDG_DATA_HOME/venvkeep`).
    pub data_dir: Option<PathBuf>,
    /// The environment variables as they were at the start.
    pub variables: BTreeMap<OsString, OsString>,
}

impl Caller {
    /// Somebody without a home and directories of their own, as far as is known yet.
    pub fn new(viewer: Viewer, cwd: PathBuf, variables: BTreeMap<OsString, OsString>) -> Self {
        Self {
            viewer,
            sudo_uid: None,
            cwd,
            home: None,
            state_dir: None,
            cache_dir: None,
            data_dir: None,
            variables,
        }
    }

    /// A variable's value; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The directories of `PATH`, in order, without relative and empty ones: a program found through those would be
    /// whatever lies in the working directory.
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.variable("PATH")
            .map(|path| std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect())
            .unwrap_or_default()
    }

    /// Where `pip install --user` puts packages (site.py's `USER_BASE`): `PYTHONUSERBASE`, else `~/.local`.
    pub fn user_base(&self) -> Option<PathBuf> {
        let named = self.variable("PYTHONUSERBASE").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| self.home.as_ref().map(|home| home.join(".local")))
    }

    /// An absolute form of a path as typed.
    pub fn absolute(&self, typed: &Path) -> PathBuf {
        // Without the `.` of `./here`, which would stand in every message.
        self.cwd.join(typed).components().collect()
    }
}
