//! Many environments at once: all that lie below some directories, each with what is wrong with it.
//!
//! Three things happen side by side: directories are gone through (`hunt`), what turns out to be an environment is
//! looked at as `check` does (`look`), and the caller is shown each as soon as it is known. Outside of environments
//! nothing but names is read; in them every entry is. Nothing is kept between two runs: what is shown is what is there.
//!
//! It only reads. Root's view over many homes is had in each user's place, so that the kernel keeps it to what that user may
//! see, and no link of theirs leads root anywhere; their `.venv` links are named and not followed.

pub mod filter;
mod foreseen;
mod hunt;
mod look;
pub mod roots;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, SystemTime};

use crate::diagnose::finding::{Finding, Status, status};
use crate::host::credentials;
use crate::host::traverse::Borders;
use crate::inspect::summary::Summary;
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use crate::model::prefix::Prefix;
use crate::progress::{Event, Progress};
use crate::store::config::Ignored;

pub use foreseen::Foreseen;
pub use look::{Depth, Look, as_shared, look};
pub use roots::{Root, RootError};

/// How often the numbers are told while nothing is found.
const TICK: Duration = Duration::from_millis(100);

/// What is to be gone through.
#[derive(Debug)]
pub struct Request {
    /// The directories. Of those that one user looks at, none lies in another; homes of other users may.
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
    /// What a heal of it would stop for.
    pub foreseen: Foreseen,
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

/// A place that is worth a word, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Where it is.
    pub path: PathBuf,
    /// In words; empty where the kind of place says it all.
    pub why: String,
}

/// Some places: how many, and the first of them.
#[derive(Debug, Default)]
pub struct Places {
    /// How many there are.
    pub count: usize,
    /// The first [`Places::SHOWN`], in order of path.
    pub shown: Vec<Place>,
}

impl Places {
    /// How many are named.
    pub const SHOWN: usize = 10;

    /// Which come first is left to no thread's luck: the smallest paths stay.
    fn add(&mut self, path: PathBuf, why: impl Into<String>) {
        self.count += 1;
        let place = Place { path, why: why.into() };
        let at = self.shown.partition_point(|other| *other < place);
        if at < Self::SHOWN {
            self.shown.insert(at, place);
            self.shown.truncate(Self::SHOWN);
        }
    }
}

/// What was gone through, and what was not.
#[derive(Debug, Default)]
pub struct Tally {
    /// Directories that were listed, those in environments left out.
    pub directories: usize,
    /// Entries that were seen, those in environments included.
    pub entries: usize,
    /// Places that could not be looked into.
    pub refused: Places,
    /// Where other file systems begin that were left out.
    pub borders: Places,
    /// Links and `.venv` files that lead to no environment.
    pub strays: Places,
    /// Kept old trees whose environment is gone: what `remove` and `move` set aside.
    pub remains: Places,
}

/// What the threads put together.
#[derive(Debug, Default)]
struct Counts {
    directories: AtomicUsize,
    entries: AtomicUsize,
    rest: Mutex<Tally>,
    /// Every environment that was found, so that none is looked at twice, whatever ways lead there.
    seen: Mutex<BTreeSet<PathBuf>>,
    /// Links and `.venv` files, which are followed in the end.
    leads: Mutex<Vec<PathBuf>>,
}

impl Counts {
    fn note(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.rest.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn is_new(&self, path: &Path) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned())
    }

    fn tally(self) -> Tally {
        let mut tally = self.rest.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.directories = self.directories.into_inner();
        tally.entries = self.entries.into_inner();
        tally
    }
}

/// Where an environment is to be looked at, and by which way it was found.
#[derive(Debug)]
struct Target {
    prefix: Prefix,
    through: Option<PathBuf>,
}

/// What is gone through in one go: the roots that are looked at by one and the same user.
struct Party<'a> {
    request: &'a Request,
    roots: Vec<&'a Root>,
    caller: &'a Caller,
    counts: &'a Counts,
    interrupt: &'a Interrupt,
}

impl Party<'_> {
    /// All of its roots have the same.
    fn root(&self) -> &Root {
        self.roots[0]
    }
}

/// Finds every environment below the roots and shows each to `show` as soon as it was looked at; says in the end what
/// was gone through. Homes of other users are gone through one after the other, each in its user's place.
pub fn scan(
    request: &Request,
    caller: &Caller,
    (interrupt, progress): (&Interrupt, Progress<'_>),
    show: &mut dyn FnMut(Found),
) -> Tally {
    credentials::allow_open_files();
    let counts = Counts::default();
    let party = |roots| Party { request, roots, caller, counts: &counts, interrupt };
    let (others, own): (Vec<&Root>, Vec<&Root>) = request.roots.iter().partition(|root| root.on_behalf);
    if !own.is_empty() {
        go_through(&party(own), progress, show);
    }
    for root in others {
        match credentials::in_place_of(&root.viewer) {
            Ok(_in_place) => go_through(&party(vec![root]), progress, show),
            Err(error) => counts.note(|tally| tally.refused.add(root.path.clone(), error.to_string())),
        }
    }
    counts.tally()
}

fn go_through(party: &Party<'_>, progress: Progress<'_>, show: &mut dyn FnMut(Found)) {
    let (targets, waiting) = mpsc::channel();
    let (looked_at, found) = mpsc::channel();
    // Each channel ends with the thread that takes its sender.
    let (targets, looked_at) = (Mutex::new(Some(targets)), Mutex::new(Some(looked_at)));
    let hunting = || {
        if let Some(targets) = taken(&targets) {
            hunt::hunt(party, &targets);
        }
    };
    let waiting = Mutex::new(waiting);
    let looking = || {
        if let Some(looked_at) = taken(&looked_at) {
            look::all(party, &waiting, &looked_at);
        }
    };
    std::thread::scope(|scope| {
        for work in [&hunting as &(dyn Fn() + Sync), &looking] {
            // Where no more threads are to be had, one thing is done after the other.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                work();
            }
        }
        loop {
            match found.recv_timeout(TICK) {
                Ok(one) => show(one),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            progress.tell(Event::Scanned { entries: party.counts.entries.load(Ordering::Relaxed) });
        }
    });
    // What was found in no other way is looked at after all else.
    for target in hunt::followed(party) {
        look::with_inner(target, party, &mut |one| show(one));
    }
}

fn taken<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}
