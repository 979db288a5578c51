//! A file system of its own: small enough to fill up, and another device than the rest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Context, Need, OrFail, Project, Who, needs};

/// A mounted tmpfs that belongs to the user; unmounted on drop.
#[derive(Debug)]
pub struct SmallDisk<'c> {
    context: &'c Context,
    path: PathBuf,
}

impl<'c> SmallDisk<'c> {
    pub(crate) fn mount(context: &'c Context, path: PathBuf, kibibytes: u32) -> Option<Self> {
        let options = format!("size={kibibytes}k,mode=755,uid={0},gid={0}", Who::User.uid());
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status()
            .or_fail("start mount for", &path);
        if !status.success() {
            needs::skip(Need::Mount);
            return None;
        }
        Some(Self { context, path })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new, empty directory of the user's on it.
    pub fn project(&self, name: &str) -> Project<'c> {
        self.context.project_at(self.path.join(name), Who::User)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: a process that still has a file open there must not keep the directory alive.
        let status = Command::new("umount").arg("--lazy").arg(&self.path).status();
        if !std::thread::panicking() {
            assert!(status.is_ok_and(|status| status.success()), "cannot unmount {self:?}");
        }
    }
}
