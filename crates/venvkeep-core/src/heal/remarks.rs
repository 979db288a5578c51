//! What of the old environment the new one does not have, without anything being wrong with that.

use crate::inspect::snapshot::Snapshot;
use crate::model::facts::Kind;
use crate::model::printable::{printable, quoted, shell_word};
use crate::model::sharing::Sharing;
use crate::model::tree::{EntryId, Tree};
use crate::plan::Plan;

/// In words, for the report.
pub(super) fn about(old: &Snapshot) -> impl Iterator<Item = String> {
    let remarks = [is_closed(old).then_some(
        "what else lay in it could not be seen; if files of yours did, root finds them in the old environment",
    )];
    remarks.into_iter().flatten().map(str::to_owned)
}

/// What it said of itself, where that was not believed.
pub(super) fn not_shared(old: &Snapshot, plan: &Plan) -> Option<String> {
    let (whom, option) = match old.sharing() {
        Sharing::Group(group) => (format!("the group {group}"), format!("--shared={group}")),
        Sharing::Everyone => ("everybody".to_owned(), "--shared".to_owned()),
        Sharing::AsUsual => return None,
    };
    let is_dropped = !plan.sharing.is_shared();
    is_dropped.then(|| {
        let path = shell_word(plan.prefix.path());
        format!(
            "the old environment said that it is for {whom}, which somebody else could have written: the new one is not, \
             until you say so: venvkeep heal {} {path}",
            quoted(option.as_ref())
        )
    })
}

/// What others cannot read of a shared environment, because its owner keeps it so.
pub(super) fn kept_closed(new: &Snapshot, plan: &Plan) -> Option<String> {
    let is_closed = |id: &EntryId| {
        let facts = new.tree.facts(*id);
        facts.kind == Kind::File && plan.sharing.is_kept_from(&new.tree.path(*id), facts)
    };
    let closed: Vec<EntryId> = new.keepsakes.iter().copied().filter(is_closed).collect();
    let first = printable(new.tree.path(*closed.first()?));
    let what = match closed.len() {
        1 => first,
        more => format!("{first} and {} more", more - 1),
    };
    Some(format!("of your own files, others still cannot read {what}: they have the mode that you gave them"))
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
