//! The three renames that a swap is made of.

use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::checkpoint::{has_plain_renames_only, reach};
use super::fs::{Doing, IoError, Named, Result};

/// Puts each of two entries in the other's place, at once: `renameat2(RENAME_EXCHANGE)`, on macOS
/// `renameatx_np(RENAME_SWAP)`. `Ok(false)`: the file system (or kernel) has no such call, and nothing changed.
pub fn exchange(one: &Path, other: &Path) -> Result<bool> {
    match rename_with("exchange", one, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(IoError::new(Doing::Rename, other, error)),
    }
}

/// Renames to a name that must be free. Where the file system cannot promise that, looks first.
pub fn to_free_name(from: &Path, to: &Path) -> Result<()> {
    match rename_with("rename-free", from, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if super::fs::lstat_if_any(to)?.is_some() {
                return Err(IoError::new(Doing::Rename, to, Errno::EXIST));
            }
            over(from, to)
        }
        answer => answer.named(Doing::Rename, from),
    }
}

fn rename_with(step: &'static str, from: &Path, to: &Path, flags: RenameFlags) -> rustix::io::Result<()> {
    reach(step, to)?;
    if has_plain_renames_only() {
        return Err(Errno::INVAL);
    }
    rustix::fs::renameat_with(CWD, from, CWD, to, flags)
}

/// Renames within a stage, over a file that may be there.
pub fn over(from: &Path, to: &Path) -> Result<()> {
    reach("rename", to).named(Doing::Rename, to)?;
    rustix::fs::rename(from, to).named(Doing::Rename, to)
}

/// What an attempt to rename a directory onto a non-empty one of ours tells, without changing anything (field notes,
/// "what an unprivileged user can do").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movable {
    /// `ENOTEMPTY`: the rename was refused only because the target is not empty.
    Yes,
    /// `EXDEV`: it comes from a lower layer of an overlay file system, as a container image's directories do.
    OverlayLayer,
    /// `EBUSY`: something is mounted there.
    MountPoint,
    /// `EPERM`: the directory around it is sticky and neither is the viewer's.
    Sticky,
    /// `EACCES`: the directory around it may not be written.
    ParentDenied,
    /// `EROFS`: nothing may be written on this file system.
    ReadOnly,
}

/// Tests whether `directory` can be renamed within its parent; `non_empty` is a sibling of ours that is not empty.
pub fn probe(directory: &Path, non_empty: &Path) -> Result<Movable> {
    reach("probe", directory).named(Doing::Rename, directory)?;
    match rustix::fs::rename(directory, non_empty) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Movable::Yes),
        Err(Errno::XDEV) => Ok(Movable::OverlayLayer),
        Err(Errno::BUSY) => Ok(Movable::MountPoint),
        Err(Errno::PERM) => Ok(Movable::Sticky),
        Err(Errno::ACCESS) => Ok(Movable::ParentDenied),
        Err(Errno::ROFS) => Ok(Movable::ReadOnly),
        Err(error) => Err(IoError::new(Doing::Rename, directory, error)),
        Ok(()) => Err(IoError::new(Doing::Rename, non_empty, Errno::NOTEMPTY)),
    }
}
