//! Many environments at once: all that lie below some directories, each with what is wrong with it.
//!
//! Three things happen side by side: directories are gone through ([`hunt`]), what turns out to be an environment is
//! looked at as `check` does ([`look`]), and the caller is shown each as soon as it is known. Outside of environments
//! nothing but names is read; in them every entry is. Nothing is kept between two runs: what is shown is what is there.
//!
//! It only reads. On behalf of others (root's view over many homes) it follows none of their links.

pub mod filter;
mod hunt;
mod look;
pub mod roots;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime};

use crate::diagnose::finding::{Finding, Status, status};
use crate::host::traverse::Borders;
use crate::inspect::summary::Summary;
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use crate::model::prefix::Prefix;
use crate::progress::{Event, Progress};
use crate::store::config::Ignored;

pub use look::{Look, look};
pub use roots::{Root, RootError};

/// How often the numbers are told while nothing is found.
const TICK: Duration = Duration::from_millis(100);

/// What is to be gone through.
#[derive(Debug)]
pub struct Request {
    /// The directories; none lies in another.
    pub roots: Vec<Root>,
    /// Whether to go on into other file systems.
    pub borders: Borders,
    /// What the user never wants to be looked into.
    pub ignored: Ignored,
}

/// An environment that was found.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub prefix: Prefix,
    /// Whose home it was found in, in root's view.
    pub user: Option<String>,
    /// The link or `.venv` file that led there, where it was found in no other way.
    pub through: Option<PathBuf>,
    /// The few facts that fit on a line; `None` where a heal was cut off and nothing stands there.
    pub summary: Option<Summary>,
    /// What is wrong with it, the worst first.
    pub findings: Vec<Finding>,
    /// When it was last activated or run, as far as that is known.
    pub last_used: Option<SystemTime>,
}

impl Found {
    /// The worst of the findings.
    pub fn status(&self) -> Status {
        status(&self.findings)
    }

    /// When it was last in use as far as anything tells: activated, run, or changed.
    pub fn last_sign(&self) -> Option<SystemTime> {
        self.last_used.into_iter().chain(self.summary.as_ref().map(|summary| summary.changed)).max()
    }
}

/// A link or a `.venv` file that leads to no environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Where it is.
    pub path: PathBuf,
    /// In words.
    pub why: String,
}

/// What was gone through, and what was not.
#[derive(Debug, Default)]
pub struct Tally {
    /// Directories that were listed, those in environments left out.
    pub directories: usize,
    /// Entries that were seen, those in environments included.
    pub entries: usize,
    /// Places that could not be looked into, with the reason.
    pub refused: Places,
    /// Where other file systems begin that were left out.
    pub borders: Places,
    /// Links and `.venv` files that lead to no environment.
    pub strays: Vec<Stray>,
    /// Kept old trees whose environment is gone: what `remove` and `move` set aside.
    pub remains: Places,
}

/// Some places: how many, and the first of them.
#[derive(Debug, Default)]
pub struct Places {
    /// How many there are.
    pub count: usize,
    /// The first [`Places::SHOWN`], in order of path.
    pub shown: Vec<PathBuf>,
}

impl Places {
    /// How many are named.
    pub const SHOWN: usize = 10;

    /// Which come first is left to no thread's luck: the smallest paths stay.
    fn add(&mut self, path: PathBuf) {
        self.count += 1;
        let at = self.shown.partition_point(|other| *other < path);
        if at < Self::SHOWN {
            self.shown.insert(at, path);
            self.shown.truncate(Self::SHOWN);
        }
    }
}

/// What the threads put together.
#[derive(Debug, Default)]
struct Counts {
    directories: AtomicUsize,
    entries: AtomicUsize,
    rest: Mutex<Tally>,
}

impl Counts {
    fn note(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.rest.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tally(self) -> Tally {
        let mut tally = self.rest.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.directories = self.directories.into_inner();
        tally.entries = self.entries.into_inner();
        tally.strays.sort_unstable();
        tally
    }
}

/// Where an environment is to be looked at, and by which way it was found.
#[derive(Debug)]
struct Target {
    prefix: Prefix,
    /// Number of the root, which says on whose behalf.
    root: usize,
    through: Option<PathBuf>,
}

/// Finds every environment below the roots and shows each to `show` as soon as it was looked at; says in the end what
/// was gone through.
pub fn scan(
    request: &Request,
    caller: &Caller,
    (interrupt, progress): (&Interrupt, Progress<'_>),
    show: &mut dyn FnMut(Found),
) -> Tally {
    let counts = Counts::default();
    let (targets, waiting) = mpsc::channel();
    let (looked_at, found) = mpsc::channel();
    std::thread::scope(|scope| {
        let (counts, waiting) = (&counts, Mutex::new(waiting));
        scope.spawn(move || hunt::hunt(request, counts, interrupt, &targets));
        scope.spawn(move || look::all(request, caller, counts, (&waiting, &looked_at)));
        loop {
            match found.recv_timeout(TICK) {
                Ok(one) => show(one),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            progress.tell(Event::Scanned { entries: counts.entries.load(Ordering::Relaxed) });
        }
    });
    counts.tally()
}
