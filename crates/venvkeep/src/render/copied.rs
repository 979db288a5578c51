//! What `clone` and `move` did, in words.

use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::report::{Outcome, Report};

use super::heal::{grouped, line, listed, problems, shell_trust};
use super::{Emphasis, Paint};

/// The report for stdout.
pub(crate) fn report(report: &Report, paint: Paint) -> String {
    let is_move = report.old.is_some() || report.outcome == Outcome::Moved;
    let word = paint.text(Emphasis::Good, if is_move { "Moved" } else { "Cloned" });
    let from = report.built_from.as_deref().map(printable).unwrap_or_default();
    let path = paint.text(Emphasis::Strong, printable(report.prefix.path()));
    let mut text = format!("{word} {from} to {path}\n");
    let count = report.distributions.len();
    let what = if count == 1 { "distribution" } else { "distributions" };
    let own = match report.carried.len() {
        0 => String::new(),
        1 => ", 1 file of your own".to_owned(),
        several => format!(", {several} files of your own"),
    };
    line(&mut text, "holds", &format!("{count} {what} as they are{own}; bytecode is made again"));
    for (what, paths) in grouped(report.notes.iter().map(|one| (one.what, one.path.as_path()))) {
        line(&mut text, "note", &format!("{what}: {}", listed(paths.into_iter().map(printable))));
    }
    for (why, paths) in grouped(report.dropped.iter().map(|one| (one.why, one.path.as_path()))) {
        line(&mut text, "left", &format!("{}: {why}", listed(paths.into_iter().map(printable))));
    }
    if !report.baked_in.is_empty() {
        let files = listed(report.baked_in.iter().map(printable));
        line(&mut text, "look at", &format!("no text, or too large, so the old place stays in it: {files}"));
    }
    for remark in &report.remarks {
        line(&mut text, "note", &printable(remark));
    }
    text.push_str(&problems("still", &report.after));
    text.push_str(&shell_trust(report, paint));
    if let (Some(old), Some(from)) = (&report.old, &report.built_from) {
        line(&mut text, "old", &format!("kept at {}", printable(old)));
        let from = shell_word(from);
        line(&mut text, "go back", &paint.text(Emphasis::Command, format!("venvkeep undo {from}")));
        line(&mut text, "free space", &paint.text(Emphasis::Command, format!("venvkeep prune {from}")));
    }
    text
}
