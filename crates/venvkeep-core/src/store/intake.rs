//! Taking environments in that other tools made and keep by their names: virtualenvwrapper's and pew's directories,
//! pyenv's versions, and plain directories of projects.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{known, registry};
use crate::host::fs::{self, Directory, IoError};
use crate::locate::{self, Likeness, looks_like_environment};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::naming::{USUAL_NAMES, is_usual, name_of};
use crate::model::prefix::Prefix;
use crate::model::siblings;

/// No directory of projects has more entries.
const MOST: usize = 20_000;

/// What became of an environment that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is known now, by this name.
    In(String),
    /// It was known already, by this name.
    KnownAs(String),
    /// It belongs to another user, so it is left out.
    Foreign(u32),
}

/// Where other tools keep environments by their names, as far as such directories are there.
pub fn usual_places(caller: &Caller) -> Vec<PathBuf> {
    let below_home = |inside: &str| caller.home.as_ref().map(|home| home.join(inside));
    let pyenv = caller.variable("PYENV_ROOT").map(PathBuf::from).filter(|root| root.is_absolute());
    let pyenv = pyenv.or_else(|| below_home(".pyenv")).map(|root| root.join("versions"));
    let places = [
        known::workon_home(caller),
        below_home(".virtualenvs"),
        below_home(".local/share/virtualenvs"),
        pyenv,
    ];
    let mut seen = BTreeSet::new();
    let there =
        places.into_iter().flatten().filter(|path| fs::stat(path).is_ok_and(|f| f.kind == Kind::Directory));
    there.filter(|path| seen.insert(path.clone())).collect()
}

/// Takes in the environments in a directory: itself, those directly in it, and those that lie in its projects under one
/// of the usual names.
pub fn take_in(directory: &Path, caller: &Caller) -> Result<Vec<(PathBuf, Taken)>, IoError> {
    let mut seen = BTreeSet::new();
    let mut taken = Vec::new();
    for (path, name) in candidates(directory)? {
        // A link means the environment that it leads to; pyenv links the names of its environments so.
        let Ok(prefix) = locate::at(&path, &caller.viewer) else { continue };
        if seen.insert(prefix.path().to_owned()) {
            let what = take_one(&prefix, name.as_deref(), caller)?;
            taken.push((prefix.path().to_owned(), what));
        }
    }
    Ok(taken)
}

fn take_one(prefix: &Prefix, name: Option<&str>, caller: &Caller) -> Result<Taken, IoError> {
    let facts = fs::lstat(prefix.path())?;
    // Root's may be healed, so they are worth knowing; a stranger's are not.
    if !caller.viewer.trusts(facts.uid) {
        return Ok(Taken::Foreign(facts.uid));
    }
    let known = registry::entries(caller).into_iter().find(|entry| entry.path == prefix.path());
    if let Some(entry) = known {
        return Ok(Taken::KnownAs(entry.name));
    }
    let name = name.map(str::to_owned).or_else(|| name_of(prefix.path())).unwrap_or_default();
    registry::register(prefix, Some(&name), caller)?;
    Ok(Taken::In(name))
}

/// Paths at which environments stand, with the name that the directory gives each.
fn candidates(directory: &Path) -> Result<Vec<(PathBuf, Option<String>)>, IoError> {
    if is_environment(directory) {
        return Ok(vec![(directory.to_owned(), None)]);
    }
    let mut found = Vec::new();
    let mut names = Directory::open(&fs::physical(directory)?)?.names()?;
    names.sort_unstable();
    let names = names.iter().take(MOST).map(|name| OsStr::from_bytes(name));
    for name in names.filter(|name| !siblings::is_ours(name)) {
        let (path, called) = (directory.join(name), name.to_string_lossy().into_owned());
        if is_environment(&path) {
            found.push((path, (!is_usual(name)).then_some(called)));
            continue;
        }
        // pyenv-virtualenv keeps the environments of a version inside of it.
        let of_version =
            Directory::open(&path.join("envs")).and_then(|envs| envs.names()).unwrap_or_default();
        let of_version = of_version.iter().map(|name| path.join("envs").join(OsStr::from_bytes(name)));
        let in_project = USUAL_NAMES.iter().map(|name| path.join(name));
        found.extend(
            in_project.chain(of_version).filter(|path| is_environment(path)).map(|path| (path, None)),
        );
    }
    Ok(found)
}

fn is_environment(path: &Path) -> bool {
    looks_like_environment(path) == Likeness::Environment
}
