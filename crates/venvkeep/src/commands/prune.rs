//! `venvkeep prune`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::prune::{self, Plan, Pruned, Remaining, Removed};
use venvkeep_core::store::known;
use venvkeep_core::swap::SwapError;
use venvkeep_core::undo;

use crate::args::PruneArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::Emphasis;
use crate::render::size::size;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// What is answered where there is nothing to do, for the environments that were meant.
fn nothing<'p>(prefixes: impl Iterator<Item = &'p Prefix>) -> String {
    let names: Vec<String> = prefixes.map(|prefix| printable(prefix.path())).collect();
    let of = match names.as_slice() {
        // Of those that venvkeep knows, none has any.
        [] => "of the environments that venvkeep knows".to_owned(),
        names => format!("beside {}", names.join(", ")),
    };
    format!("Nothing to prune: no old environment is kept {of}\n")
}

/// Prunes each environment in turn; one that fails does not stop the others.
pub(crate) fn run(wish: &PruneArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    let prefixes = prefixes(wish, session)?;
    if wish.dry_run {
        return show(&prefixes, wish, session);
    }
    let mut exit = Exit::Done;
    let mut done = Vec::new();
    for prefix in prefixes {
        match prune::prune(&prefix, wish.older_than, &session.caller, &session.interrupt) {
            Ok(pruned) => {
                let failed = pruned.failed.iter().map(|one| explain(&one.why, &prefix, session));
                exit = failed.fold(exit, Exit::max);
                let interrupted = pruned.interrupted;
                done.push(pruned);
                if interrupted {
                    exit = Exit::Interrupted;
                    break;
                }
            }
            Err(error) => exit = exit.max(explain(&error, &prefix, session)),
        }
    }
    if session.screen.json {
        session.screen.json("prune", document(&done))?;
    } else {
        session.screen.result(&report(&done, session))?;
    }
    Ok(exit)
}

/// The plan instead of its execution.
fn show(prefixes: &[Prefix], wish: &PruneArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut plans = Vec::new();
    for prefix in prefixes {
        match prune::plan(prefix, wish.older_than, &session.caller) {
            Ok(plan) => plans.push(plan),
            Err(error) => exit = exit.max(explain(&error, prefix, session)),
        }
    }
    if session.screen.json {
        session.screen.json("prune", planned_document(&plans))?;
    } else {
        session.screen.result(&planned(&plans, session))?;
    }
    Ok(exit)
}

fn explain(error: &SwapError, prefix: &Prefix, session: &Session<'_>) -> Exit {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    let failure = hints::swap(error, prefix, failure);
    session.screen.explain(&failure);
    failure.exit
}

fn prefixes(wish: &PruneArguments, session: &Session<'_>) -> Result<Vec<Prefix>, Failure> {
    if wish.all {
        return Ok(known::with_kept(&session.caller).into_iter().map(|(prefix, _)| prefix).collect());
    }
    let locate =
        |asked| undo::locate_kept(asked, &session.caller).map_err(|e| hints::not_located(&e, session));
    if wish.environments.is_empty() {
        return Ok(vec![locate(None)?]);
    }
    wish.environments.iter().map(|asked| locate(Some(asked.as_path()))).collect()
}

fn report(done: &[Pruned], session: &Session<'_>) -> String {
    let mut text = String::new();
    let removed = || done.iter().flat_map(|one| &one.removed);
    for tree in removed() {
        say(&mut text, format_args!("Removed {} ({})", printable(&tree.path), size(tree.bytes)));
    }
    let stay = done.iter().map(|one| (one.spared.as_slice(), one.remaining.as_slice()));
    text.push_str(&staying(stay, "Left whole", session));
    match removed().map(|tree| tree.bytes).sum::<u64>() {
        0 if text.is_empty() && done.iter().any(|one| !one.failed.is_empty()) => text,
        0 if text.is_empty() => nothing(done.iter().map(|one| &one.prefix)),
        0 => text,
        freed => text + &format!("{} freed\n", size(freed)),
    }
}

fn planned(plans: &[Plan], session: &Session<'_>) -> String {
    let mut text = String::new();
    let doomed = || plans.iter().flat_map(|one| &one.doomed);
    for tree in doomed() {
        say(&mut text, format_args!("Would remove {} ({})", printable(&tree.path), size(tree.bytes)));
    }
    let stay = plans.iter().map(|one| (one.spared.as_slice(), one.remaining.as_slice()));
    text.push_str(&staying(stay, "Would stay", session));
    match doomed().map(|tree| tree.bytes).sum::<u64>() {
        0 if text.is_empty() => nothing(plans.iter().map(|one| &one.prefix)),
        0 => text,
        bytes => text + &format!("{} would be freed; without --dry-run they are\n", size(bytes)),
    }
}

/// What is not removed, and why.
fn staying<'p>(
    trees: impl Iterator<Item = (&'p [PathBuf], &'p [Remaining])> + Clone,
    stays: &str,
    session: &Session<'_>,
) -> String {
    let mut text = String::new();
    for path in trees.clone().flat_map(|(spared, _)| spared) {
        say(&mut text, format_args!("Still young: {}", printable(path)));
    }
    let remaining: Vec<_> = trees.flat_map(|(_, remaining)| remaining).collect();
    for tree in &remaining {
        let why = match tree.obstacle.strip_prefix(&tree.path).map(printable) {
            Ok(inside) if inside.is_empty() => "it is not yours to empty".to_owned(),
            Ok(inside) => format!("its {inside} is not yours to empty"),
            Err(_) => format!("{} is not yours to write", printable(&tree.obstacle)),
        };
        say(&mut text, format_args!("{stays}: {} ({why})", printable(&tree.path)));
    }
    if let Some(command) = command_for(&remaining) {
        let command = session.screen.paint().text(Emphasis::Command, command);
        say(
            &mut text,
            format_args!("Nothing needs {} gone. To have the space anyway:\n  {command}", them(&remaining)),
        );
    }
    text
}

fn say(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn them<T>(trees: &[T]) -> &'static str {
    if trees.len() == 1 { "it" } else { "them" }
}

/// One command for all trees that stay.
fn command_for(remaining: &[&Remaining]) -> Option<String> {
    let words: Vec<_> = remaining.iter().map(|tree| shell_word(&tree.path)).collect();
    (!words.is_empty()).then(|| format!("sudo rm -rf -- {}", words.join(" ")))
}

fn document(done: &[Pruned]) -> Value {
    let environments = done.iter().map(|one| {
        let failed = one
            .failed
            .iter()
            .map(|tree| json!({ "path": tree.path.to_string_lossy(), "why": tree.why.to_string() }));
        let mut value = environment(&one.prefix, &one.spared, &one.remaining);
        value["removed"] = weighed(&one.removed);
        value["failed"] = failed.collect();
        value
    });
    let remaining: Vec<_> = done.iter().flat_map(|one| &one.remaining).collect();
    json!({
        "environments": environments.collect::<Vec<_>>(),
        "freed": done.iter().flat_map(|one| &one.removed).map(|tree| tree.bytes).sum::<u64>(),
        "command": command_for(&remaining),
    })
}

fn planned_document(plans: &[Plan]) -> Value {
    let environments = plans.iter().map(|one| {
        let mut value = environment(&one.prefix, &one.spared, &one.remaining);
        value["removable"] = weighed(&one.doomed);
        value
    });
    let remaining: Vec<_> = plans.iter().flat_map(|one| &one.remaining).collect();
    json!({
        "environments": environments.collect::<Vec<_>>(),
        "dry_run": true,
        "command": command_for(&remaining),
    })
}

fn environment(prefix: &Prefix, spared: &[PathBuf], remaining: &[Remaining]) -> Value {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let remaining =
        remaining.iter().map(|tree| json!({ "path": text(&tree.path), "obstacle": text(&tree.obstacle) }));
    json!({
        "path": text(prefix.path()),
        "spared": spared.iter().map(|path| text(path)).collect::<Vec<_>>(),
        "remaining": remaining.collect::<Vec<_>>(),
    })
}

fn weighed(trees: &[Removed]) -> Value {
    trees.iter().map(|tree| json!({ "path": tree.path.to_string_lossy(), "bytes": tree.bytes })).collect()
}
