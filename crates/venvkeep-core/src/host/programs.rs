//! Which programs may be started: only those that nobody but root and the user can have put there.
//!
//! `uv`, Python and `git` are looked for neither in relative `PATH` entries nor inside any environment: with the
//! broken environment active, those found first through `PATH` are its own (field notes).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::credentials;
use super::fs::{lstat, physical, read_link, stat};
use crate::model::facts::{Facts, Kind};
use crate::model::owner::Viewer;

/// How many links a path may go through, as the kernel has it.
const MAX_LINKS: usize = 40;

/// A program that may be started: it and every directory on the way to it belong to root, the user or a trusted
/// account, and nobody else may write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProgram(PathBuf);

impl TrustedProgram {
    /// The path it is started by.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Why a program is not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// There is nothing, or it cannot be looked at.
    #[error("there is no program at {}", .0.display())]
    Missing(PathBuf),
    /// Not a regular executable file.
    #[error("{} is not a program that you may start", .0.display())]
    NotExecutable(PathBuf),
    /// It or a directory on the way belongs to somebody else.
    #[error("{} belongs to {}, neither to root nor to you", .path.display(), credentials::called(*.owner))]
    ForeignOwner {
        /// What belongs to them.
        path: PathBuf,
        /// Their number.
        owner: u32,
    },
    /// It or a directory on the way can be changed by others.
    #[error("other users can write {}", .0.display())]
    OthersCanWrite(PathBuf),
    /// It lies inside an environment.
    #[error("{} belongs to the environment {}", .program.display(), .prefix.display())]
    InsideEnvironment {
        /// The program.
        program: PathBuf,
        /// The environment around it.
        prefix: PathBuf,
    },
}

/// Decides whether the program at an absolute path may be started by this user.
pub fn trust(path: &Path, viewer: &Viewer) -> Result<TrustedProgram, Distrust> {
    if let Some(prefix) = environment_around(path) {
        return Err(Distrust::InsideEnvironment { program: path.to_owned(), prefix });
    }
    let mut at = path.to_owned();
    for _ in 0..MAX_LINKS {
        // Where a directory on the way is not there, what is missing is the program.
        check_ancestors(&at, viewer).map_err(|distrust| match distrust {
            Distrust::Missing(_) => Distrust::Missing(at.clone()),
            other => other,
        })?;
        let facts = lstat(&at).map_err(|_| Distrust::Missing(at.clone()))?;
        if facts.kind != Kind::Link {
            return check_file(&at, &facts, viewer).map(|()| TrustedProgram(path.to_owned()));
        }
        let text = read_link(&at).map_err(|_| Distrust::Missing(at.clone()))?;
        // `..` after a link to a directory means that directory's parent: resolve it as the kernel does.
        let parent = at.parent().unwrap_or_else(|| Path::new("/"));
        let parent = physical(parent).map_err(|_| Distrust::Missing(at.clone()))?;
        at = parent.join(text);
        if let (Some(dir), Some(name)) = (at.parent(), at.file_name()) {
            at = physical(dir).map_err(|_| Distrust::Missing(at.clone()))?.join(name);
        }
        if let Some(prefix) = environment_around(&at) {
            return Err(Distrust::InsideEnvironment { program: at, prefix });
        }
    }
    Err(Distrust::Missing(path.to_owned()))
}

/// Decides whether nobody but root, the user and trusted accounts can put something else in the place of what is made
/// at an absolute path: they alone can change the names in the directories on the way to it.
pub fn trust_way(path: &Path, viewer: &Viewer) -> Result<(), Distrust> {
    check_ancestors(path, viewer)
}

/// A program inside a stage that this run has made: its own link to a base interpreter that is trusted.
pub fn staged(program: PathBuf, base: &TrustedProgram) -> Result<TrustedProgram, Distrust> {
    let same = match (physical(&program), physical(base.path())) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    if same { Ok(TrustedProgram(program)) } else { Err(Distrust::Missing(program)) }
}

/// The first program of that name that may be started, in the directories given (absolute, in order).
pub fn find(name: &str, directories: &[PathBuf], viewer: &Viewer) -> Option<TrustedProgram> {
    directories.iter().filter(|dir| dir.is_absolute()).find_map(|dir| trust(&dir.join(name), viewer).ok())
}

/// The environment that a path lies in, if any directory above it bears a `pyvenv.cfg`.
pub fn environment_around(path: &Path) -> Option<PathBuf> {
    let textual = path.ancestors().skip(1).find(|dir| lstat(&dir.join("pyvenv.cfg")).is_ok());
    textual.map(Path::to_owned).or_else(|| {
        let parent = physical(path.parent()?).ok()?;
        parent.ancestors().find(|dir| lstat(&dir.join("pyvenv.cfg")).is_ok()).map(Path::to_owned)
    })
}

/// Each directory from the root to the entry must be safe; links among them are looked through, and where they lead
/// is looked at as well.
fn check_ancestors(path: &Path, viewer: &Viewer) -> Result<(), Distrust> {
    let parent = path.parent().unwrap_or_else(|| Path::new("/"));
    let resolved = physical(parent).map_err(|_| Distrust::Missing(parent.to_owned()))?;
    for way in [parent, &resolved] {
        for directory in way.ancestors() {
            let facts = stat(directory).map_err(|_| Distrust::Missing(directory.to_owned()))?;
            check_owner(directory, &facts, viewer)?;
        }
    }
    Ok(())
}

fn check_owner(path: &Path, facts: &Facts, viewer: &Viewer) -> Result<(), Distrust> {
    if !viewer.trusts(facts.uid) {
        return Err(Distrust::ForeignOwner { path: path.to_owned(), owner: facts.uid });
    }
    if viewer.others_can_write(facts) {
        return Err(Distrust::OthersCanWrite(path.to_owned()));
    }
    Ok(())
}

fn check_file(path: &Path, facts: &Facts, viewer: &Viewer) -> Result<(), Distrust> {
    check_owner(path, facts, viewer)?;
    if facts.kind == Kind::File && viewer.can_execute(facts) {
        Ok(())
    } else {
        Err(Distrust::NotExecutable(path.to_owned()))
    }
}

/// The search path that a started program gets: absolute directories outside of environments.
pub fn clean_search_path(directories: &[PathBuf]) -> Vec<PathBuf> {
    let probe = OsStr::new("x");
    directories
        .iter()
        .filter(|dir| dir.is_absolute() && environment_around(&dir.join(probe)).is_none())
        .cloned()
        .collect()
}
