//! A healthy environment once more, at another place: `clone` and `move`.
//!
//! It is a heal to another place that takes everything from the environment as it is, by the same interpreter, and has
//! paths name the new place. A move sets the old one aside as soon as the new one is in its place.

use std::path::{Path, PathBuf};

use super::{Extent, Heal, HealError, Known, NewPlace, Request, elsewhere};
use crate::diagnose::diagnose;
use crate::diagnose::finding::Severity;
use crate::git_exclude;
use crate::host::credentials;
use crate::host::fs;
use crate::host::running;
use crate::inspect::beside;
use crate::inspect::snapshot::Sibling;
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use crate::model::prefix::Prefix;
use crate::model::siblings::is_journal;
use crate::plan::{ListOrigin, Network, OwnerTrust, SourceWish, WhenHealthy, Wishes, hostile};
use crate::progress::Progress;
use crate::report::{Outcome, Report};
use crate::store::default::{self, DefaultError};
use crate::store::registry;
use crate::swap::{self, Journal};

/// What is wanted.
#[derive(Debug)]
pub struct CopyRequest<'a> {
    /// The environment.
    pub prefix: &'a Prefix,
    /// Where the new one goes: absolute, without `..`, and free.
    pub to: &'a Path,
    /// What becomes of it.
    pub original: Original,
}

/// What becomes of the environment that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// It stays: a clone.
    Stays,
    /// It is set aside and kept, as the old tree of a heal: a move.
    SetAside,
}

/// Why an environment is neither copied nor moved. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Something is wrong with it that a copy would have as well.
    #[error("{} is broken: {why}", .prefix.display())]
    Broken {
        /// The environment.
        prefix: PathBuf,
        /// The worst of it, in words.
        why: String,
    },
    /// Somebody else could have written it.
    #[error("{} {why}", .prefix.display())]
    Hostile {
        /// The environment.
        prefix: PathBuf,
        /// In words.
        why: String,
    },
    /// Its own interpreter cannot be used, and what is installed is for that one.
    #[error("the Python of {} cannot be used as it is", .prefix.display())]
    OtherInterpreter {
        /// The environment.
        prefix: PathBuf,
    },
}

/// Copies one environment.
pub fn copy(
    request: &CopyRequest<'_>,
    caller: &Caller,
    interrupt: &Interrupt,
    progress: Progress<'_>,
) -> Result<Report, HealError> {
    let inner = Request {
        prefix: request.prefix,
        wishes: wishes(),
        list: None,
        python: None,
        extent: Extent::Whole,
        place: NewPlace::Elsewhere(request.to),
    };
    let heal = Heal { request: &inner, caller, interrupt, progress };
    heal.insist_on_safe_way()?;
    if request.original == Original::SetAside && beside::is_unsettled(request.prefix) {
        // A move that was cut off may be as good as done.
        settle_target(request.to);
        drop(swap::lock(request.prefix)?);
    }
    elsewhere::insist_on_fit(request.to, request.prefix)?;
    if request.original == Original::Stays && beside::has_journal(request.prefix) {
        settle_source(request.prefix)?;
    }
    if request.original == Original::Stays {
        let mut report = elsewhere::heal_to(&heal, sound(&heal)?, request.to, None)?;
        say(&mut report, Outcome::Cloned);
        return Ok(report);
    }
    // Between two renames there is nothing to look at yet.
    if fs::lstat_if_any(request.prefix.path())?.is_some() {
        drop(sound(&heal)?);
    }
    let mut journal = swap::lock(request.prefix)?;
    // With the lock, what an interrupted run left is settled; then the environment may be another one.
    let known = sound(&heal)?;
    swap::insist_on_movable(&mut journal)?;
    let excluded = git_exclude::keep_out(request.prefix, &caller.viewer);
    let running = running::using(request.prefix.path(), &caller.viewer);
    let moved = elsewhere::heal_to(&heal, known, request.to, Some(journal));
    git_exclude::tidy(request.prefix, &caller.viewer);
    let mut report = super::noting(moved?, &excluded, &running);
    let of_default = moved_away(request.prefix, &report.prefix, caller);
    report.remarks.extend(of_default);
    say(&mut report, Outcome::Moved);
    Ok(report)
}

/// What the user calls the environment goes along to its new place, and that it is the default; what is to be said of
/// that.
pub fn moved_away(from: &Prefix, to: &Prefix, caller: &Caller) -> Option<String> {
    // A name is a convenience, and nothing to fail for.
    let _ = registry::note_move(from, to, caller);
    match default::hand_on(from, to, caller) {
        Ok(true) => Some("it is still the environment that new shells start with".to_owned()),
        Ok(false) | Err(DefaultError::NoHome) => None,
        Err(error) => Some(format!("new shells may start with the environment at the old place: {error}")),
    }
}

/// Which tree an interrupted heal leaves at the place is settled before that is copied.
fn settle_source(prefix: &Prefix) -> Result<(), HealError> {
    if fs::may_write(prefix.parent()) {
        drop(swap::lock(prefix)?);
        return Ok(());
    }
    let why = "a heal of it was cut off, or is at work right now".to_owned();
    Err(CopyError::Broken { prefix: prefix.path().to_owned(), why }.into())
}

/// What lies beside the new place goes, where it can be settled now.
fn settle_target(to: &Path) {
    let (Some(parent), Some(name)) = (to.parent(), to.file_name()) else { return };
    let prefix = fs::physical(parent).ok().and_then(|parent| Prefix::new(parent.join(name)).ok());
    if let Some(prefix) = prefix.filter(beside::is_unsettled) {
        // Who cannot have the lock is told so when it is asked for again.
        let _ = Journal::open(&prefix);
    }
}

fn wishes() -> Wishes {
    Wishes {
        when_healthy: WhenHealthy::Rebuild,
        owner_trust: OwnerTrust::Required,
        list: ListOrigin::Environment,
        sources: SourceWish::AsItIs,
        network: Network::Offline,
        skip: Vec::new(),
        sharing: None,
    }
}

fn say(report: &mut Report, done: Outcome) {
    if report.outcome == Outcome::Healed {
        report.outcome = done;
    }
}

/// What there is to copy: nothing of it is broken, and nobody but root and the user could have written it.
fn sound(heal: &Heal<'_>) -> Result<Known, HealError> {
    let mut known = heal.look()?;
    let is_own = |beside: &Sibling| matches!(beside, Sibling::Interrupted(path) if is_journal(path));
    known.snapshot.siblings.retain(|beside| !is_own(beside));
    known.findings = diagnose(&known.snapshot, &credentials::user_name);
    heal.insist_on_unmanaged(&known)?;
    let prefix = known.snapshot.prefix.path().to_owned();
    if let Some(worst) = known.findings.iter().find(|finding| finding.severity == Severity::Broken) {
        return Err(CopyError::Broken { prefix, why: worst.message.clone() }.into());
    }
    match hostile(&known.snapshot, &credentials::user_name) {
        Some(hostile) => Err(CopyError::Hostile { prefix, why: hostile.to_string() }.into()),
        None => Ok(known),
    }
}
