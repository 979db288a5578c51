//! A file system of its own: small enough to fill up, and another device than the rest.

use std::path::{Path, PathBuf};

use crate::{Context, Mount, Project, Who};

/// A mounted tmpfs that belongs to the user; unmounted on drop.
#[derive(Debug)]
pub struct SmallDisk<'c> {
    context: &'c Context,
    path: PathBuf,
    _mount: Mount,
}

impl<'c> SmallDisk<'c> {
    pub(crate) fn mount(context: &'c Context, path: PathBuf, kibibytes: u32) -> Option<Self> {
        let options = format!("size={kibibytes}k,mode=755,uid={0},gid={0}", Who::User.uid());
        let mount = Mount::temporary_with(&path, &options)?;
        Some(Self { context, path, _mount: mount })
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
