//! What of the old environment the new one does not have, without anything being wrong with that.

use crate::inspect::snapshot::Snapshot;
use crate::model::tree::Tree;

/// In words, for the report.
pub(super) fn about(old: &Snapshot) -> impl Iterator<Item = String> {
    let remarks = [is_closed(old).then_some(
        "what else lay in it could not be seen; if files of yours did, root finds them in the old environment",
    )];
    remarks.into_iter().flatten().map(str::to_owned)
}

/// A dependency that is not met, and of which nothing said before that there is one.
pub(super) fn newly_unmet(complaint: &str) -> String {
    format!(
        "{complaint}. The old environment did not say that it needs that, or its Python did not; nothing is added that \
         is not on the list, so install it"
    )
}

/// Where nothing of the old tree could be listed, nothing of it can be accounted for.
fn is_closed(old: &Snapshot) -> bool {
    old.tree.unlisted().any(|(id, _)| id == Tree::ROOT)
}
