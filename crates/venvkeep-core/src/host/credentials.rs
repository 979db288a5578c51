//! Who this process is, whence it was started, and what accounts are called.

use std::path::PathBuf;

use nix::unistd::{Gid, Group, Uid, User};
use rustix::process::{getegid, geteuid, getgroups};

use crate::model::owner::Viewer;

/// The user this process acts as.
pub fn viewer(trusted_owners: Vec<u32>) -> Viewer {
    let uid = geteuid().as_raw();
    let gid = getegid().as_raw();
    let mut groups: Vec<u32> = getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
    if !groups.contains(&gid) {
        groups.push(gid);
    }
    Viewer { uid, gid, groups, private_group: is_private_group(uid, gid), trusted_owners }
}

/// The account's name, or `None` where the number has no account (a container's, a removed user's).
pub fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// Where this program lies: `sudo` looks for programs in its own places, so a printed command names it whole.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Whether a user's primary group is theirs alone: named or numbered like the user, and nobody else is a member.
fn is_private_group(uid: u32, gid: u32) -> bool {
    let name = user_name(uid);
    match Group::from_gid(Gid::from_raw(gid)).ok().flatten() {
        None => uid == gid,
        Some(group) => {
            let alone = group.mem.iter().all(|member| Some(member) == name.as_ref());
            alone && (Some(&group.name) == name.as_ref() || uid == gid)
        }
    }
}
