//! Many directories at once: every directory below some roots, by descriptor, on several threads, following no link and
//! looking at nothing but names.
//!
//! Unlike [`walk`](super::walk), which keeps every entry of one environment, this keeps nothing: what a directory holds
//! is shown to a visitor, who says whether to go on below it. A directory costs the calls that open, list and close it,
//! since the listing itself tells which entries are directories; only where it does not is an entry looked at.
//!
//! Each thread goes depth first, so that it holds as many open directories as the tree is deep. A thread without work
//! gets half of the topmost directory that another one has begun.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::fs::{Directory, IoError, Result};
use super::mounts;
use crate::model::facts::Kind;
use crate::model::interrupt::Interrupt;

/// How many directories deep it goes below a root: no project is deeper, and each level of it is an open directory.
pub const MAX_DEPTH: usize = 128;

/// Whether other file systems than a root's are entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    /// None.
    Stay,
    /// All but those that hold no files of anybody's (`/proc` and its kin).
    Cross,
}

/// What a visitor says to a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Go on with the directories in it.
    Enter,
    /// Leave them out.
    Skip,
}

/// Why a directory was not listed.
#[derive(Debug)]
pub enum Unvisited {
    /// The system's answer.
    Failed(IoError),
    /// Another file system is mounted there.
    OtherFileSystem,
    /// It is deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Who is shown what is found; called from several threads at once.
pub struct Visitor<'a> {
    /// Marks an entry, by its name and kind; the marks of all entries of a directory are put together.
    pub mark: &'a (dyn Fn(&[u8], Kind) -> u8 + Sync),
    /// Whether to open a directory, by that around it and its own name.
    pub enters: &'a (dyn Fn(&Directory, &[u8]) -> bool + Sync),
    /// A directory that was listed, with the marks of its entries and how many there are.
    pub listed: &'a (dyn Fn(&Directory, u8, usize) -> Below + Sync),
    /// A directory that was not.
    pub unvisited: &'a (dyn Fn(&Path, Unvisited) + Sync),
}

/// Visits every directory below `roots`, the roots included, on that many threads; returns when all are done, or soon
/// after the user asked to stop.
pub fn traverse(
    roots: Vec<Directory>,
    visitor: &Visitor<'_>,
    (threads, borders): (usize, Borders),
    interrupt: &Interrupt,
) {
    let work = Work::default();
    let traversal = Traversal { visitor, borders, interrupt, work: &work };
    for root in roots {
        work.lock().shelves.extend(traversal.list(root, 0));
    }
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where no more threads are to be had, those that are there do the work.
            if std::thread::Builder::new().spawn_scoped(scope, || traversal.work()).is_err() {
                break;
            }
        }
        traversal.work();
    });
}

/// A listed directory, and the names of the directories in it that are still to be visited.
struct Shelf {
    directory: Arc<Directory>,
    /// Each with a NUL behind it, which no name contains.
    names: Vec<u8>,
    depth: usize,
}

impl Shelf {
    /// Takes the last name.
    fn take(&mut self) -> Option<Vec<u8>> {
        self.names.pop()?;
        let start = memchr::memrchr(0, &self.names).map_or(0, |end| end + 1);
        Some(self.names.split_off(start))
    }

    /// Takes the first half of the names; of a single one, that.
    fn split(&mut self) -> Option<Self> {
        let middle = self.names.len() / 2;
        let cut = memchr::memchr(0, &self.names[middle..])? + middle + 1;
        let rest = self.names.split_off(cut);
        let names = std::mem::replace(&mut self.names, rest);
        Some(Self { directory: Arc::clone(&self.directory), names, depth: self.depth })
    }
}

/// What is shared out among the threads.
#[derive(Default)]
struct Work {
    state: Mutex<Shared>,
    changed: Condvar,
    /// How many threads wait for whom nothing is there yet. Read without the lock, as a hint.
    hungry: AtomicIsize,
}

#[derive(Default)]
struct Shared {
    shelves: Vec<Shelf>,
    /// How many threads take part.
    members: usize,
    /// How many of them have nothing to do.
    waiting: usize,
    done: bool,
}

/// A thread that takes part. However it ends, the others do not wait for it.
struct Member<'a>(&'a Work);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.0.lock().members -= 1;
        self.0.changed.notify_all();
    }
}

impl Work {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        // What a thread that panicked held is a list and some numbers, whole at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self) -> Member<'_> {
        self.lock().members += 1;
        Member(self)
    }

    /// Something to do, or `None` when everybody is done.
    fn take(&self) -> Option<Shelf> {
        let mut shared = self.lock();
        shared.waiting += 1;
        loop {
            if let Some(shelf) = shared.shelves.pop() {
                shared.waiting -= 1;
                self.note(&shared);
                return Some(shelf);
            }
            if shared.waiting >= shared.members || shared.done {
                shared.waiting -= 1;
                shared.done = true;
                self.changed.notify_all();
                return None;
            }
            self.note(&shared);
            shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, shelf: Shelf) {
        let mut shared = self.lock();
        shared.shelves.push(shelf);
        self.note(&shared);
        self.changed.notify_one();
    }

    fn note(&self, shared: &Shared) {
        let missing = isize::try_from(shared.waiting).unwrap_or(isize::MAX)
            - isize::try_from(shared.shelves.len()).unwrap_or(isize::MAX);
        self.hungry.store(missing, Ordering::Relaxed);
    }
}

struct Traversal<'a> {
    visitor: &'a Visitor<'a>,
    borders: Borders,
    interrupt: &'a Interrupt,
    work: &'a Work,
}

impl Traversal<'_> {
    /// What each thread does.
    fn work(&self) {
        let _member = self.work.join();
        while let Some(shelf) = self.work.take() {
            let mut begun = vec![shelf];
            while let Some(top) = begun.last_mut() {
                if self.interrupt.requested() {
                    break;
                }
                let (Some(name), depth) = (top.take(), top.depth) else {
                    begun.pop();
                    continue;
                };
                let directory = Arc::clone(&top.directory);
                if top.names.is_empty() {
                    // So that a chain of directories, each alone in the one above, keeps none of them open.
                    begun.pop();
                }
                begun.extend(self.visit(&directory, OsStr::from_bytes(&name), depth + 1));
                if self.work.hungry.load(Ordering::Relaxed) > 0
                    && let Some(share) = begun.iter_mut().find_map(Shelf::split)
                {
                    self.work.give(share);
                }
            }
        }
    }

    fn visit(&self, above: &Directory, name: &OsStr, depth: usize) -> Option<Shelf> {
        if !(self.visitor.enters)(above, name.as_bytes()) {
            return None;
        }
        if depth > MAX_DEPTH {
            (self.visitor.unvisited)(&above.path().join(name), Unvisited::TooDeep);
            return None;
        }
        let why = match self.open(above, name) {
            Ok(Some(directory)) => return self.list(directory, depth),
            Ok(None) => Unvisited::OtherFileSystem,
            // It went away after it was listed, or something else than a directory stands there now.
            Err(error) if error.is_missing() || error.is_circle() => return None,
            Err(error) => Unvisited::Failed(error),
        };
        (self.visitor.unvisited)(&above.path().join(name), why);
        None
    }

    fn open(&self, above: &Directory, name: &OsStr) -> Result<Option<Directory>> {
        match (above.child_on_same_mount(name)?, self.borders) {
            (None, Borders::Cross) => {
                let other = above.child(name)?;
                Ok((!mounts::is_pseudo(&other)).then_some(other))
            }
            (same, _) => Ok(same),
        }
    }

    /// Lists a directory and shows it to the visitor; gives what is to be visited in it.
    fn list(&self, directory: Directory, depth: usize) -> Option<Shelf> {
        let (mut marks, mut count, mut names) = (0, 0, Vec::new());
        let listed = directory.each_entry(|name, kind| {
            let Some(kind) = kind.or_else(|| look(&directory, name)) else { return Ok(()) };
            count += 1;
            marks |= (self.visitor.mark)(name.to_bytes(), kind);
            if kind == Kind::Directory {
                names.extend_from_slice(name.to_bytes_with_nul());
            }
            Ok(())
        });
        if let Err(error) = listed {
            (self.visitor.unvisited)(directory.path(), Unvisited::Failed(error));
        }
        match (self.visitor.listed)(&directory, marks, count) {
            Below::Enter if !names.is_empty() => Some(Shelf { directory: Arc::new(directory), names, depth }),
            _ => None,
        }
    }
}

/// Where the listing tells no kinds. What vanished meanwhile is nothing.
fn look(directory: &Directory, name: &CStr) -> Option<Kind> {
    directory.lstat(OsStr::from_bytes(name.to_bytes())).ok().map(|facts| facts.kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    use super::{Below, Borders, Directory, Interrupt, MAX_DEPTH, Unvisited, Visitor, traverse};

    /// Every directory that was listed, relative to the root, and how many were too deep.
    fn visited(root: &Path, threads: usize) -> (BTreeSet<PathBuf>, usize) {
        let (seen, deep) = (Mutex::new(BTreeSet::new()), Mutex::new(0));
        let visitor = Visitor {
            mark: &|name, _| u8::from(name == b"stop"),
            enters: &|_, name| name != b"left-out",
            listed: &|directory, marks, _| {
                let inside = directory.path().strip_prefix(root).unwrap().to_owned();
                assert!(seen.lock().unwrap().insert(inside), "each directory is visited once");
                if marks == 0 { Below::Enter } else { Below::Skip }
            },
            unvisited: &|_, why| {
                assert!(matches!(why, Unvisited::TooDeep), "{why:?}");
                *deep.lock().unwrap() += 1;
            },
        };
        let start = Directory::open(root).unwrap();
        traverse(vec![start], &visitor, (threads, Borders::Stay), &Interrupt::default());
        (seen.into_inner().unwrap(), deep.into_inner().unwrap())
    }

    #[test]
    fn every_directory_once_on_any_number_of_threads() {
        let ground = tempfile::tempdir().unwrap();
        let mut expected = BTreeSet::from([PathBuf::new()]);
        for one in 0..20 {
            for two in 0..one {
                let path = PathBuf::from(format!("d{one}/é {two}/x"));
                fs::create_dir_all(ground.path().join(&path)).unwrap();
                expected.extend(path.ancestors().map(Path::to_owned));
            }
        }
        fs::create_dir_all(ground.path().join("left-out/in it")).unwrap();
        fs::create_dir_all(ground.path().join("d1/below")).unwrap();
        fs::write(ground.path().join("d1/stop"), "").unwrap();
        expected.retain(|path| !path.starts_with("d1") || path == Path::new("d1"));
        symlink("..", ground.path().join("d2/loop")).unwrap();
        for threads in [1, 2, 8] {
            assert_eq!(visited(ground.path(), threads), (expected.clone(), 0), "{threads} threads");
        }
    }

    #[test]
    fn depth_has_a_bound() {
        let ground = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 3).collect();
        fs::create_dir_all(ground.path().join(deep)).unwrap();
        let (seen, deep) = visited(ground.path(), 3);
        assert_eq!((seen.len(), deep), (MAX_DEPTH + 1, 1));
    }
}
