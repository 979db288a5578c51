//! A look at one environment, as `check` has it, of which only what fits on a few lines is kept.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Foreseen, Found, Party, Target};
use crate::diagnose::finding::Finding;
use crate::diagnose::managed::leave_to_conda;
use crate::diagnose::sharing::{closed_above, closed_to_everyone};
use crate::diagnose::{absent, diagnose};
use crate::host::credentials;
use crate::host::fs::{self, IoError};
use crate::inspect::snapshot::Snapshot;
use crate::inspect::summary::Summary;
use crate::inspect::{deep, inspect, siblings};
use crate::model::facts::Kind;
use crate::model::owner::{ROOT, Viewer};
use crate::model::prefix::Prefix;
use crate::model::sharing::Sharing;
use crate::model::siblings;
use crate::model::tree::Tree;
use crate::store::{snapshots, used};

/// What was found out about one environment.
#[derive(Debug)]
pub struct Look {
    /// Its facts; `None` where a heal was cut off and nothing stands there.
    pub snapshot: Option<Snapshot>,
    /// What is wrong with it, the worst first.
    pub findings: Vec<Finding>,
}

/// How closely an environment is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Owners, modes, sizes, metadata.
    Usual,
    /// Every file against its recorded hash, too.
    EveryByte,
}

/// Looks at one environment on behalf of `viewer`. Where nothing stands, what lies beside it may tell why.
pub fn look(prefix: &Prefix, viewer: &Viewer, depth: Depth) -> Result<Look, IoError> {
    match inspect(prefix, viewer) {
        Ok(mut snapshot) => {
            if depth == Depth::EveryByte {
                deep::compare_content(&mut snapshot);
            }
            let mut findings = diagnose(&snapshot, &credentials::user_name);
            leave_to_conda(&mut findings, &snapshot);
            if snapshot.sharing() == Sharing::Everyone {
                findings.extend(shut(&snapshot));
                findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            }
            Ok(Look { snapshot: Some(snapshot), findings })
        }
        Err(error) => match absent(&siblings(prefix)) {
            Some(finding) if error.is_missing() => Ok(Look { snapshot: None, findings: vec![finding] }),
            _ => Err(error),
        },
    }
}

/// A directory above it that others cannot pass.
fn shut(snapshot: &Snapshot) -> Option<Finding> {
    let directory = fs::shut_above(snapshot.prefix.path())?;
    let owner = fs::stat(&directory).map_or(ROOT, |facts| facts.uid);
    Some(closed_above(snapshot, &directory, owner))
}

/// Finds what everybody else cannot have of an environment, also where it does not say that it is for them.
pub fn as_shared(look: &mut Look) {
    let Some(snapshot) = &look.snapshot else { return };
    if snapshot.sharing().is_shared() {
        return;
    }
    look.findings.extend(closed_to_everyone(snapshot, &credentials::user_name));
    look.findings.extend(shut(snapshot));
    look.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

/// Looks at all that comes, on as many threads as there are cores, each of which holds the facts of one environment at a
/// time.
pub(super) fn all(
    party: &Party<'_>,
    waiting: &Mutex<mpsc::Receiver<Target>>,
    looked_at: &mpsc::Sender<Found>,
) {
    let work = || {
        let looked_at = looked_at.clone();
        let looking = || {
            while let Some(target) = next(waiting) {
                // Nobody listens any more only where the program ends.
                with_inner(target, party, &mut |found| _ = looked_at.send(found));
            }
        };
        // Side by side are the environments; what is done for one of them would only wait for other threads.
        match rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build() {
            Ok(alone) => alone.install(looking),
            Err(_) => looking(),
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 1..cores {
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

fn next(waiting: &Mutex<mpsc::Receiver<Target>>) -> Option<Target> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Looks at one, and at the environments inside of it, which the walk that looks at it finds.
pub(super) fn with_inner(target: Target, party: &Party<'_>, show: &mut dyn FnMut(Found)) {
    let mut pending = vec![target];
    while let Some(target) = pending.pop() {
        if party.interrupt.requested() {
            return;
        }
        let (found, inside) = one(target, party);
        pending.extend(inside);
        if let Some(found) = found {
            show(found);
        }
    }
}

fn one(target: Target, party: &Party<'_>) -> (Option<Found>, Vec<Target>) {
    let Target { prefix, through } = target;
    let root = party.root();
    let look = match look(&prefix, &root.viewer, Depth::Usual) {
        Ok(look) => look,
        // It went away between being found and being looked at.
        Err(error) if error.is_missing() => return (None, Vec::new()),
        Err(error) => {
            party.counts.note(|tally| tally.refused.add(prefix.path().to_owned(), error.reason()));
            return (None, Vec::new());
        }
    };
    let mut inside = Vec::new();
    if let Some(snapshot) = &look.snapshot {
        party.counts.entries.fetch_add(snapshot.tree.len(), Ordering::Relaxed);
        let nested = nested(&snapshot.tree).into_iter().map(|path| prefix.join(path));
        let wanted = nested.filter(|path| !party.request.ignored.holds_any(path));
        inside.extend(wanted.filter_map(|path| party.target(&path, None)));
        if !root.on_behalf {
            // Where none can be kept, `check` says why; here it would be said once for each.
            snapshots::refresh_in_place(party.caller, snapshot);
        }
    }
    let foreseen = match &look.snapshot {
        Some(snapshot) if !root.on_behalf => Foreseen::of(snapshot, &look.findings, party.caller),
        _ => Foreseen::default(),
    };
    let last_used = if root.on_behalf { None } else { used::last(&prefix, party.caller) };
    let found = Found {
        last_used,
        summary: look.snapshot.as_ref().map(Summary::of),
        findings: look.findings,
        foreseen,
        user: root.user.clone(),
        prefix,
        through,
    };
    (Some(found), inside)
}

/// Environments inside of an environment, relative to it: a project that is kept in it, conda's `envs`. Kept trees and
/// stages are none.
fn nested(tree: &Tree) -> Vec<PathBuf> {
    let is_mark = |id| match tree.facts(id).kind {
        Kind::Directory => tree.name(id) == "conda-meta",
        _ => tree.name(id) == "pyvenv.cfg",
    };
    let has = |directory, name: &str| tree.child(directory, OsStr::new(name)).is_some();
    let marked = tree.ids().filter(|&id| is_mark(id)).map(|id| tree.parent(id));
    let mut nested: Vec<PathBuf> = marked
        .filter(|&id| id != Tree::ROOT && (has(id, "bin") || has(id, "lib")))
        .map(|id| tree.path(id))
        .filter(|path| !path.iter().any(siblings::is_ours))
        .collect();
    nested.dedup();
    nested
}
