//! When root is the wrong user: how root-owned environments are born, and where that is refused.
//!
//! Under `sudo`, and in a container that runs as root over a user's directory, whatever is made becomes root's and
//! the user is locked out of it. `SUDO_UID=0` and an unprivileged effective uid (`sudo -u deploy`) are not sudo; root
//! in root's own directories is as good as anybody.

use std::path::{Path, PathBuf};

use crate::host::credentials;
use crate::host::fs;
use crate::model::caller::Caller;
use crate::model::owner::ROOT;

/// Whether root may make something although somebody else will probably use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsRoot {
    /// Refuse where it would lock somebody out.
    Refuse,
    /// Do it: the user said `--as-root`.
    AskedFor,
}

/// Why root should not do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongUser {
    /// `sudo` was put before the command.
    #[error("with sudo, {} would belong to root and not to you", .environment.display())]
    UnderSudo {
        /// What would be made.
        environment: PathBuf,
        /// Who called sudo.
        uid: u32,
    },
    /// The directory is somebody else's.
    #[error("{} would belong to root, but {} belongs to {}", .environment.display(), .directory.display(), credentials::called(*.owner))]
    OthersDirectory {
        /// What would be made.
        environment: PathBuf,
        /// The nearest directory above it that is there.
        directory: PathBuf,
        /// Whose it is.
        owner: u32,
    },
}

/// Refuses to make an environment at an absolute path when it would lock its user out.
pub fn insist_on_right_user(environment: &Path, caller: &Caller, as_root: AsRoot) -> Result<(), WrongUser> {
    if !caller.viewer.is_root() || as_root == AsRoot::AskedFor {
        return Ok(());
    }
    if let Some(uid) = caller.sudo_uid.filter(|&uid| uid != ROOT) {
        return Err(WrongUser::UnderSudo { environment: environment.to_owned(), uid });
    }
    let mut above = environment.ancestors().skip(1);
    let nearest = above.find_map(|directory| Some((directory, fs::stat(directory).ok()?)));
    match nearest {
        Some((directory, facts)) if facts.uid != ROOT => Err(WrongUser::OthersDirectory {
            environment: environment.to_owned(),
            directory: directory.to_owned(),
            owner: facts.uid,
        }),
        _ => Ok(()),
    }
}
