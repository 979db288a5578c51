//! The environments that venvkeep made, healed, or was shown: one small file for each in the user's data directory.
//!
//! The files are where a name comes from and nothing more: nobody is trusted for being in here. The registry heals
//! itself: an environment that was moved by hand (its directory or one above it was renamed) is found again by its
//! inode and time of birth, and one that is gone for a month is forgotten; until then it may lie on a disk that is not
//! mounted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::snapshots;
use crate::host::fs::{self, Directory, IoError};
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::kept_snapshot::Identity;
use crate::model::naming::name_of;
use crate::model::prefix::Prefix;
use crate::model::siblings;

/// The directory in the data directory.
const DIRECTORY: &str = "environments";

/// The shape of the files; another one is as good as no file.
const FORMAT: u32 = 1;

/// A path and some numbers.
const MAX_SIZE: u64 = 64 * 1024;

/// How long an environment may be gone before it is forgotten, in seconds.
const PATIENCE: u64 = 30 * 24 * 60 * 60;

/// In how many neighbours an environment is looked for that is not where it was.
const NEIGHBOURS: usize = 4096;

/// One environment, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    format: u32,
    pub(super) path: PathBuf,
    pub(super) name: String,
    identity: Identity,
    /// Since when nothing is at the path, in seconds since 1970.
    gone_since: Option<u64>,
    /// Where the environment stood that this one was made from by a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_from: Option<PathBuf>,
}

/// What the registry found out about itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tidied {
    /// Environments that stand elsewhere now: from where, to where.
    pub moved: Vec<(PathBuf, PathBuf)>,
    /// Environments that are gone for good.
    pub forgotten: Vec<PathBuf>,
}

impl Entry {
    pub(super) fn prefix(&self) -> Option<Prefix> {
        Prefix::new(self.path.clone()).ok()
    }

    /// Whether somebody gave it another name than that of its directory.
    fn is_named(&self) -> bool {
        name_of(&self.path).as_ref() != Some(&self.name)
    }

    fn is_there(&self) -> bool {
        fs::lstat(&self.path).is_ok_and(|facts| facts.kind == Kind::Directory)
    }

    /// Whether what stands at the path is the very directory that was taken in.
    fn is_the_same(&self) -> bool {
        self.prefix().is_some_and(|prefix| snapshots::identity(&prefix).is_ok_and(|is| is == self.identity))
    }
}

/// Takes an environment in, under `name`; without one under the name that it had, or that of its project. What stood
/// at another place until now and is this environment is not kept twice.
pub fn register(prefix: &Prefix, name: Option<&str>, caller: &Caller) -> Result<(), IoError> {
    let (Some(place), Some(_)) = (place(caller), prefix.path().to_str()) else { return Ok(()) };
    let identity = snapshots::identity(prefix)?;
    let known = entries(caller);
    let here = known.iter().find(|entry| entry.path == prefix.path());
    let was_elsewhere =
        |entry: &&Entry| entry.identity == identity && entry.path != prefix.path() && !entry.is_there();
    let elsewhere = known.iter().find(was_elsewhere);
    let inherited = elsewhere.filter(|entry| entry.is_named()).or(here).map(|entry| entry.name.clone());
    let name = name.map(str::to_owned).or(inherited).or_else(|| name_of(prefix.path())).unwrap_or_default();
    // Of what was made anew there it is not true any more.
    let moved_from =
        here.filter(|entry| entry.identity == identity).and_then(|entry| entry.moved_from.clone());
    let path = prefix.path().to_owned();
    let entry = Entry { format: FORMAT, path, name, identity, gone_since: None, moved_from };
    if here != Some(&entry) {
        write(&place, &entry)?;
    }
    elsewhere.map_or(Ok(()), |entry| remove(&place, &entry.path))
}

/// Takes in an environment that this run has made, by the name of its project. Nothing else can be it, so that the other
/// entries need not be read.
pub fn register_new(prefix: &Prefix, caller: &Caller) -> Result<(), IoError> {
    let (Some(place), Some(_)) = (place(caller), prefix.path().to_str()) else { return Ok(()) };
    let inherited = name_kept(prefix, caller);
    let entry = Entry {
        format: FORMAT,
        path: prefix.path().to_owned(),
        name: inherited.or_else(|| name_of(prefix.path())).unwrap_or_default(),
        identity: snapshots::identity(prefix)?,
        gone_since: None,
        moved_from: None,
    };
    write(&place, &entry)
}

/// What an environment is called by its own entry, which alone is read.
pub(super) fn name_kept(prefix: &Prefix, caller: &Caller) -> Option<String> {
    let directory = Directory::open_own(&place(caller)?, &caller.viewer).ok()?;
    let entry = read(&directory, file_name(prefix).as_ref())?;
    (entry.path == prefix.path()).then_some(entry.name)
}

/// All entries, in the order of their paths; what stands there now is not looked at.
pub(super) fn entries(caller: &Caller) -> Vec<Entry> {
    let Some(place) = place(caller) else { return Vec::new() };
    let Ok(directory) = Directory::open_own(&place, &caller.viewer) else { return Vec::new() };
    let names = directory.names().unwrap_or_default();
    // What a killed run left half written bears another ending.
    let names = names.iter().filter(|name| name.ends_with(b".json")).map(|name| OsStr::from_bytes(name));
    let mut entries: Vec<Entry> = names.filter_map(|name| read(&directory, name)).collect();
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    entries.dedup_by(|one, other| one.path == other.path);
    entries
}

/// Gives an environment another name; whether it was in the registry.
pub(super) fn rename(prefix: &Prefix, name: &str, caller: &Caller) -> Result<(), IoError> {
    register(prefix, Some(name), caller)
}

fn read(directory: &Directory, name: &OsStr) -> Option<Entry> {
    let content = directory.read(Path::new(name), MAX_SIZE).ok()?;
    let entry: Entry = serde_json::from_slice(&content).ok()?;
    (entry.format == FORMAT && entry.path.is_absolute()).then_some(entry)
}

/// An environment was moved: the new one goes by the name that the old one was given, and it is noted where it stood, so
/// that an undo can tell what becomes of which.
pub fn note_move(from: &Prefix, to: &Prefix, caller: &Caller) -> Result<(), IoError> {
    let name = entry_of(from, caller).filter(Entry::is_named).map(|entry| entry.name);
    register(to, name.as_deref(), caller)?;
    note_origin(to, Some(from.path().to_owned()), caller)
}

/// The environment that a move made of the one at this place, and that still stands where the move put it.
pub fn moved_to(from: &Prefix, caller: &Caller) -> Option<Prefix> {
    let is_it = |entry: &Entry| entry.moved_from.as_deref() == Some(from.path()) && entry.is_the_same();
    entries(caller).into_iter().find(is_it)?.prefix()
}

/// Where the environment stood from which a move made this one.
pub fn moved_from(to: &Prefix, caller: &Caller) -> Option<Prefix> {
    let entry = entry_of(to, caller).filter(Entry::is_the_same)?;
    Prefix::new(entry.moved_from?).ok()
}

/// From now on an environment that a move made is one of its own.
pub fn forget_move(to: &Prefix, caller: &Caller) -> Result<(), IoError> {
    note_origin(to, None, caller)
}

fn note_origin(to: &Prefix, origin: Option<PathBuf>, caller: &Caller) -> Result<(), IoError> {
    match (place(caller), entry_of(to, caller)) {
        (Some(place), Some(entry)) => write(&place, &Entry { moved_from: origin, ..entry }),
        _ => Ok(()),
    }
}

fn entry_of(prefix: &Prefix, caller: &Caller) -> Option<Entry> {
    entries(caller).into_iter().find(|entry| entry.path == prefix.path())
}

/// Brings the registry in line with the disk.
pub fn tidy(caller: &Caller) -> Tidied {
    let mut tidied = Tidied::default();
    let Some(place) = place(caller) else { return tidied };
    let known = entries(caller);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    for entry in &known {
        // What cannot be written now is written the next time.
        let _ = match standing(entry, &known) {
            Standing::There if entry.gone_since.is_some() => {
                write(&place, &Entry { gone_since: None, ..entry.clone() })
            }
            Standing::There | Standing::SetAside => Ok(()),
            Standing::Elsewhere(path) => {
                tidied.moved.push((entry.path.clone(), path.clone()));
                let name = if entry.is_named() { Some(entry.name.clone()) } else { name_of(&path) };
                let moved = Entry { name: name.unwrap_or_default(), path, gone_since: None, ..entry.clone() };
                write(&place, &moved).and_then(|()| remove(&place, &entry.path))
            }
            Standing::Gone => match entry.gone_since {
                None => write(&place, &Entry { gone_since: Some(now), ..entry.clone() }),
                Some(since) if now.saturating_sub(since) > PATIENCE => {
                    tidied.forgotten.push(entry.path.clone());
                    remove(&place, &entry.path)
                }
                Some(_) => Ok(()),
            },
        };
    }
    tidied
}

/// What became of a registered environment.
enum Standing {
    There,
    /// It was removed and is kept beside its place, or a run on it was cut off.
    SetAside,
    Elsewhere(PathBuf),
    Gone,
}

fn standing(entry: &Entry, known: &[Entry]) -> Standing {
    if entry.is_there() {
        return Standing::There;
    }
    if entry.prefix().is_some_and(|prefix| !beside::siblings(&prefix).is_empty()) {
        return Standing::SetAside;
    }
    let is_new = |path: &PathBuf| !known.iter().any(|other| &other.path == path);
    match search(entry).filter(is_new) {
        Some(path) => Standing::Elsewhere(path),
        None => Standing::Gone,
    }
}

/// Where the very directory is now, if one directory on the way to it was renamed.
fn search(entry: &Entry) -> Option<PathBuf> {
    // Without the time of birth an inode says nothing: the file system gives it out again.
    entry.identity.born_ns?;
    let nearest = entry.path.ancestors().skip(1).find(|above| fs::stat(above).is_ok())?;
    let lost = entry.path.strip_prefix(nearest).ok()?;
    let mut rest = lost.components();
    rest.next()?;
    let names = Directory::open(nearest).and_then(|directory| directory.names()).ok()?;
    names.iter().take(NEIGHBOURS).find_map(|name| {
        let name = OsStr::from_bytes(name);
        let path: PathBuf = nearest.join(name).components().chain(rest.clone()).collect();
        let is_it = || {
            let prefix = Prefix::new(path.clone()).ok()?;
            let facts = fs::lstat(prefix.path()).ok().filter(|facts| facts.kind == Kind::Directory)?;
            (facts.inode == entry.identity.inode && snapshots::identity(&prefix).ok()? == entry.identity)
                .then_some(())
        };
        // A link among the neighbours leads to it as well; it is where it is.
        (!siblings::is_ours(name) && is_it().is_some()).then(|| fs::physical(&path).unwrap_or(path.clone()))
    })
}

fn write(place: &Path, entry: &Entry) -> Result<(), IoError> {
    let Some(prefix) = entry.prefix() else { return Ok(()) };
    let Ok(content) = serde_json::to_vec_pretty(entry) else { return Ok(()) };
    fs::create_dirs(place, 0o700)?;
    fs::replace_file(&place.join(file_name(&prefix)), 0o600, &content)
}

fn remove(place: &Path, path: &Path) -> Result<(), IoError> {
    let Ok(prefix) = Prefix::new(path.to_owned()) else { return Ok(()) };
    let file = place.join(file_name(&prefix));
    if fs::lstat_if_any(&file)?.is_some() { fs::remove_file(&file) } else { Ok(()) }
}

fn place(caller: &Caller) -> Option<PathBuf> {
    Some(caller.data_dir.as_ref()?.join(DIRECTORY))
}

fn file_name(prefix: &Prefix) -> String {
    format!("{}.json", super::name_of(prefix))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests build what is to be found")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{create_dir_all, rename};
    use std::path::Path;

    use super::{Entry, PATIENCE, Prefix, entries, register, tidy, write};
    use crate::model::caller::Caller;
    use crate::model::owner::{LoneGroups, Viewer};

    fn caller(root: &Path) -> Caller {
        let viewer = Viewer {
            uid: rustix::process::geteuid().as_raw(),
            gid: 1000,
            groups: vec![1000],
            lone_groups: LoneGroups::known(vec![1000]),
            trusted_owners: vec![],
        };
        let mut caller = Caller::new(viewer, root.to_owned(), BTreeMap::new());
        caller.data_dir = Some(root.join("data"));
        caller
    }

    fn known(caller: &Caller) -> Vec<(String, String)> {
        let shown = |entry: Entry| {
            let path = entry.path.strip_prefix(&caller.cwd).unwrap().to_string_lossy().into_owned();
            (entry.name, path)
        };
        entries(caller).into_iter().map(shown).collect()
    }

    #[test]
    fn what_was_renamed_is_found_again_and_what_is_gone_is_forgotten_in_time() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let me = caller(&root);
        let add = |place: &str, name| {
            create_dir_all(root.join(place)).unwrap();
            register(&Prefix::new(root.join(place)).unwrap(), name, &me).unwrap();
        };
        add("work/proj/.venv", None);
        add("work/tool/env", Some("hammer"));
        add("work/gone/.venv", None);
        let text = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        assert_eq!(
            known(&me),
            [
                text("gone", "work/gone/.venv"),
                text("proj", "work/proj/.venv"),
                text("hammer", "work/tool/env")
            ]
        );
        if super::snapshots::identity(&Prefix::new(root.join("work/proj/.venv")).unwrap())
            .unwrap()
            .born_ns
            .is_none()
        {
            return; // This file system does not tell when a directory was made.
        }
        rename(root.join("work/proj"), root.join("work/renamed")).unwrap();
        rename(root.join("work/tool/env"), root.join("work/tool/env2")).unwrap();
        std::fs::remove_dir_all(root.join("work/gone")).unwrap();
        let tidied = tidy(&me);
        assert_eq!((tidied.moved.len(), tidied.forgotten.len()), (2, 0));
        let found = [
            text("gone", "work/gone/.venv"),
            text("renamed", "work/renamed/.venv"),
            text("hammer", "work/tool/env2"),
        ];
        assert_eq!(known(&me), found);
        assert_eq!(tidy(&me), super::Tidied::default());

        let old = entries(&me).into_iter().find(|entry| entry.name == "gone").unwrap();
        let since = old.gone_since.unwrap() - PATIENCE - 1;
        write(&root.join("data/environments"), &Entry { gone_since: Some(since), ..old }).unwrap();
        assert_eq!(tidy(&me).forgotten, [root.join("work/gone/.venv")]);
        assert_eq!(known(&me), found[1..]);
    }

    #[test]
    fn an_entry_moves_when_its_environment_is_met_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let me = caller(&root);
        create_dir_all(root.join("a/.venv")).unwrap();
        register(&Prefix::new(root.join("a/.venv")).unwrap(), Some("mine"), &me).unwrap();
        create_dir_all(root.join("far/away")).unwrap();
        rename(root.join("a/.venv"), root.join("far/away/.venv")).unwrap();
        register(&Prefix::new(root.join("far/away/.venv")).unwrap(), None, &me).unwrap();
        assert_eq!(known(&me), [("mine".to_owned(), "far/away/.venv".to_owned())]);
    }
}
