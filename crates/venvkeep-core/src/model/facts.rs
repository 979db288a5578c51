//! What the file system says of one entry, as a value.

use std::fmt;

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
