//! Healing to another place: for what cannot be moved aside (a mount point, a layer of a container image, a directory
//! of root's), and for whoever wants a second environment. The old one is left alone.

use std::path::{Path, PathBuf};

use super::{Heal, HealError, Known, pass_on};
use crate::host::fs;
use crate::model::prefix::{Prefix, PrefixError};
use crate::new::Around;
use crate::new::place::{UnusablePath, usable};
use crate::report::{Outcome, Report};
use crate::swap::{self, Journal};
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
    #[error("{} lies inside the environment that is to be healed", .path.display())]
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
    /// The root directory.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
}

/// Builds the new environment at `path`, also when nothing is wrong with the old one.
pub(super) fn heal_to(heal: &Heal<'_>, known: Known, path: &Path) -> Result<Report, HealError> {
    let Some((mut plan, tools)) = heal.decide(&known)? else {
        return Ok(Report::new(heal.request.prefix.clone(), Outcome::Healthy, known.findings));
    };
    let (prefix, mut around) = free_place(path, heal.request.prefix)?;
    plan.prefix = prefix.clone();
    let mut journal = Journal::open(&prefix)?;
    let Known { snapshot: old, findings, .. } = known;
    let standing = pass_on::standing(&old, heal.caller);
    let (verified, new, mut report) = heal.build(&plan, &tools, (&old, findings), &mut journal)?;
    heal.stop_if_asked()?;
    let placed = swap::place(verified, journal)?;
    if let Err(why) = verify::start(&prefix, &tools.base, heal.interrupt) {
        placed.take_back()?;
        return Err(HealError::DidNotHold(why));
    }
    placed.settle();
    around.keep();
    report.built_from = Some(old.prefix.path().to_owned());
    pass_on::pass_on(&mut report, standing, heal.caller);
    Ok(heal.look_again(report, new, &tools))
}

/// The place, with the directories above it made; they go again unless the environment comes to be.
fn free_place(path: &Path, old: &Prefix) -> Result<(Prefix, Around), HealError> {
    usable(path).map_err(|why| ElsewhereError::Unusable { path: path.to_owned(), why })?;
    if path.starts_with(old.path()) {
        return Err(ElsewhereError::Inside { path: path.to_owned() }.into());
    }
    insist_on_free(path)?;
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
