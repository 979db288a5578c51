//! What others and the shell may do with the new environment, as they might with the old one.
//!
//! A heal must not launder: an environment that came with a clone or an archive is the user's by its owner, and its
//! heal says nothing of whether the user trusts what is in it. Trust passes on only from one that was trusted, or that
//! root made.

use std::path::Path;

use crate::host::credentials;
use crate::inspect::snapshot::Snapshot;
use crate::model::caller::Caller;
use crate::model::owner::ROOT;
use crate::model::sharing::Sharing;
use crate::model::tree::Tree;
use crate::plan::hostile;
use crate::report::{Report, ShellTrust};
use crate::store::trust::{self, TrustError};

/// Whom the old environment is for. A stranger's word counts for nothing.
pub(super) fn sharing(old: &Snapshot) -> Sharing {
    let (sharing, root) = (old.sharing(), old.tree.facts(Tree::ROOT));
    let is_believed = match &sharing {
        Sharing::AsUsual => true,
        Sharing::Everyone => hostile(old, &credentials::user_name).is_none(),
        Sharing::Group(name) => trust::is_groups(name, root, &old.viewer),
    };
    if is_believed { sharing } else { Sharing::AsUsual }
}

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
        // Of one that a group may write the user could say nothing that would be heard.
        Standing::Unknown => Some(match trust::objection(&report.prefix, &caller.viewer) {
            Ok(Some(why)) => ShellTrust::Refused(why.to_string()),
            _ => ShellTrust::NotGiven,
        }),
        Standing::Sound => match trust::trust(&report.prefix, caller) {
            Ok(_) => Some(ShellTrust::PassedOn),
            // Nothing that the user could do about it.
            Err(TrustError::ForRoot | TrustError::NoStateDirectory) => None,
            Err(why) => Some(ShellTrust::Refused(why.to_string())),
        },
    };
}
