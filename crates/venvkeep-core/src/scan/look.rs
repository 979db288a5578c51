//! A look at one environment, as `check` has it, of which only what fits on a few lines is kept.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Counts, Found, Request, Target};
use crate::diagnose::finding::Finding;
use crate::diagnose::{absent, diagnose};
use crate::host::credentials;
use crate::host::fs::IoError;
use crate::inspect::snapshot::Snapshot;
use crate::inspect::summary::Summary;
use crate::inspect::{inspect, siblings};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
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

/// Looks at one environment on behalf of `viewer`. Where nothing stands, what lies beside it may tell why.
pub fn look(prefix: &Prefix, viewer: &Viewer) -> Result<Look, IoError> {
    match inspect(prefix, viewer) {
        Ok(snapshot) => {
            let findings = diagnose(&snapshot, &credentials::user_name);
            Ok(Look { snapshot: Some(snapshot), findings })
        }
        Err(error) => match absent(&siblings(prefix)) {
            Some(finding) if error.is_missing() => Ok(Look { snapshot: None, findings: vec![finding] }),
            _ => Err(error),
        },
    }
}

/// Looks at all that comes, on as many threads as there are cores, each of which holds the facts of one environment at a
/// time. Environments inside of others are found by the walk that looks at those.
pub(super) fn all(
    request: &Request,
    caller: &Caller,
    counts: &Counts,
    (waiting, looked_at): (&Mutex<mpsc::Receiver<Target>>, &mpsc::Sender<Found>),
) {
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            let looked_at = looked_at.clone();
            scope.spawn(move |_| {
                while let Some(target) = next(waiting) {
                    let mut pending = vec![target];
                    while let Some(target) = pending.pop() {
                        let (found, inside) = one(target, request, caller, counts);
                        pending.extend(inside);
                        if let Some(found) = found {
                            // Nobody listens any more only where the program ends.
                            let _ = looked_at.send(found);
                        }
                    }
                }
            });
        }
    });
}

fn next(waiting: &Mutex<mpsc::Receiver<Target>>) -> Option<Target> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn one(target: Target, request: &Request, caller: &Caller, counts: &Counts) -> (Option<Found>, Vec<Target>) {
    let Target { prefix, root, through } = target;
    let on_behalf = &request.roots[root];
    let look = match look(&prefix, &on_behalf.viewer) {
        Ok(look) => look,
        // It went away between being found and being looked at.
        Err(error) if error.is_missing() => return (None, Vec::new()),
        Err(_) => {
            counts.note(|tally| tally.refused.add(prefix.path().to_owned()));
            return (None, Vec::new());
        }
    };
    let mut inside = Vec::new();
    if let Some(snapshot) = &look.snapshot {
        counts.entries.fetch_add(snapshot.tree.len(), Ordering::Relaxed);
        let nested = nested(&snapshot.tree).into_iter();
        let nested = nested.filter_map(|path| Prefix::new(prefix.join(path)).ok());
        inside.extend(nested.map(|prefix| Target { prefix, root, through: None }));
        if !on_behalf.on_behalf {
            // Where none can be kept, `check` says why; here it would be said once for each.
            snapshots::refresh_in_place(caller, snapshot);
        }
    }
    let found = Found {
        last_used: used::last(&prefix, caller),
        summary: look.snapshot.as_ref().map(Summary::of),
        findings: look.findings,
        user: on_behalf.user.clone(),
        prefix,
        through,
    };
    (Some(found), inside)
}

/// Environments inside of an environment, relative to it: a project that is kept in it, conda's `envs`.
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
        .collect();
    nested.dedup();
    nested
}
