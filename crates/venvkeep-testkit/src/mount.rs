//! File systems mounted at a place, as containers have them; unmounted on drop.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Need, OrFail, needs, require};

/// Something mounted.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
    /// For an overlay, the tmpfs with its upper layer.
    _below: Option<Box<Mount>>,
}

impl Mount {
    /// An empty file system at `path`, root's, which everyone may read; `None`, counted as a skip, where it cannot be
    /// mounted.
    pub fn temporary(path: &Path) -> Option<Self> {
        Self::temporary_with(path, "mode=755")
    }

    pub(crate) fn temporary_with(path: &Path, options: &str) -> Option<Self> {
        Self::with(path, ["-t", "tmpfs", "-o", options, "tmpfs"].map(OsStr::new), None)
    }

    /// An empty file system at `path`, root's, on which directories have no access control lists.
    pub fn without_default_modes(path: &Path) -> Option<Self> {
        Self::with(path, ["-t", "ramfs", "-o", "mode=755", "ramfs"].map(OsStr::new), None)
    }

    /// The directory `source`, at `path` too.
    pub fn bind(source: &Path, path: &Path) -> Option<Self> {
        Self::with(path, [OsStr::new("--bind"), source.as_os_str()], None)
    }

    /// What is in `path` becomes the lower layer of an overlay over itself: all of it is there, and none of its
    /// directories can be renamed.
    pub fn overlay(path: &Path) -> Option<Self> {
        let mut upper = path.as_os_str().to_owned();
        upper.push(".upper");
        let upper = PathBuf::from(upper);
        let below = Self::temporary(&upper)?;
        for name in ["upper", "work"] {
            let directory = upper.join(name);
            fs::create_dir(&directory).or_fail("create", &directory);
        }
        let (lower, upper) = (path.display(), upper.display());
        let options = format!("lowerdir={lower},upperdir={upper}/upper,workdir={upper}/work");
        let arguments = ["-t", "overlay", "-o", &options, "overlay"].map(OsStr::new);
        Self::with(path, arguments, Some(Box::new(below)))
    }

    /// The directory `source`, at `path` too, as a file system that cannot exchange two names: bindfs, which refuses it
    /// with `EINVAL` as NFS does; `None`, counted as a skip, where there is none.
    pub fn without_exchange(source: &Path, path: &Path) -> Option<Self> {
        if !require(&[Need::Program("bindfs")]) {
            return None;
        }
        Self::by("bindfs", path, [source.as_os_str()], None)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with<const N: usize>(path: &Path, arguments: [&OsStr; N], below: Option<Box<Self>>) -> Option<Self> {
        Self::by("mount", path, arguments, below)
    }

    fn by<const N: usize>(
        program: &str,
        path: &Path,
        arguments: [&OsStr; N],
        below: Option<Box<Self>>,
    ) -> Option<Self> {
        fs::create_dir_all(path).or_fail("create", path);
        let mount = Command::new(program).args(arguments).arg(path).stderr(Stdio::null()).status();
        if !mount.or_fail("start mount for", path).success() {
            needs::skip(Need::Mount);
            return None;
        }
        Some(Self { path: path.to_owned(), _below: below })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that still has a file open there must not keep the directory alive.
        let status = Command::new("umount").arg("--lazy").arg(&self.path).status();
        if !std::thread::panicking() {
            assert!(status.is_ok_and(|status| status.success()), "cannot unmount {self:?}");
        }
    }
}
