//! The environments that go by a name: those in the registry, those that the user trusts, and those where
//! virtualenvwrapper keeps its own (`WORKON_HOME`). Each is called as its entry says, else like its project.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{registry, trust};
use crate::host::fs::{self, Directory, IoError};
use crate::inspect::beside::{self, Kept};
use crate::locate::{self, Likeness, LocateError, looks_like_environment};
use crate::model::caller::Caller;
use crate::model::naming::name_of;
use crate::model::prefix::Prefix;

/// An environment and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its project's directory's name, or the one that it was given.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Why an environment cannot be called something.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// It could not be told from a path or an option.
    #[error("an environment cannot be called \"{0}\": a name is no path and no option")]
    Unusable(String),
    /// Its path is no text, as names are kept beside.
    #[error("the path {} is not valid UTF-8, so that no name can be kept for it", .0.display())]
    NoText(PathBuf),
    /// There is nowhere to remember it.
    #[error("there is no data directory of yours to remember it in (is HOME set, and yours?)")]
    NoPlace,
    /// The system's answer.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// All of them that are there, by name.
pub fn environments(caller: &Caller) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    let registered =
        registry::entries(caller).into_iter().map(|entry| Known { name: entry.name, path: entry.path });
    let trusted = trust::trusted(caller).into_iter();
    let trusted = trusted.filter_map(|path| Some(Known { name: name_of(&path)?, path }));
    for one in registered.chain(trusted).chain(in_workon_home(caller)) {
        if !known.iter().any(|other| other.path == one.path) && fs::lstat(&one.path).is_ok() {
            known.push(one);
        }
    }
    known.sort_unstable();
    known
}

/// What an environment is called, known or not: as its entry says, else like its project.
pub fn name(prefix: &Prefix, caller: &Caller) -> String {
    registry::name_kept(prefix, caller).or_else(|| name_of(prefix.path())).unwrap_or_default()
}

/// Those beside which old trees are kept, with these, the newest first; also those that were removed and are kept so.
pub fn with_kept(caller: &Caller) -> Vec<(Prefix, Vec<Kept>)> {
    let registered = registry::entries(caller).into_iter().map(|entry| entry.path);
    let there = environments(caller).into_iter().map(|known| known.path);
    let paths: BTreeSet<PathBuf> = registered.chain(there).collect();
    let prefixes = paths.into_iter().filter_map(|path| Prefix::new(path).ok());
    prefixes
        .map(|prefix| (beside::kept(&prefix), prefix))
        .filter(|(kept, _)| !kept.is_empty())
        .map(|(kept, prefix)| (prefix, kept))
        .collect()
}

/// The directory in which virtualenvwrapper and pew keep environments by their names, where the user has set one.
pub fn workon_home(caller: &Caller) -> Option<PathBuf> {
    let typed = caller.variable("WORKON_HOME").map(Path::new)?;
    let home = || caller.home.clone();
    let path = match typed.strip_prefix("~") {
        Ok(inside) => home()?.join(inside),
        Err(_) => typed.to_owned(),
    };
    path.is_absolute().then_some(path)
}

/// Where environments go that belong to no project: `WORKON_HOME`, else a directory of venvkeep's own.
pub fn central(caller: &Caller) -> Option<PathBuf> {
    workon_home(caller).or_else(|| Some(caller.data_dir.as_ref()?.join("venvs")))
}

fn in_workon_home(caller: &Caller) -> Vec<Known> {
    let Some(home) = workon_home(caller).and_then(|home| fs::physical(&home).ok()) else { return Vec::new() };
    let names = Directory::open(&home).and_then(|home| home.names()).unwrap_or_default();
    let paths = names.iter().map(|name| home.join(OsStr::from_bytes(name)));
    let there = paths.filter(|path| {
        let is_ours = path.file_name().is_some_and(crate::model::siblings::is_ours);
        !is_ours && looks_like_environment(path) == Likeness::Environment
    });
    there
        .filter_map(|path| Some(Known { name: path.file_name()?.to_string_lossy().into_owned(), path }))
        .collect()
}

/// Other environments of that name, as far as venvkeep made them or was shown them. Whom the shell trusts besides is not
/// looked at: `new` asks this each time.
pub fn namesakes(name: &str, path: &Path, caller: &Caller) -> Vec<PathBuf> {
    let registered =
        registry::entries(caller).into_iter().map(|entry| Known { name: entry.name, path: entry.path });
    let others = registered.chain(in_workon_home(caller)).filter(|one| one.name == name && one.path != path);
    let there: BTreeSet<PathBuf> =
        others.map(|one| one.path).filter(|path| fs::lstat(path).is_ok()).collect();
    there.into_iter().collect()
}

/// Registers what is trusted and stands in no registry, so that it is found again where it is moved by hand. What cannot
/// be written now is written the next time.
pub fn register_trusted(caller: &Caller) {
    let trusted = trust::trusted(caller).into_iter().filter_map(|path| Prefix::new(path).ok());
    for prefix in trusted.filter(|prefix| registry::name_kept(prefix, caller).is_none()) {
        if trust::is_trusted(&prefix, caller) {
            let _ = registry::register(&prefix, None, caller);
        }
    }
}

/// Gives an environment a name of its own. Where it is does not change.
pub fn rename(prefix: &Prefix, name: &str, caller: &Caller) -> Result<(), NameError> {
    let mut parts = Path::new(name).components();
    let is_plain =
        matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == name);
    if !is_plain || name.starts_with('-') || name.contains(|c: char| c.is_control()) {
        return Err(NameError::Unusable(name.to_owned()));
    }
    if prefix.path().to_str().is_none() {
        return Err(NameError::NoText(prefix.path().to_owned()));
    }
    if caller.data_dir.is_none() {
        return Err(NameError::NoPlace);
    }
    Ok(registry::rename(prefix, name, caller)?)
}

/// Finds the environment that is meant, as [`locate::locate`] does; where none stands at what was typed, the known one of
/// that name.
pub fn locate(asked: Option<&Path>, caller: &Caller) -> Result<Prefix, LocateError> {
    locate::locate(asked, caller).or_else(|error| called(asked, error, caller))
}

/// The environment that goes by the name that was typed, where no other was found.
pub fn called(asked: Option<&Path>, error: LocateError, caller: &Caller) -> Result<Prefix, LocateError> {
    let Some(typed) = bare_name(asked, &error) else { return Err(error) };
    let named = || {
        let mut known = environments(caller);
        known.retain(|one| OsStr::new(&one.name) == typed);
        known
    };
    let mut known = named();
    if known.is_empty() && registry::tidy(caller) != registry::Tidied::default() {
        // It was moved since somebody last looked.
        known = named();
    }
    match known.as_slice() {
        [] => Err(unknown(typed, error, caller)),
        [one] => locate::at(&one.path, &caller.viewer),
        [one, ..] => Err(LocateError::SeveralCalled {
            name: one.name.clone(),
            paths: known.into_iter().map(|one| one.path).collect(),
        }),
    }
}

/// Nothing was found, neither at that path nor by that name.
fn unknown(typed: &OsStr, error: LocateError, caller: &Caller) -> LocateError {
    /// Two letters exchanged, or two wrong ones.
    const MOST: usize = 2;
    let LocateError::NoSuchPath { path } = error else { return error };
    let typed = typed.to_string_lossy();
    let mut similar: Vec<String> = environments(caller).into_iter().map(|known| known.name).collect();
    similar.retain(|name| {
        let wrong = strsim::damerau_levenshtein(name, &typed);
        wrong <= MOST && wrong < name.chars().count()
    });
    similar.dedup();
    LocateError::NoSuchName { path, similar }
}

/// The place of an environment of that name which was removed and is kept beside it.
pub fn set_aside(asked: Option<&Path>, error: LocateError, caller: &Caller) -> Result<Prefix, LocateError> {
    let Some(typed) = bare_name(asked, &error) else { return Err(error) };
    let entries = registry::entries(caller).into_iter().filter(|entry| OsStr::new(&entry.name) == typed);
    let gone = entries.filter(|entry| fs::lstat(&entry.path).is_err());
    let mut kept: Vec<Prefix> =
        gone.filter_map(|entry| entry.prefix()).filter(|prefix| !beside::kept(prefix).is_empty()).collect();
    match (kept.pop(), kept.pop()) {
        (Some(one), None) => Ok(one),
        _ => Err(error),
    }
}

/// What was typed, where it may be a name and nothing was found at that path.
fn bare_name<'a>(asked: Option<&'a Path>, error: &LocateError) -> Option<&'a OsStr> {
    let mut parts = asked.unwrap_or(Path::new("")).components();
    let none_there = matches!(
        error,
        LocateError::NoSuchPath { .. }
            | LocateError::NoSuchName { .. }
            | LocateError::NotAnEnvironment { meant: None, .. }
    );
    match (none_there, parts.next(), parts.next()) {
        (true, Some(Component::Normal(typed)), None) => Some(typed),
        _ => None,
    }
}
