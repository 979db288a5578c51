//! Read-only facts about one environment: everything that can be known without executing anything of it.
//!
//! [`inspect`] takes one walk and compares every RECORD with it; [`installed`] reads only what a frozen list needs;
//! [`renamed`] follows an environment to another place without a second walk.
//! What cannot be read is a fact too, with its reason; an error means that the environment's place itself could not
//! be looked at.

pub mod beside;
mod checkout;
pub mod claims;
pub mod conda;
mod config;
pub mod deep;
mod distributions;
mod egg;
pub mod freeze;
pub mod holdings;
mod installed;
mod interpreter;
mod keepsakes;
pub mod listing;
mod records;
mod scripts;
mod sites;
pub mod snapshot;
pub mod summary;

use std::collections::BTreeSet;

use crate::host::credentials;
use crate::host::fs::{self, Directory, IoError};
use crate::host::walk;
use crate::model::facts::Facts;
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
use crate::model::tree::{Tree, Unlisted};
use snapshot::{Snapshot, Surroundings};

pub use beside::siblings;
pub use distributions::Reading;
pub use installed::{Installed, installed};

/// Finds out everything about an environment on behalf of `viewer`: the user this process acts as, or, for root, whoever
/// could read it.
pub fn inspect(prefix: &Prefix, viewer: &Viewer) -> Result<Snapshot, IoError> {
    let facts = fs::lstat(prefix.path())?;
    let parent = surroundings(prefix, viewer)?;
    let directory = open(prefix)?;
    let (tree, (mut installed, named)) = rayon::join(
        || directory.as_ref().map_or_else(|| Ok(closed_tree(facts)), walk::tree),
        || {
            let installed = installed::read(prefix, directory.as_ref(), Reading::Whole);
            let named = scripts::named(prefix, directory.as_ref(), installed.config.settings());
            (installed, named)
        },
    );
    let tree = tree?;
    if let Some(directory) = &directory {
        records::compare_all(&mut installed.distributions, prefix, directory, &tree);
    }
    let conda = directory.as_ref().and_then(|directory| conda::read(prefix, directory, &tree));
    // What was not opened for that reason would count as missing or garbled.
    fs::insist_on_resources(prefix.path())?;
    let config = installed.config.settings();
    let mut snapshot = Snapshot {
        kind: config::kind(prefix, config),
        conda,
        interpreter: interpreter::inspect(prefix, config, viewer),
        named_prefixes: named.others,
        aliases: named.aliases,
        prefix: prefix.clone(),
        viewer: viewer.clone(),
        parent,
        tree,
        siblings: siblings(prefix),
        python: installed.python,
        config: installed.config,
        sites: installed.sites,
        distributions: installed.distributions,
        leftovers: installed.leftovers,
        unidentified: installed.unidentified,
        keepsakes: BTreeSet::new(),
    };
    if snapshot.sharing().is_shared() {
        snapshot.keepsakes = keepsakes::of(&snapshot);
    }
    Ok(snapshot)
}

/// The same environment after it was renamed to `prefix`: what was found in it holds, and only what depends on its
/// place is looked at.
pub fn renamed(snapshot: Snapshot, prefix: &Prefix) -> Result<Snapshot, IoError> {
    let config = snapshot.config.settings();
    let named = scripts::named(prefix, open(prefix)?.as_ref(), config);
    Ok(Snapshot {
        interpreter: interpreter::inspect(prefix, config, &snapshot.viewer),
        named_prefixes: named.others,
        aliases: named.aliases,
        prefix: prefix.clone(),
        parent: surroundings(prefix, &snapshot.viewer)?,
        siblings: siblings(prefix),
        ..snapshot
    })
}

fn surroundings(prefix: &Prefix, viewer: &Viewer) -> Result<Surroundings, IoError> {
    let (facts, around) = (fs::lstat(prefix.path())?, fs::lstat(prefix.parent())?);
    let holds_mount = around.device != facts.device || fs::is_mount_point(prefix.path());
    // The kernel answers for this process alone.
    let writable = if credentials::acts_as(viewer.uid) {
        fs::may_write(prefix.parent())
    } else {
        viewer.can_write(&around)
    };
    Ok(Surroundings { facts: around, writable, holds_mount })
}

/// The environment's directory; `None` where the viewer may not list it.
fn open(prefix: &Prefix) -> Result<Option<Directory>, IoError> {
    match Directory::open(prefix.path()) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.is_denied() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known of an environment that may not be listed: its own owner and mode.
fn closed_tree(prefix: Facts) -> Tree {
    let mut tree = Tree::new(prefix);
    tree.mark_unlisted(Tree::ROOT, Unlisted::Denied);
    tree
}
