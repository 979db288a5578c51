//! Who this process is, whence it was started, and what accounts are called.

use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};
use rustix::fs::Mode;
use rustix::process::{getegid, geteuid, getgroups, umask};

use super::fs;
use crate::model::accounts::Tables;
use crate::model::owner::{LoneGroups, Viewer};

/// The user this process acts as.
pub fn viewer(trusted_owners: Vec<u32>) -> Viewer {
    let uid = geteuid().as_raw();
    let gid = getegid().as_raw();
    let mut groups: Vec<u32> = getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
    if !groups.contains(&gid) {
        groups.push(gid);
    }
    let lone_groups = LoneGroups::found_by(lone_groups);
    Viewer { uid, gid, groups, lone_groups, trusted_owners }
}

/// The groups that only the user is in whom this process acts as.
fn lone_groups() -> Vec<u32> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let mut groups = tables().map(|tables| tables.lone_groups(uid)).unwrap_or_default();
    if !groups.contains(&gid) && is_private_group(uid, gid) {
        groups.push(gid);
    }
    groups
}

/// Who is to be able to read what this process makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask leaves it to.
    AsUsual,
    /// Everybody, whatever the umask.
    Everyone,
}

/// From now on nothing that this process makes, or a program that it starts, can be written by everybody, however open
/// the umask is: strangers would write what the user runs.
pub fn tighten_umask(readers: Readers) {
    let old = umask(Mode::RWXG | Mode::RWXO);
    let hidden = match readers {
        Readers::AsUsual => old,
        Readers::Everyone => old & (Mode::WGRP | Mode::WOTH),
    };
    umask(hidden | Mode::WOTH);
}

/// Whether this process may read everything.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// The account's name, or `None` where the number has no account (a container's, a removed user's).
pub fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// Where this program lies: `sudo` looks for programs in its own places, so a printed command names it whole.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The tables of accounts; `None` where they cannot be read, or where systemd has accounts that they do not name.
fn tables() -> Option<Tables> {
    const LONGEST: u64 = 4 * 1024 * 1024;
    // systemd-homed and JSON user records (nss-systemd(8)).
    const ELSEWHERE: [&str; 4] =
        ["/run/systemd/userdb/io.systemd.Home", "/etc/userdb", "/run/userdb", "/run/host/userdb"];
    if ELSEWHERE.iter().any(|place| fs::lstat(Path::new(place)).is_ok()) {
        return None;
    }
    let text = |path: &str| -> fs::Result<String> {
        let content = fs::read_bounded(&fs::physical(Path::new(path))?, LONGEST)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    let sources = match text("/etc/nsswitch.conf") {
        Ok(text) => Some(text),
        Err(error) if error.is_missing() => None,
        Err(_) => return None,
    };
    Some(Tables { passwd: text("/etc/passwd").ok()?, group: text("/etc/group").ok()?, sources })
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
