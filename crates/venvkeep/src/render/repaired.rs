//! What `doctor --repair` and its `--undo` show: each step, what was left and why, and the way back.

use serde_json::{Value, json};
use venvkeep_core::machine::repair::{Done, Left, Plan, Step, Undone, With};
use venvkeep_core::model::printable::printable;

use super::check::wrapped;
use super::{Emphasis, Screen};

/// What will be done; what will not, and why, comes behind it.
pub(crate) fn planned(plan: &Plan, screen: &Screen) -> String {
    if plan.steps.is_empty() {
        let nothing = "Nothing here that you may repair: venvkeep doctor says what is wrong.\n";
        return if plan.left.is_empty() { nothing.to_owned() } else { String::new() };
    }
    let steps: String = plan.steps.iter().map(|step| line(step, screen)).collect();
    format!("{} to repair:\n{steps}", number(plan.steps.len()))
}

/// What was done of it.
pub(crate) fn report(done: &Done, screen: &Screen) -> String {
    let mut text = String::new();
    if let Some(log) = &done.log {
        let paint = screen.paint();
        text = format!("{}\n", paint.text(Emphasis::Good, format!("Repaired {}.", number(done.taken.len()))));
        text.push_str(&kept(&done.taken));
        text.extend(["  noted in  ", &printable(log), "\n"]);
        let undo = paint.text(Emphasis::Command, "venvkeep doctor --repair --undo");
        text.extend(["  go back   ", &undo, "\n"]);
    }
    if done.interrupted {
        text.push_str("Stopped before all was done; run it again for the rest.\n");
    }
    if done.reveals() {
        text.push_str(
            "What is in the directories that were opened is seen only now: run it again for that.\n",
        );
    }
    text + &left(&done.left, screen)
}

/// What was taken back.
pub(crate) fn undone(undone: &Undone, screen: &Screen) -> String {
    let done = format!("Took back {}.", number(undone.back.len()));
    let mut text = format!("{}\n", screen.paint().text(Emphasis::Good, done));
    for path in &undone.newer {
        text.extend(["  what the repair had made is at  ", &printable(path), "\n"]);
    }
    text.push_str(&left(&undone.left, screen));
    text
}

/// Directories that were put aside are the caller's to look through.
fn kept(steps: &[Step]) -> String {
    let aside = steps.iter().filter_map(|step| match step {
        Step::Anew { kept, .. } => Some(format!("  put aside {}\n", printable(kept))),
        Step::Mode { .. } => None,
    });
    aside.collect()
}

fn line(step: &Step, screen: &Screen) -> String {
    match step {
        Step::Mode { path, before, after, .. } => {
            format!("  {before:04o} -> {after:04o}  {}\n", printable(path))
        }
        Step::Anew { path, kept, with, .. } => {
            let with = match with {
                With::Nothing => "an empty one of yours in its place",
                With::Copies => "a copy of yours in its place",
            };
            let aside = screen.paint().text(Emphasis::Dim, format!("(the old one: {})", printable(kept)));
            format!("  {with}  {}  {aside}\n", printable(path))
        }
    }
}

/// What is not repaired, and why.
pub(crate) fn left(left: &[Left], screen: &Screen) -> String {
    if left.is_empty() {
        return String::new();
    }
    let heading = format!("Left as {}:", if left.len() == 1 { "it is" } else { "they are" });
    let heading = screen.paint().text(Emphasis::Warning, heading);
    let each: String = left
        .iter()
        .map(|one| wrapped(&printable(format!("{}: {}", one.path.display(), one.why)), "  "))
        .collect();
    format!("{heading}\n{each}")
}

fn number(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

fn told(step: &Step) -> Value {
    match step {
        Step::Mode { path, before, after, .. } => json!({
            "kind": "mode",
            "path": path.to_string_lossy(),
            "before": format!("{before:04o}"),
            "after": format!("{after:04o}"),
        }),
        Step::Anew { path, kept, with, .. } => json!({
            "kind": "anew",
            "path": path.to_string_lossy(),
            "kept": kept.to_string_lossy(),
            "with": match with { With::Nothing => "nothing", With::Copies => "copies" },
        }),
    }
}

fn steps(steps: &[Step]) -> Vec<Value> {
    steps.iter().map(told).collect()
}

fn remaining(left: &[Left]) -> Vec<Value> {
    left.iter().map(|one| json!({ "path": one.path.to_string_lossy(), "why": one.why })).collect()
}

/// The body of the JSON document of a plan.
pub(crate) fn planned_document(plan: &Plan) -> Value {
    json!({ "outcome": "planned", "steps": steps(&plan.steps), "left": remaining(&plan.left), "log": null })
}

/// Of what was done.
pub(crate) fn document(done: &Done) -> Value {
    json!({
        "outcome": if done.interrupted { "interrupted" } else { "repaired" },
        "steps": steps(&done.taken),
        "left": remaining(&done.left),
        "log": done.log.as_ref().map(|log| log.to_string_lossy()),
    })
}

/// Of what was taken back.
pub(crate) fn undone_document(undone: &Undone) -> Value {
    json!({
        "outcome": "undone",
        "newer": undone.newer.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "steps": steps(&undone.back),
        "left": remaining(&undone.left),
        "log": undone.log.to_string_lossy(),
    })
}
