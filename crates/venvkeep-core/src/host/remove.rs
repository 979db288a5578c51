//! Removing a whole tree that this user owns, by descriptor: no link is followed, no other file system entered.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode};

use super::checkpoint::{reach, reach_in};
use super::fs::{Directory, Doing, IoError, Named, Result};
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;

/// Removes the directory at `path` with everything in it.
///
/// A directory that its owner may not write gets the permission first (what pip unpacks can be read-only). Stops at
/// the first entry that cannot be removed; what is gone by then is gone.
pub fn tree(path: &Path) -> Result<()> {
    tree_or_rest(path).map_err(|stopped| stopped.why)
}

/// A removal that did not come to its end.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub why: IoError,
    /// Whether nothing had been removed by then.
    pub whole: bool,
}

/// [`tree`], with what an error left.
pub fn tree_or_rest(path: &Path) -> std::result::Result<(), Stopped> {
    let mut whole = true;
    empty(path, &mut whole).and_then(|()| super::fs::remove_dir(path)).map_err(|why| Stopped { why, whole })
}

fn empty(path: &Path, whole: &mut bool) -> Result<()> {
    let facts = super::fs::lstat(path)?;
    if facts.kind == Kind::Directory && facts.mode & 0o700 != 0o700 {
        // As below.
        let _ = super::fs::set_mode(path, facts.mode | 0o700);
    }
    let root = Directory::open(path)?;
    let device = root.facts()?.device;
    let names = root.names()?;
    let mut way_down = vec![Level { directory: root, own_name: Vec::new(), names }];
    while let Some(level) = way_down.last_mut() {
        let Some(name) = level.names.pop() else {
            let done = way_down.pop().map(|level| level.own_name).unwrap_or_default();
            if let Some(above) = way_down.last() {
                unlink(&above.directory, &done, AtFlags::REMOVEDIR)?;
                *whole = false;
            }
            continue;
        };
        let facts = level.directory.lstat(OsStr::from_bytes(&name))?;
        if facts.kind != Kind::Directory || facts.device != device {
            unlink(&level.directory, &name, AtFlags::empty())?;
            *whole = false;
            continue;
        }
        if facts.mode & 0o700 != 0o700 {
            // Refused for another's directory; opening or emptying it then says so.
            let _ = reach_in("chmod", level.directory.path(), OsStr::from_bytes(&name)).and_then(|()| {
                rustix::fs::chmodat(&level.directory.fd, name.as_slice(), Mode::RWXU, AtFlags::empty())
            });
        }
        let directory = level.directory.child(OsStr::from_bytes(&name))?;
        let names = directory.names()?;
        way_down.push(Level { directory, own_name: name, names });
    }
    Ok(())
}

/// What removing a tree would free, or what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weighed {
    /// The viewer can remove all of it.
    Removable {
        /// The sizes of the files together; a file with further names elsewhere frees nothing.
        bytes: u64,
    },
    /// Not all of it: this directory can neither be emptied nor removed.
    Obstructed(PathBuf),
}

/// Finds out whether the viewer can remove the directory at `path` with everything in it, without changing anything.
///
/// What counts is the directory that an entry lies in: another's file in a directory of ours can go, another's
/// directory only when it is empty.
pub fn weigh(path: &Path, viewer: &Viewer) -> Result<Weighed> {
    let obstructed = |by: PathBuf| Ok(Weighed::Obstructed(by));
    let Some(root) = Looked::at(viewer, path, None)? else { return obstructed(path.to_owned()) };
    let device = root.facts.device;
    let mut bytes = 0;
    let mut way_down = vec![root];
    while let Some(level) = way_down.last_mut() {
        let Some(name) = level.names.pop() else {
            way_down.pop();
            continue;
        };
        let name = OsStr::from_bytes(&name);
        let place = level.directory.path().join(name);
        let Ok(facts) = level.directory.lstat(name) else { return obstructed(place) };
        if facts.device != device || !level.lets_go(viewer, &facts) {
            return obstructed(place);
        }
        if facts.kind != Kind::Directory {
            bytes += if facts.links == 1 { facts.size } else { 0 };
            continue;
        }
        match Looked::at(viewer, &place, Some(&level.directory))? {
            Some(below) => way_down.push(below),
            None => return obstructed(place),
        }
    }
    Ok(Weighed::Removable { bytes })
}

/// A directory that is looked into. One that its owner may not even list is opened up for as long as that takes.
struct Looked {
    directory: Directory,
    facts: Facts,
    names: Vec<Vec<u8>>,
    closed: bool,
}

impl Looked {
    /// Opens and lists a directory; `None` where the viewer may not, or where they could not empty it.
    fn at(viewer: &Viewer, path: &Path, above: Option<&Directory>) -> Result<Option<Self>> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let open = || match above {
            Some(above) => above.child(name),
            None => Directory::open(path),
        };
        let facts = match above {
            Some(above) => above.lstat(name)?,
            None => super::fs::lstat(path)?,
        };
        let closed = facts.uid == viewer.uid && facts.mode & 0o500 != 0o500 && !viewer.is_root();
        if closed {
            super::fs::set_mode(path, facts.mode | 0o500)?;
        }
        let Ok(directory) = open() else { return Ok(None) };
        let mut looked = Self { directory, facts, names: Vec::new(), closed };
        let Ok(names) = looked.directory.names() else { return Ok(None) };
        looked.names = names;
        let empties = viewer.is_root() || facts.uid == viewer.uid || viewer.can_write(&facts);
        Ok((empties || looked.names.is_empty()).then_some(looked))
    }

    /// Whether the viewer may take an entry out: a sticky directory keeps what is another's.
    fn lets_go(&self, viewer: &Viewer, entry: &Facts) -> bool {
        viewer.is_root() || !self.facts.is_sticky() || [self.facts.uid, entry.uid].contains(&viewer.uid)
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        if self.closed {
            // It stays open to its owner when this fails, which harms nobody.
            let _ = reach("chmod", self.directory.path()).and_then(|()| {
                rustix::fs::fchmod(&self.directory.fd, Mode::from_raw_mode(self.facts.mode.into()))
            });
        }
    }
}

/// A directory that is being emptied, its name in the one above, and the names still in it.
struct Level {
    directory: Directory,
    own_name: Vec<u8>,
    names: Vec<Vec<u8>>,
}

fn unlink(directory: &Directory, name: &[u8], flags: AtFlags) -> Result<()> {
    let path = directory.path().join(OsStr::from_bytes(name));
    reach(if flags.is_empty() { "unlink" } else { "rmdir" }, &path).named(Doing::Remove, &path)?;
    rustix::fs::unlinkat(&directory.fd, name, flags).named(Doing::Remove, &path)
}
