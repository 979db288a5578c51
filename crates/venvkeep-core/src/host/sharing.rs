//! What lets others have a part in a directory: its group, and the modes of what is made in it later.

use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid};

use super::checkpoint::reach;
use super::fs::{Doing, Named, Result};

/// Gives an entry that this process made to a group; a link itself, not what it leads to.
pub fn set_group(path: &Path, gid: u32) -> Result<()> {
    reach("chown", path).named(Doing::Write, path)?;
    let group = Some(Gid::from_raw(gid));
    rustix::fs::chownat(CWD, path, None, group, AtFlags::SYMLINK_NOFOLLOW).named(Doing::Write, path)
}

/// Has everything that is made in a directory from now on get the bits of this mode and no fewer, whatever the umask of
/// whoever makes it: a default access control list (acl(5)), which new directories in it inherit. `false` where the
/// file system or the system has none.
#[cfg(target_os = "linux")]
pub fn set_default_mode(directory: &Path, mode: u16) -> Result<bool> {
    use rustix::fs::{XattrFlags, setxattr};
    use rustix::io::Errno;

    reach("setxattr", directory).named(Doing::Write, directory)?;
    match setxattr(directory, "system.posix_acl_default", &access_list(mode), XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        answer => answer.named(Doing::Write, directory).map(|()| true),
    }
}

/// Other systems' lists are of another kind.
#[cfg(not(target_os = "linux"))]
pub fn set_default_mode(_directory: &Path, _mode: u16) -> Result<bool> {
    Ok(false)
}

/// The three entries that say what a mode says, as the kernel takes them (`linux/posix_acl_xattr.h`): a version, then
/// for owner, group and others a tag, the permissions, and a number that these three do not have.
#[cfg(target_os = "linux")]
fn access_list(mode: u16) -> Vec<u8> {
    const VERSION: u32 = 2;
    const TAGS: [(u16, u16); 3] = [(0x01, 6), (0x04, 3), (0x20, 0)];
    let mut list = VERSION.to_le_bytes().to_vec();
    for (tag, shift) in TAGS {
        list.extend(tag.to_le_bytes());
        list.extend(((mode >> shift) & 0o7).to_le_bytes());
        list.extend(u32::MAX.to_le_bytes());
    }
    list
}
