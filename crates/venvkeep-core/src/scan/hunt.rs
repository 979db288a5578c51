//! Going through directories for what makes an environment, by the names in them alone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, mpsc};

use super::{Party, Target};
use crate::host::fs::{self, Directory, IoError};
use crate::host::traverse::{Below, MAX_DEPTH, Unvisited, Visitor, traverse};
use crate::locate::{self, Likeness, has_library, looks_like_environment};
use crate::model::facts::Kind;
use crate::model::naming::{USUAL_NAMES, is_usual};
use crate::model::prefix::Prefix;
use crate::model::siblings::{self, SiblingKind};

/// `pyvenv.cfg` (PEP 405).
const CONFIG: u8 = 1;
/// `conda-meta`.
const CONDA: u8 = 1 << 1;
/// `bin`, and `lib`: where there is no `pyvenv.cfg` both are needed.
const BIN: u8 = 1 << 2;
const LIB: u8 = 1 << 3;
/// A `.venv` (or `venv`, `env`) that is a link, or a `.venv` that is a file.
const LEAD: u8 = 1 << 4;
/// What venvkeep puts beside an environment.
const OURS: u8 = 1 << 5;
/// A directory: whether there is more to find.
const DIRECTORY: u8 = 1 << 6;

/// Goes through the roots and hands on what is to be looked at.
pub(super) fn hunt(party: &Party<'_>, targets: &mpsc::Sender<Target>) {
    let all = || party.request.roots.iter().map(|root| &root.path);
    let is_inner = |path: &&PathBuf| all().any(|other| *path != other && path.starts_with(other));
    let hunt = Hunt { party, inner: all().filter(is_inner).cloned().collect(), targets };
    let mut roots = Vec::new();
    for root in &party.roots {
        match Directory::open(&root.path) {
            Ok(directory) => roots.push(directory),
            Err(error) => hunt.refused(&root.path, &error),
        }
    }
    let visitor = Visitor {
        mark: &mark,
        enters: &|above, name| hunt.enters(above, name),
        listed: &|directory, marks, entries| hunt.listed(directory, marks, entries),
        unvisited: &|path, why| hunt.unvisited(path, &why),
    };
    traverse(roots, &visitor, (threads(), party.request.borders), party.interrupt);
}

/// Twice as many threads as cores: while one waits for the disk, another one has something to do. Where everything is in
/// memory, the second half costs nothing that could be measured.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (2 * cores).clamp(4, 32)
}

fn mark(name: &[u8], kind: Kind) -> u8 {
    let itself = match (name, kind) {
        (b"pyvenv.cfg", kind) if kind != Kind::Directory => CONFIG,
        (b"conda-meta", Kind::Directory) => CONDA,
        (b"bin", Kind::Directory | Kind::Link) => BIN,
        (b"lib", Kind::Directory | Kind::Link) => LIB,
        (b".venv", Kind::File | Kind::Link) | (b"venv" | b"env", Kind::Link) => LEAD,
        _ if name.first() == Some(&b'.') && siblings::is_ours(OsStr::from_bytes(name)) => OURS,
        _ => 0,
    };
    if kind == Kind::Directory { itself | DIRECTORY } else { itself }
}

struct Hunt<'a> {
    party: &'a Party<'a>,
    /// Roots inside of others.
    inner: Vec<PathBuf>,
    targets: &'a mpsc::Sender<Target>,
}

impl Hunt<'_> {
    fn enters(&self, above: &Directory, name: &[u8]) -> bool {
        if holds_no_environment(above, name) {
            return false;
        }
        let name = OsStr::from_bytes(name);
        // Kept trees and stages are no environments of their own, but what lies beside one.
        let is_ours = name.as_bytes().first() == Some(&b'.') && siblings::is_ours(name);
        if is_ours || self.party.request.ignored.holds(above.path(), name) {
            return false;
        }
        // A home inside of another is gone through on its own user's behalf.
        self.inner.is_empty() || !self.inner.contains(&above.path().join(name))
    }

    fn listed(&self, directory: &Directory, marks: u8, entries: usize) -> Below {
        let counts = self.party.counts;
        counts.directories.fetch_add(1, Ordering::Relaxed);
        counts.entries.fetch_add(entries, Ordering::Relaxed);
        if is_environment(directory, marks) {
            self.send(directory.path());
            return Below::Skip;
        }
        if marks & LEAD != 0 {
            let paths = USUAL_NAMES.iter().map(|name| directory.path().join(name));
            counts.leads.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
        }
        if marks & OURS != 0 {
            self.look_beside(directory);
        }
        Below::Enter
    }

    fn unvisited(&self, path: &Path, why: &Unvisited) {
        match why {
            Unvisited::OtherFileSystem => {
                self.party.counts.note(|tally| tally.borders.add(path.to_owned(), ""));
            }
            Unvisited::TooDeep => {
                let why = format!("deeper than {MAX_DEPTH} directories");
                self.party.counts.note(|tally| tally.refused.add(path.to_owned(), why));
            }
            Unvisited::Failed(error) => {
                self.refused(path, error);
                // What may not be looked into, and is called like an environment, is one as far as anybody can tell.
                if path.file_name().is_some_and(is_usual) && error.is_denied() {
                    self.send(path);
                }
            }
        }
    }

    fn refused(&self, path: &Path, error: &IoError) {
        self.party.counts.note(|tally| tally.refused.add(path.to_owned(), error.reason()));
    }

    fn send(&self, path: &Path) {
        if let Some(target) = self.party.target(path, None) {
            // Nobody waits for it any more only where the user asked to stop.
            let _ = self.targets.send(target);
        }
    }

    /// Environments of which only what lies beside them is left: a heal that was cut off between two renames, or an old
    /// tree that is kept after a remove.
    fn look_beside(&self, directory: &Directory) {
        for name in directory.names().unwrap_or_default() {
            let name = OsStr::from_bytes(&name);
            let Some((prefix, kind)) = siblings::live_of(directory.path(), name) else { continue };
            if !matches!(fs::lstat_if_any(prefix.path()), Ok(None)) {
                continue;
            }
            match kind {
                SiblingKind::Journal | SiblingKind::Stage => self.send(prefix.path()),
                SiblingKind::Kept => {
                    self.party.counts.note(|tally| tally.remains.add(directory.path().join(name), ""));
                }
            }
        }
    }
}

impl Party<'_> {
    /// What is to be looked at at a path, unless it was found already.
    pub(super) fn target(&self, path: &Path, through: Option<PathBuf>) -> Option<Target> {
        let prefix = Prefix::new(path.to_owned()).ok()?;
        self.counts.is_new(path).then_some(Target { prefix, through })
    }
}

/// Where links and `.venv` files lead that led to nothing new until now. Those of other users are only named.
pub(super) fn followed(party: &Party<'_>) -> Vec<Target> {
    let leads = std::mem::take(&mut *party.counts.leads.lock().unwrap_or_else(PoisonError::into_inner));
    let mut targets = Vec::new();
    for path in leads {
        if !is_lead(&path) {
            continue;
        }
        if party.root().on_behalf {
            let why = "it leads elsewhere, and root follows nobody's links";
            party.counts.note(|tally| tally.strays.add(path, why));
            continue;
        }
        match locate::at(&path, &party.root().viewer) {
            Ok(prefix) => targets.extend(party.target(prefix.path(), Some(path))),
            Err(error) => party.counts.note(|tally| tally.strays.add(path, error.to_string())),
        }
    }
    targets
}

/// A `.venv` is always meant as an environment; a link called `env` or `venv` may be anything.
fn is_lead(path: &Path) -> bool {
    let Ok(facts) = fs::lstat(path) else { return false };
    match (facts.kind, path.file_name().is_some_and(|name| name == ".venv")) {
        (Kind::Link | Kind::File, true) => true,
        (Kind::Link, false) => {
            let leads_to_directory = fs::stat(path).is_ok_and(|facts| facts.kind == Kind::Directory);
            leads_to_directory && looks_like_environment(path) == Likeness::Environment
        }
        _ => false,
    }
}

/// Directories that a program fills with files of its own and nobody puts anything else into: Python's bytecode, and
/// git's objects, which lie in hundreds of directories for each repository.
fn holds_no_environment(above: &Directory, name: &[u8]) -> bool {
    match name {
        b"__pycache__" => true,
        b"objects" => above.path().file_name().is_some_and(|name| name == ".git"),
        _ => false,
    }
}

/// A `pyvenv.cfg` that lies about beside other directories, in a home for one, makes no environment of these: there has
/// to be a Python or a library beside it, or nothing else to find.
fn is_environment(directory: &Directory, marks: u8) -> bool {
    let has = |all: u8| marks & all == all;
    let place = directory.path();
    if has(CONDA) {
        return true;
    }
    if has(CONFIG) {
        let has_python = || {
            ["bin/python", "bin/python3", "bin/activate"]
                .iter()
                .any(|inside| !matches!(fs::lstat_if_any(&place.join(inside)), Ok(None)))
        };
        return !has(DIRECTORY) || (has(BIN) && has_python()) || (has(LIB) && has_library(place));
    }
    has(BIN | LIB) && looks_like_environment(place) == Likeness::Environment
}

#[cfg(test)]
mod tests {
    use super::{BIN, CONDA, CONFIG, DIRECTORY, Kind, LEAD, LIB, OURS, mark};

    #[test]
    fn names_that_matter() {
        let (file, directory, link) = (Kind::File, Kind::Directory, Kind::Link);
        for (name, kind, marks) in [
            ("pyvenv.cfg", file, CONFIG),
            ("pyvenv.cfg", link, CONFIG),
            ("pyvenv.cfg", directory, DIRECTORY),
            ("conda-meta", directory, CONDA | DIRECTORY),
            ("bin", link, BIN),
            ("lib", directory, LIB | DIRECTORY),
            (".venv", file, LEAD),
            (".venv", directory, DIRECTORY),
            ("venv", file, 0),
            ("env", link, LEAD),
            (".venv.venvkeep-old-20261121-091500", directory, OURS | DIRECTORY),
            (".venv.venvkeep-journal", file, OURS),
            ("x.venvkeep-journal", file, 0),
            ("setup.cfg", file, 0),
        ] {
            assert_eq!(mark(name.as_bytes(), kind), marks, "{name}");
        }
    }
}
