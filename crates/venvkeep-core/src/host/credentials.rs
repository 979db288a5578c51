//! Who this process is, whence it was started, and what accounts are called.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, setegid, seteuid};
use rustix::fs::Mode;
use rustix::process::{getegid, geteuid, getgroups, umask};

use super::fs;
use crate::model::accounts::{Home, Tables};
use crate::model::facts::Kind;
use crate::model::owner::{LoneGroups, ROOT, Viewer};

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

/// As many open files as a scan needs at most, many threads and deep trees included.
const OPEN_FILES: u64 = 16_384;

/// Lets this process have more files open, as far as it may without asking anybody: the usual 1024 (on macOS 256) are few
/// for many threads in deep trees.
pub fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_some_and(|now| now < wanted) {
        // What cannot be had is done without: fewer threads find the same.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

/// Root in the place of another user, until this is dropped: the kernel lets this process do what that user may, and no
/// link or mount of theirs leads anywhere that they could not go themselves. As sshd does it before it reads a user's
/// files.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct InPlaceOf {
    groups: Vec<Gid>,
    gid: Gid,
}

/// Takes a user's place, for every thread of this process; only root can.
pub fn in_place_of(viewer: &Viewer) -> io::Result<InPlaceOf> {
    let before = InPlaceOf { groups: own_groups(), gid: Gid::effective() };
    let groups: Vec<Gid> = viewer.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    set_groups(&groups)?;
    setegid(Gid::from_raw(viewer.gid))?;
    seteuid(Uid::from_raw(viewer.uid))?;
    Ok(before)
}

impl Drop for InPlaceOf {
    fn drop(&mut self) {
        // The real user is root still, so that none of these can fail.
        let back = seteuid(Uid::from_raw(ROOT)).and_then(|()| setegid(self.gid));
        let _ = back.map_err(io::Error::from).and_then(|()| set_groups(&self.groups));
    }
}

fn own_groups() -> Vec<Gid> {
    getgroups().unwrap_or_default().iter().map(|group| Gid::from_raw(group.as_raw())).collect()
}

#[cfg(not(target_os = "macos"))]
fn set_groups(groups: &[Gid]) -> io::Result<()> {
    Ok(nix::unistd::setgroups(groups)?)
}

/// setgroups(2) of macOS is of no use there (nix leaves it out): access by further groups is not seen.
#[cfg(target_os = "macos")]
fn set_groups(_groups: &[Gid]) -> io::Result<()> {
    Ok(())
}

/// Whether that is the user this process acts as.
pub fn acts_as(uid: u32) -> bool {
    geteuid().as_raw() == uid
}

/// Whether this process may read everything.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// The account's name, or `None` where the number has no account (a container's, a removed user's).
pub fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// An account as a sentence names it, by whatever there is.
pub fn called(uid: u32) -> String {
    user_name(uid).unwrap_or_else(|| format!("user number {uid}"))
}

/// The number of an account, or `None` where there is none of that name.
pub fn user_number(name: &str) -> Option<u32> {
    User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
}

/// The number of a group, by its name or by itself; `None` where there is none of that name.
pub fn group_number(name: &str) -> Option<u32> {
    let named = Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
    named.or_else(|| name.parse().ok())
}

/// Somebody else, as the tables of accounts know them.
pub fn viewer_of(uid: u32) -> Option<Viewer> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten()?;
    let tables = tables().unwrap_or_default();
    let home = tables.homes().into_iter().find(|home| home.uid == uid);
    let groups = home.map_or_else(|| vec![user.gid.as_raw()], |home| home.groups);
    let lone_groups = LoneGroups::known(tables.lone_groups(uid));
    Some(Viewer { uid, gid: user.gid.as_raw(), groups, lone_groups, trusted_owners: Vec::new() })
}

/// People's accounts begin here (`UID_MIN` of login.defs(5)); those below are services'.
const FIRST_PERSON: u32 = 1000;

/// Every account's home, with a viewer that sees as that account does: those that the tables name, and what else lies in
/// `/home` (accounts of a directory service). A service's counts where it is its own; `/usr/sbin` is nobody's home. Who has
/// no account goes by the number.
pub fn homes() -> Vec<(String, Viewer, PathBuf)> {
    let tables = tables().unwrap_or_default();
    let mut homes = tables.homes();
    homes.retain(|home| {
        fs::stat(&home.path)
            .is_ok_and(|facts| facts.uid == home.uid || (FIRST_PERSON..NOBODY).contains(&home.uid))
    });
    let place = Path::new(HOMES);
    for name in fs::Directory::open(place).and_then(|homes| homes.names()).unwrap_or_default() {
        let path = place.join(OsStr::from_bytes(&name));
        let Ok(facts) = fs::lstat(&path) else { continue };
        if facts.kind == Kind::Directory && facts.uid != ROOT && !homes.iter().any(|home| home.path == path) {
            let name = user_name(facts.uid).unwrap_or_else(|| facts.uid.to_string());
            homes.push(Home { name, uid: facts.uid, groups: vec![facts.gid], path });
        }
    }
    let seen_as = |home: Home| {
        let lone_groups = LoneGroups::known(tables.lone_groups(home.uid));
        let gid = home.groups[0];
        let viewer =
            Viewer { uid: home.uid, gid, groups: home.groups, lone_groups, trusted_owners: Vec::new() };
        (home.name, viewer, home.path)
    };
    homes.into_iter().map(seen_as).collect()
}

/// The account that owns nothing.
const NOBODY: u32 = 65534;

/// Where homes are that no table names.
const HOMES: &str = if cfg!(target_os = "macos") { "/Users" } else { "/home" };

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
