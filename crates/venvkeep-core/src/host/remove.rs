//! Removing a whole tree that this user owns, by descriptor: no link is followed, no other file system entered.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode};

use super::fs::{Directory, Doing, Named, Result};
use crate::model::facts::Kind;

/// Removes the directory at `path` with everything in it.
///
/// A directory that its owner may not write gets the permission first (what pip unpacks can be read-only). Stops at
/// the first entry that cannot be removed; what is gone by then is gone.
pub fn tree(path: &Path) -> Result<()> {
    let root = Directory::open(path)?;
    let device = root.facts()?.device;
    let names = root.names()?;
    let mut way_down = vec![Level { directory: root, own_name: Vec::new(), names }];
    while let Some(level) = way_down.last_mut() {
        let Some(name) = level.names.pop() else {
            let done = way_down.pop().map(|level| level.own_name).unwrap_or_default();
            if let Some(above) = way_down.last() {
                unlink(&above.directory, &done, AtFlags::REMOVEDIR)?;
            }
            continue;
        };
        let facts = level.directory.lstat(OsStr::from_bytes(&name))?;
        if facts.kind != Kind::Directory || facts.device != device {
            unlink(&level.directory, &name, AtFlags::empty())?;
            continue;
        }
        if facts.mode & 0o700 != 0o700 {
            // Refused for another's directory; opening or emptying it then says so.
            let _ = rustix::fs::chmodat(&level.directory.fd, name.as_slice(), Mode::RWXU, AtFlags::empty());
        }
        let directory = level.directory.child(OsStr::from_bytes(&name))?;
        let names = directory.names()?;
        way_down.push(Level { directory, own_name: name, names });
    }
    super::fs::remove_dir(path)
}

/// A directory that is being emptied, its name in the one above, and the names still in it.
struct Level {
    directory: Directory,
    own_name: Vec<u8>,
    names: Vec<Vec<u8>>,
}

fn unlink(directory: &Directory, name: &[u8], flags: AtFlags) -> Result<()> {
    let path = directory.path().join(OsStr::from_bytes(name));
    rustix::fs::unlinkat(&directory.fd, name, flags).named(Doing::Remove, &path)
}
