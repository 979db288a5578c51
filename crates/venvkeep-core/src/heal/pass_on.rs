//! Whether the shell may activate the new environment by itself, as it might the old one.
//!
//! A heal must not launder: an environment that came with a clone or an archive is the user's by its owner, and its
//! heal says nothing of whether the user trusts what is in it. Trust passes on only from one that was trusted, or that
//! root made.

use std::path::Path;

use crate::host::credentials;
use crate::inspect::snapshot::Snapshot;
use crate::model::caller::Caller;
use crate::model::owner::ROOT;
use crate::model::tree::Tree;
use crate::plan::hostile;
use crate::report::{Report, ShellTrust};
use crate::store::trust::{self, TrustError};

/// What the old environment was to the user's shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Trusted, or root's and nobody else could write it.
    Sound,
    /// Anything else.
    Unknown,
}

/// To be asked before the old environment is moved.
pub(super) fn standing(old: &Snapshot, caller: &Caller) -> Standing {
    let roots = |part: &str| match old.tree.find(Path::new(part)) {
        Some(id) => old.tree.facts(id).uid == ROOT,
        None => true,
    };
    let is_roots = old.tree.facts(Tree::ROOT).uid == ROOT && roots("bin") && roots("pyvenv.cfg");
    let is_sound = hostile(old, &credentials::user_name).is_none()
        && (is_roots || trust::record_of(&old.prefix, caller).is_some());
    if is_sound { Standing::Sound } else { Standing::Unknown }
}

/// Passes the trust on to the environment of the report, which is in its place. The old tree keeps its own record, so
/// that it is what it was when `undo` brings it back.
pub(super) fn pass_on(report: &mut Report, old: Standing, caller: &Caller) {
    report.shell_trust = match old {
        Standing::Unknown if caller.viewer.is_root() => None,
        Standing::Unknown => Some(ShellTrust::NotGiven),
        Standing::Sound => match trust::trust(&report.prefix, caller) {
            Ok(_) => Some(ShellTrust::PassedOn),
            // Nothing that the user could do about it.
            Err(TrustError::ForRoot | TrustError::NoStateDirectory) => None,
            Err(why) => Some(ShellTrust::Refused(why.to_string())),
        },
    };
}
