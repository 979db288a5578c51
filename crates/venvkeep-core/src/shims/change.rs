//! One file that an installation makes, changes or removes: all of them are looked at before the first is touched.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::places::MAX_SIZE;
use super::profile::{Profile, Unbalanced};
use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::inspect::beside::stamp;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;

/// Why nothing was installed or taken away.
#[derive(Debug, thiserror::Error)]
pub enum ShimsError {
    /// No home directory is known, or it is somebody else's.
    #[error("there is no home directory of yours to install into (HOME is not set, or names another user's)")]
    NoHome,
    /// Root, for somebody else.
    #[error("with sudo, this would change root's shell, or leave files of root's in your home directory")]
    UnderSudo,
    /// A profile or a directory of another user's.
    #[error("{} belongs to {}, not to you", .path.display(), credentials::called(*.owner))]
    NotYours {
        /// Which.
        path: PathBuf,
        /// Whose.
        owner: u32,
    },
    /// A directory in which others could exchange what every shell runs.
    #[error("other users can write {}", .0.display())]
    OthersCanWrite(PathBuf),
    /// Something that is no file.
    #[error("{} is {kind}, not a file", .path.display())]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A link to nowhere.
    #[error("{} is a link to a file that is not there", .0.display())]
    DanglingLink(PathBuf),
    /// A file with several names: a new one in its place would leave the others behind.
    #[error("{} has other names too (hard links), which would keep the old content", .0.display())]
    SeveralNames(PathBuf),
    /// Its mode says that nobody should write it.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Nothing can be made in its directory.
    #[error("you may not write in {}", .0.display())]
    DirectoryReadOnly(PathBuf),
    /// Markers without counterpart.
    #[error("{}: {error}", .path.display())]
    Unbalanced {
        /// The profile.
        path: PathBuf,
        /// What about them.
        error: Unbalanced,
    },
    /// A path that cannot stand in a profile.
    #[error("{} cannot stand in a profile: it has a line break or is no text", .0.display())]
    NoWord(PathBuf),
    /// Somebody else wrote it in the same moment.
    #[error("{} was changed by another program in this moment", .0.display())]
    GroundChanged(PathBuf),
    /// The system's answer.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Some of the changes were made, and then one could not be.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CutShort {
    /// What was done before.
    pub done: Vec<Done>,
    /// Why no more.
    #[source]
    pub error: ShimsError,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The shim.
    Shim,
    /// What profiles source of it.
    Start,
    /// What the shell completes for `venvkeep`.
    Completions,
    /// A start-up file of the user's.
    Profile,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is new.
    Make,
    /// Its content changes.
    Change,
    /// It goes.
    Remove,
    /// It is as it should be.
    Leave,
}

/// A file as it is.
#[derive(Debug)]
pub(super) struct Found {
    /// The path that the shell uses.
    pub(super) path: PathBuf,
    /// The file itself, at the end of all links.
    target: PathBuf,
    /// `None`: nothing is there.
    is: Option<(Facts, Vec<u8>)>,
}

impl Found {
    /// Whether it is the file of another one of them, by another path.
    pub(super) fn is_one_of(&self, changes: &[Change]) -> bool {
        changes.iter().any(|change| change.found.target == self.target)
    }

    /// Looks.
    pub(super) fn at(path: &Path) -> Result<Self, ShimsError> {
        let path = path.to_owned();
        let Some(facts) = fs::lstat_if_any(&path)? else {
            return Ok(Self { target: path.clone(), path, is: None });
        };
        let target = match fs::physical(&path) {
            Err(error) if error.is_missing() && facts.kind == Kind::Link => {
                return Err(ShimsError::DanglingLink(path));
            }
            answer => answer?,
        };
        let facts = fs::lstat(&target)?;
        if facts.kind != Kind::File {
            return Err(ShimsError::NotAFile { path, kind: facts.kind });
        }
        let content = fs::read_bounded(&target, MAX_SIZE)?;
        Ok(Self { path, target, is: Some((facts, content)) })
    }

    /// What is in it.
    pub(super) fn content(&self) -> Option<&[u8]> {
        self.is.as_ref().map(|(_, content)| content.as_slice())
    }

    /// It is to have this content (`None`: not to be there). Refused where that is not for this user to do.
    pub(super) fn becomes(
        self,
        role: Role,
        after: Option<Vec<u8>>,
        viewer: &Viewer,
    ) -> Result<Change, ShimsError> {
        let change = Change { role, found: self, after };
        if change.deed() != Deed::Leave {
            change.insist_on_right(viewer)?;
        }
        Ok(change)
    }
}

/// A file and what becomes of it.
#[derive(Debug)]
pub struct Change {
    role: Role,
    found: Found,
    after: Option<Vec<u8>>,
}

/// What was done with a file.
#[derive(Debug)]
pub struct Done {
    /// Where it is.
    pub path: PathBuf,
    /// What it is for.
    pub role: Role,
    /// What became of it.
    pub deed: Deed,
    /// Where its former content lies.
    pub backup: Option<PathBuf>,
    /// The directories that were made for it.
    pub made: Vec<PathBuf>,
}

impl Change {
    /// Where it is, by the path that the shell uses.
    pub fn path(&self) -> &Path {
        &self.found.path
    }

    /// What it is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What becomes of it.
    pub fn deed(&self) -> Deed {
        match (self.found.content(), &self.after) {
            (None, None) => Deed::Leave,
            (None, Some(_)) => Deed::Make,
            (Some(_), None) => Deed::Remove,
            (Some(before), Some(after)) if before == after => Deed::Leave,
            (Some(_), Some(_)) => Deed::Change,
        }
    }

    /// What stands between the markers afterwards.
    pub fn lines(&self) -> Option<String> {
        let lines = Profile::parse(self.after.as_deref()?).ok()?.lines()?;
        Some(String::from_utf8_lossy(lines).into_owned())
    }

    fn insist_on_right(&self, viewer: &Viewer) -> Result<(), ShimsError> {
        let path = || self.found.path.clone();
        let directory = nearest_directory(&self.found.target)?;
        let around = fs::stat(&directory)?;
        if self.role != Role::Profile {
            // Here every shell takes programs from, so nobody else may have a say.
            if around.uid != viewer.uid {
                return Err(ShimsError::NotYours { path: directory, owner: around.uid });
            }
            if viewer.others_can_add(&around) {
                return Err(ShimsError::OthersCanWrite(directory));
            }
        }
        if let Some((facts, _)) = &self.found.is {
            if facts.uid != viewer.uid {
                return Err(ShimsError::NotYours { path: path(), owner: facts.uid });
            }
            if facts.links > 1 {
                return Err(ShimsError::SeveralNames(path()));
            }
            if facts.mode & 0o200 == 0 {
                return Err(ShimsError::ReadOnly(path()));
            }
        }
        if !fs::may_write(&directory) {
            return Err(ShimsError::DirectoryReadOnly(directory));
        }
        Ok(())
    }

    /// Does it. What a profile was is kept in the user's state directory first.
    pub(super) fn carry_out(&self, caller: &Caller) -> Result<Done, ShimsError> {
        let deed = self.deed();
        let mut backup = None;
        let mut made = Vec::new();
        let target = &self.found.target;
        if deed != Deed::Leave {
            self.insist_on_same_ground()?;
            backup = self.back_up(caller)?;
        }
        match (&self.after, &self.found.is) {
            _ if deed == Deed::Leave => {}
            (Some(after), Some((facts, _))) => fs::replace_keeping(target, facts, after)?,
            (Some(after), None) => {
                if let Some(directory) = target.parent() {
                    // The mode that the XDG base directory specification gives to what is missing.
                    made = fs::create_dirs(directory, 0o700)?;
                }
                fs::replace_file(target, 0o644, after)?;
                if self.role != Role::Profile {
                    // There is nothing secret in it, whatever the umask.
                    fs::set_mode(target, 0o644)?;
                }
            }
            (None, _) => fs::remove_file(target)?,
        }
        Ok(Done { path: self.found.path.clone(), role: self.role, deed, backup, made })
    }

    fn insist_on_same_ground(&self) -> Result<(), ShimsError> {
        let now = fs::lstat_if_any(&self.found.target)?;
        let same = match (&now, &self.found.is) {
            (None, None) => true,
            (Some(now), Some((then, _))) => now == then,
            _ => false,
        };
        if same { Ok(()) } else { Err(ShimsError::GroundChanged(self.found.path.clone())) }
    }

    fn back_up(&self, caller: &Caller) -> Result<Option<PathBuf>, ShimsError> {
        let (Role::Profile, Some(content), Some(state)) =
            (self.role, self.found.content(), &caller.state_dir)
        else {
            return Ok(None);
        };
        let directory = state.join("profiles");
        fs::create_dirs(&directory, 0o700)?;
        let name = self.found.path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{}-{}", name.trim_start_matches('.'), stamp(SystemTime::now()));
        let free = (1..).map(|again| match again {
            1 => directory.join(&name),
            again => directory.join(format!("{name}-{again}")),
        });
        for place in free {
            match fs::create_file(&place, 0o600, content) {
                Ok(()) => return Ok(Some(place)),
                Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// The directory that a file is in, or would be made in.
fn nearest_directory(file: &Path) -> Result<PathBuf, ShimsError> {
    for directory in file.ancestors().skip(1) {
        match fs::stat(directory) {
            Ok(facts) if facts.kind == Kind::Directory => return Ok(directory.to_owned()),
            Ok(facts) => {
                return Err(ShimsError::NotAFile { path: directory.to_owned(), kind: facts.kind });
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(PathBuf::from("/"))
}
