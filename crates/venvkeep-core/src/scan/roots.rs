//! Where to look, and on whose behalf.

use std::path::{Path, PathBuf};

use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::owner::{ROOT, Viewer};

/// A directory that is gone through.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its physical path.
    pub path: PathBuf,
    /// Who could read and write what is in it.
    pub viewer: Viewer,
    /// The account's name, in root's view.
    pub user: Option<String>,
    /// Whether somebody else looks, who then follows no links and keeps nothing.
    pub on_behalf: bool,
}

/// Why there is nothing to go through.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// It cannot be looked at.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Something else than a directory.
    #[error("{} is {kind}, not a directory", .path.display())]
    NotADirectory {
        /// Where.
        path: PathBuf,
        /// What stands there.
        kind: Kind,
    },
    /// None was named, and there is no home to begin with.
    #[error("no directory was named, and there is no home directory")]
    NoHome,
    /// The tables of accounts could not be read, or name no home.
    #[error("no home directory of any user was found")]
    NoUsers,
}

/// The directories that were named; without any the home.
pub fn named(paths: &[PathBuf], caller: &Caller) -> Result<Vec<Root>, RootError> {
    let home = || caller.home.clone().ok_or(RootError::NoHome);
    let paths = if paths.is_empty() { vec![home()?] } else { paths.to_vec() };
    let of = |path: &PathBuf| {
        let path = fs::physical(&caller.absolute(path))?;
        let kind = fs::lstat(&path)?.kind;
        if kind != Kind::Directory {
            return Err(RootError::NotADirectory { path, kind });
        }
        Ok(of_owner(path, caller))
    };
    Ok(without_inner(paths.iter().map(of).collect::<Result<_, _>>()?))
}

/// Whose directory it is decides for root, who could do anything anywhere.
fn of_owner(path: PathBuf, caller: &Caller) -> Root {
    let owner = fs::lstat(&path).map_or(ROOT, |facts| facts.uid);
    let other = (caller.viewer.is_root() && owner != ROOT).then(|| credentials::viewer_of(owner)).flatten();
    match other {
        Some(viewer) => Root { path, viewer, user: credentials::user_name(owner), on_behalf: true },
        None => Root { path, viewer: caller.viewer.clone(), user: None, on_behalf: false },
    }
}

/// The homes of all users of this machine, each on its user's behalf.
pub fn of_all_users() -> Result<Vec<Root>, RootError> {
    let homes = credentials::homes().into_iter().filter_map(|(name, viewer, home)| {
        // Where a home is a link, whoever put it there decides where it leads: root alone may.
        let path = fs::physical(&home).ok()?;
        let is_directory = fs::lstat(&path).is_ok_and(|facts| facts.kind == Kind::Directory);
        let is_roots = path == home || is_root_made(&home);
        (is_directory && is_roots && path != Path::new("/")).then_some(Root {
            path,
            viewer,
            user: Some(name),
            on_behalf: true,
        })
    });
    let mut homes: Vec<Root> = homes.collect();
    homes.sort_by(|one, other| one.path.cmp(&other.path));
    // Accounts that share a home are one.
    homes.dedup_by(|one, other| one.path == other.path);
    if homes.is_empty() { Err(RootError::NoUsers) } else { Ok(homes) }
}

fn is_root_made(path: &Path) -> bool {
    path.ancestors().all(|part| fs::lstat(part).is_ok_and(|facts| facts.uid == ROOT))
}

/// A root inside of another is gone through with that one, unless another user looks at it.
fn without_inner(mut roots: Vec<Root>) -> Vec<Root> {
    roots.sort_by(|one, other| one.path.cmp(&other.path));
    let mut outer: Vec<Root> = Vec::new();
    for root in roots {
        let is_inside =
            |above: &Root| root.path.starts_with(&above.path) && root.viewer.uid == above.viewer.uid;
        if !outer.iter().any(is_inside) {
            outer.push(root);
        }
    }
    outer
}
