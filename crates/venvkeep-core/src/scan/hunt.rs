//! Going through directories for what makes an environment, by the names in them alone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Counts, Request, Stray, Target};
use crate::host::fs::{self, Directory};
use crate::host::traverse::{Below, Unvisited, Visitor, traverse};
use crate::locate::{self, Likeness, looks_like_environment};
use crate::model::facts::Kind;
use crate::model::interrupt::Interrupt;
use crate::model::naming::USUAL_NAMES;
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
pub(super) fn hunt(
    request: &Request,
    counts: &Counts,
    interrupt: &Interrupt,
    targets: &mpsc::Sender<Target>,
) {
    let hunt = Hunt { request, counts, targets, found: Mutex::default(), leads: Mutex::default() };
    let mut roots = Vec::new();
    for root in &request.roots {
        match Directory::open(&root.path) {
            Ok(directory) => roots.push(directory),
            Err(_) => counts.note(|tally| tally.refused.add(root.path.clone())),
        }
    }
    let visitor = Visitor {
        mark: &mark,
        enters: &|above, name| hunt.enters(above, name),
        listed: &|directory, marks, entries| hunt.listed(directory, marks, entries),
        unvisited: &|path, why| hunt.unvisited(path, &why),
    };
    traverse(roots, &visitor, (threads(), request.borders), interrupt);
    hunt.follow_leads();
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
    request: &'a Request,
    counts: &'a Counts,
    targets: &'a mpsc::Sender<Target>,
    found: Mutex<BTreeSet<PathBuf>>,
    leads: Mutex<Vec<PathBuf>>,
}

impl Hunt<'_> {
    fn enters(&self, above: &Directory, name: &[u8]) -> bool {
        if holds_no_environment(above, name) {
            return false;
        }
        // Kept trees and stages are no environments of their own, but what lies beside one.
        let is_ours = name.first() == Some(&b'.') && siblings::is_ours(OsStr::from_bytes(name));
        !is_ours && !self.request.ignored.holds(above.path(), OsStr::from_bytes(name))
    }

    fn listed(&self, directory: &Directory, marks: u8, entries: usize) -> Below {
        self.counts.directories.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries, Ordering::Relaxed);
        if is_environment(directory, marks) {
            self.send(directory.path(), None);
            return Below::Skip;
        }
        if marks & LEAD != 0 {
            let paths = USUAL_NAMES.iter().map(|name| directory.path().join(name));
            self.leads.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
        }
        if marks & OURS != 0 {
            self.look_beside(directory);
        }
        Below::Enter
    }

    fn unvisited(&self, path: &Path, why: &Unvisited) {
        self.counts.note(|tally| match why {
            Unvisited::OtherFileSystem => tally.borders.add(path.to_owned()),
            Unvisited::Failed(_) | Unvisited::TooDeep => tally.refused.add(path.to_owned()),
        });
        // What may not be looked into, and is called like an environment, is one as far as anybody can tell.
        let is_usual = path.file_name().is_some_and(|name| USUAL_NAMES.iter().any(|usual| name == *usual));
        if is_usual && matches!(why, Unvisited::Failed(error) if error.is_denied()) {
            self.send(path, None);
        }
    }

    fn send(&self, path: &Path, through: Option<PathBuf>) {
        let Ok(prefix) = Prefix::new(path.to_owned()) else { return };
        if self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned()) {
            let root = self.request.root_of(through.as_deref().unwrap_or(path));
            // Nobody waits for it any more only where the user asked to stop.
            let _ = self.targets.send(Target { prefix, root, through });
        }
    }

    /// Environments of which only what lies beside them is left: a heal that was cut off between two renames, or an old
    /// tree that is kept after a remove.
    fn look_beside(&self, directory: &Directory) {
        for name in directory.names().unwrap_or_default() {
            let name = OsStr::from_bytes(&name);
            let Some((places, kind)) = siblings::live_of(directory.path(), name) else { continue };
            if !places.iter().all(|place| matches!(fs::lstat_if_any(place.path()), Ok(None))) {
                continue;
            }
            match kind {
                SiblingKind::Journal | SiblingKind::Stage => self.send(places[0].path(), None),
                SiblingKind::Kept => self.counts.note(|tally| tally.remains.add(directory.path().join(name))),
            }
        }
    }

    /// Where links and `.venv` files lead, after all else was found. Those of another user lead nowhere for root.
    fn follow_leads(&self) {
        let leads = std::mem::take(&mut *self.leads.lock().unwrap_or_else(PoisonError::into_inner));
        for path in leads {
            let is_lead = fs::lstat(&path).is_ok_and(|facts| match facts.kind {
                Kind::Link => true,
                kind => kind == Kind::File && path.file_name().is_some_and(|name| name == ".venv"),
            });
            if !is_lead {
                continue;
            }
            let root = &self.request.roots[self.request.root_of(&path)];
            if root.on_behalf {
                let why = "it leads elsewhere, and root follows nobody's links".to_owned();
                self.counts.note(|tally| tally.strays.push(Stray { path, why }));
                continue;
            }
            match locate::at(&path, &root.viewer) {
                Ok(prefix) => self.send(prefix.path(), Some(path)),
                Err(error) => {
                    let why = error.to_string();
                    self.counts.note(|tally| tally.strays.push(Stray { path, why }));
                }
            }
        }
    }
}

/// Directories that a program fills with files of its own and nobody puts anything else into: Python's bytecode, and
/// git's objects, which lie in hundreds of directories for each repository.
fn holds_no_environment(above: &Directory, name: &[u8]) -> bool {
    match name {
        b"__pycache__" => true,
        b"objects" => above.path().as_os_str().as_bytes().ends_with(b".git"),
        _ => false,
    }
}

/// A `pyvenv.cfg` alone makes an environment only of a directory with nothing else to find: one that lies about in a home
/// would hide everything else there.
fn is_environment(directory: &Directory, marks: u8) -> bool {
    let has = |all: u8| marks & all == all;
    match (has(CONFIG), has(CONDA)) {
        (_, true) => true,
        (true, _) => marks & (BIN | LIB) != 0 || !has(DIRECTORY),
        _ => has(BIN | LIB) && looks_like_environment(directory.path()) == Likeness::Environment,
    }
}

impl Request {
    /// The root that a path was found below.
    fn root_of(&self, path: &Path) -> usize {
        self.roots.iter().position(|root| path.starts_with(&root.path)).unwrap_or(0)
    }
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
