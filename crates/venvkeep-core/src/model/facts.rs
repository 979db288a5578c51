//! What the file system says of one entry, as a value.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What kind of entry stands at a place. Links are never followed to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A named pipe: reading one could hang, so it is never opened.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Directory => "a directory",
            Self::File => "a file",
            Self::Link => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// Owner, mode, kind and size of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What stands there.
    pub kind: Kind,
    /// Permission bits, with setuid, setgid and sticky (`0o7777`).
    pub mode: u16,
    /// Number of the owning user.
    pub uid: u32,
    /// Number of the owning group.
    pub gid: u32,
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change of content, in nanoseconds since 1970: the years from 1678 to 2262, beyond which it
    /// stays at the bound.
    pub modified_ns: i64,
    /// The file system it lies on.
    pub device: u64,
    /// Its number on that file system.
    pub inode: u64,
    /// How many names it has.
    pub links: u32,
}

/// Which file it was, and whether it has changed since: what something that was learned from a file is kept with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i64,
}

impl FileIdentity {
    /// The file at that path, as it is now.
    pub fn of(path: &Path, facts: &Facts) -> Self {
        let Facts { device, inode, size, modified_ns, .. } = *facts;
        Self { path: path.to_owned(), device, inode, size, modified_ns }
    }

    /// Where it was.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a file with these facts is the same one, unchanged.
    pub fn is_of(&self, facts: &Facts) -> bool {
        *self == Self::of(&self.path, facts)
    }
}

impl Facts {
    /// Whether two facts speak of one and the same entry.
    pub fn same_entry(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    /// Whether the mode lets everybody write it; in a directory, add names. A link has no mode of its own.
    pub fn is_world_writable(&self) -> bool {
        self.kind != Kind::Link && self.mode & 0o002 != 0
    }

    /// Whether the sticky bit is set: in such a directory only owners rename or remove.
    pub fn is_sticky(&self) -> bool {
        self.mode & 0o1000 != 0
    }
}
