//! What venvkeep itself left beside an environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::host::fs::Directory;
use crate::model::prefix::Prefix;
use crate::model::siblings::{SiblingKind, classify};

use super::snapshot::Sibling;

/// Kept old trees, and what a heal that was cut off left; in order of name. Nothing where the directory cannot be
/// listed: nobody could have built there either.
pub(super) fn siblings(prefix: &Prefix) -> Vec<Sibling> {
    let names = Directory::open(prefix.parent()).and_then(|parent| parent.names());
    let mut names = names.unwrap_or_default();
    names.sort_unstable();
    let ours = names.iter().map(|name| OsStr::from_bytes(name)).filter_map(|name| {
        let path = prefix.parent().join(name);
        match classify(prefix, name)? {
            SiblingKind::Kept => Some(Sibling::Kept(path)),
            SiblingKind::Stage | SiblingKind::Journal => Some(Sibling::Interrupted(path)),
        }
    });
    ours.collect()
}
