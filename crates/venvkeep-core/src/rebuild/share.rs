//! Giving an environment that was just built the modes that others need, now and for what is installed later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::host::fs::{IoError, set_mode};
use crate::host::{credentials, sharing as host};
use crate::model::facts::Kind;
use crate::model::owner::Viewer;
use crate::model::sharing::Sharing;
use crate::model::tree::{EntryId, Tree};

/// Whether what is installed later will be for the others, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// Whatever the umask, as far as the installer leaves modes alone.
    Kept,
    /// As the umask has it: this file system keeps no default access control lists.
    UpToUmask,
}

impl Later {
    /// What is to be said of it.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Kept => None,
            Self::UpToUmask => Some(
                "this file system keeps no default modes: install into it with umask 022 (umask 002 for a group)",
            ),
        }
    }
}

/// Why a group cannot be given a part in an environment.
#[derive(Debug, thiserror::Error)]
#[error("the group {group} cannot share it: {why}")]
pub struct NoGroup {
    /// As typed.
    group: String,
    /// In words.
    why: &'static str,
}

/// Only a member can give something to a group.
pub fn insist_on_group(sharing: &Sharing, viewer: &Viewer) -> Result<(), NoGroup> {
    let Sharing::Group(group) = sharing else { return Ok(()) };
    let why = match credentials::group_number(group) {
        None => "there is no such group",
        Some(gid) if !viewer.is_root() && !viewer.groups.contains(&gid) => "you are not in it",
        Some(_) => return Ok(()),
    };
    Err(NoGroup { group: group.clone(), why })
}

/// Opens a stage, which nobody else can enter yet, to those that it is for; `tree` is what is in it, and follows. What
/// the owner keeps in it for themselves (`keepsakes`) stays as it is.
pub fn share(
    directory: &Path,
    tree: &mut Tree,
    sharing: &Sharing,
    keepsakes: &BTreeSet<EntryId>,
) -> Result<Later, IoError> {
    let group = match sharing {
        Sharing::Group(name) => credentials::group_number(name),
        Sharing::AsUsual | Sharing::Everyone => None,
    };
    let mut later = Later::Kept;
    // The stage itself comes last: until then it is closed.
    let mut ids: Vec<_> = tree.ids().filter(|id| *id != Tree::ROOT && !keepsakes.contains(id)).collect();
    ids.push(Tree::ROOT);
    for id in ids {
        let relative = if id == Tree::ROOT { PathBuf::new() } else { tree.path(id) };
        let facts = *tree.facts(id);
        let Some(mode) = sharing.mode(&relative, &facts) else { continue };
        let path = directory.join(&relative);
        if let Some(gid) = group.filter(|gid| *gid != facts.gid) {
            host::set_group(&path, gid)?;
            tree.set_group(id, gid);
        }
        if mode != facts.mode || group.is_some() {
            set_mode(&path, mode)?;
            tree.set_mode(id, mode);
        }
        if facts.kind == Kind::Directory && id != Tree::ROOT && !host::set_default_mode(&path, mode)? {
            later = Later::UpToUmask;
        }
    }
    Ok(later)
}
