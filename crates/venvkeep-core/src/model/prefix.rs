//! Where an environment is.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The root directory of an environment, what Python calls `sys.prefix`: an absolute path without `.` and `..`,
/// whose parent is physical (no link on the way), so that a sibling of it is a sibling on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(PathBuf);

/// Why a path cannot be an environment's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrefixError {
    /// Not absolute, or with `.` or `..` in it.
    #[error("{} is not an absolute path", .0.display())]
    NotAbsolute(PathBuf),
    /// The root directory has no parent to build beside.
    #[error("the root directory cannot be an environment")]
    FileSystemRoot,
}

impl Prefix {
    /// Takes an absolute path; the caller has made its parent physical.
    pub fn new(path: PathBuf) -> Result<Self, PrefixError> {
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !path.is_absolute() || !plain {
            return Err(PrefixError::NotAbsolute(path));
        }
        if path.parent().is_none() || path.file_name().is_none() {
            return Err(PrefixError::FileSystemRoot);
        }
        Ok(Self(path.components().collect()))
    }

    /// The path itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The directory it lies in.
    pub fn parent(&self) -> &Path {
        self.0.parent().unwrap_or_else(|| Path::new("/"))
    }

    /// Its name within the parent directory.
    pub fn name(&self) -> &OsStr {
        self.0.file_name().unwrap_or_default()
    }

    /// A path inside it.
    pub fn join(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.0.join(inside)
    }

    /// The directory of its scripts.
    pub fn bin(&self) -> PathBuf {
        self.join("bin")
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefix, PrefixError};

    #[test]
    fn only_plain_absolute_paths() {
        assert_eq!(Prefix::new("/".into()), Err(PrefixError::FileSystemRoot));
        assert!(matches!(Prefix::new("a/b".into()), Err(PrefixError::NotAbsolute(_))));
        assert!(matches!(Prefix::new("/a/../b".into()), Err(PrefixError::NotAbsolute(_))));
        let prefix = Prefix::new("/home/ana//proj/.venv/".into()).unwrap();
        assert_eq!(prefix.path().to_str(), Some("/home/ana/proj/.venv"));
        assert_eq!(prefix.parent().to_str(), Some("/home/ana/proj"));
    }
}
