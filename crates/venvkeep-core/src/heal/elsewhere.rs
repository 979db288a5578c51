//! Healing to another place: for what cannot be moved aside (a mount point, a layer of a container image, a directory
//! of root's), and for whoever wants a second environment. The old one is left alone.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::copy::CopyError;
use super::{Heal, HealError, Known, pass_on};
use crate::host::fs;
use crate::inspect::beside;
use crate::model::naming::name_of;
use crate::model::prefix::{Prefix, PrefixError};
use crate::new::Around;
use crate::new::place::{UnusablePath, usable};
use crate::plan::{BaseChoice, Taking};
use crate::progress::{Event, Stage as Step};
use crate::report::{Outcome, Report};
use crate::swap::{self, Journal, Leaving};
use crate::verify;

/// Why the new environment cannot go where it was wanted. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    /// Something stands there.
    #[error("{} is taken", .path.display())]
    Taken {
        /// The place.
        path: PathBuf,
    },
    /// It would lie inside the environment that it is built from.
    #[error("{} lies inside the environment itself", .path.display())]
    Inside {
        /// The place.
        path: PathBuf,
    },
    /// No environment could work there.
    #[error("cannot make an environment at {}: {why}", .path.display())]
    Unusable {
        /// The place.
        path: PathBuf,
        /// Why.
        why: UnusablePath,
    },
    /// Its directories cannot be made, or it not in them.
    #[error("you may not write in {}", .directory.display())]
    Unwritable {
        /// The nearest directory that is there.
        directory: PathBuf,
    },
    /// The root directory.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
}

/// Builds the new environment at `path`, also when nothing is wrong with the old one. With the journal of that one it
/// is left for the new one, and kept.
pub(super) fn heal_to(
    heal: &Heal<'_>,
    known: Known,
    path: &Path,
    leaving: Option<Journal>,
) -> Result<Report, HealError> {
    let Some((mut plan, tools)) = heal.decide(&known)? else {
        return Ok(Report::new(heal.request.prefix.clone(), Outcome::Healthy, known.findings));
    };
    if plan.taking == Taking::AsItIs && plan.choice != BaseChoice::Same {
        return Err(CopyError::OtherInterpreter { prefix: known.snapshot.prefix.path().to_owned() }.into());
    }
    let (prefix, mut around) = free_place(path, heal.request.prefix)?;
    plan.prefix = prefix.clone();
    if plan.taking == Taking::AsItIs {
        plan.prompt = prompt(plan.prompt, heal.request.prefix, &prefix);
    }
    let mut journal = Journal::open(&prefix)?;
    let Known { snapshot: old, findings, .. } = known;
    let standing = pass_on::standing(&old, heal.caller);
    let (verified, new, mut report) = heal.build(&plan, &tools, (&old, findings), &mut journal)?;
    heal.stop_if_asked()?;
    heal.progress.tell(Event::Begin(Step::Swap));
    let time = beside::stamp(SystemTime::now());
    let leaving = leaving.map(|journal| swap::leave(journal, &old.tree, (&verified, &prefix), &time));
    let leaving = leaving.transpose()?;
    if leaving.is_none() && plan.taking == Taking::AsItIs {
        // Nobody is kept from writing into it, and half of what an installer did there would not be found in the copy.
        swap::insist_on_same(&old.prefix, &old.tree)?;
    }
    let placed = swap::place(verified, journal)?;
    let started = verify::start(&prefix, &tools.base, heal.interrupt).map_err(HealError::DidNotHold);
    let left = started.and_then(|()| Ok(leaving.as_ref().map(Leaving::finish).transpose()?));
    match left {
        Ok(kept) => report.old = kept,
        Err(why) => {
            // First of all: the new one may not go, and the old one is the good one.
            if let Some(leaving) = leaving {
                leaving.give_up();
            }
            placed.take_back()?;
            return Err(why);
        }
    }
    placed.settle();
    around.keep();
    report.built_from = Some(old.prefix.path().to_owned());
    pass_on::pass_on(&mut report, standing, heal.caller);
    Ok(heal.look_again(report, new, &tools))
}

/// A prompt that is the old place's name becomes the new one's; one that somebody chose stays.
fn prompt(old: Option<String>, from: &Prefix, to: &Prefix) -> Option<String> {
    if old.is_some() && old == name_of(from.path()) { name_of(to.path()) } else { old }
}

/// An environment could stand there, and none does.
pub(super) fn insist_on_fit(path: &Path, old: &Prefix) -> Result<(), HealError> {
    usable(path).map_err(|why| ElsewhereError::Unusable { path: path.to_owned(), why })?;
    if path != old.path() && path.starts_with(old.path()) {
        return Err(ElsewhereError::Inside { path: path.to_owned() }.into());
    }
    insist_on_free(path)?;
    match path.ancestors().skip(1).find(|above| fs::stat(above).is_ok()) {
        Some(nearest) if !fs::may_write(nearest) => {
            Err(ElsewhereError::Unwritable { directory: nearest.to_owned() }.into())
        }
        _ => Ok(()),
    }
}

/// The place, with the directories above it made; they go again unless the environment comes to be.
fn free_place(path: &Path, old: &Prefix) -> Result<(Prefix, Around), HealError> {
    insist_on_fit(path, old)?;
    let around = Around::make(path)?;
    let parent = fs::physical(path.parent().unwrap_or(path))?;
    let prefix =
        Prefix::new(parent.join(path.file_name().unwrap_or_default())).map_err(ElsewhereError::from)?;
    if prefix.path().starts_with(old.path()) {
        return Err(ElsewhereError::Inside { path: prefix.path().to_owned() }.into());
    }
    Ok((prefix, around))
}

fn insist_on_free(path: &Path) -> Result<(), HealError> {
    match fs::lstat_if_any(path) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(ElsewhereError::Taken { path: path.to_owned() }.into()),
        Err(error) => Err(error.into()),
    }
}
