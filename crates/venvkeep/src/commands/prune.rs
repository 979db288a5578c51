//! `venvkeep prune`.

use std::fmt::Write;

use serde_json::{Value, json};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::prune::{self, Pruned};
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

/// Prunes each environment in turn; one that fails does not stop the others.
pub(crate) fn run(wish: &PruneArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    let mut exit = Exit::Done;
    let mut done = Vec::new();
    for prefix in prefixes(wish, session)? {
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

fn explain(error: &SwapError, prefix: &Prefix, session: &Session<'_>) -> Exit {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    let failure = hints::swap(error, prefix, failure);
    session.screen.explain(&failure);
    failure.exit
}

fn prefixes(wish: &PruneArguments, session: &Session<'_>) -> Result<Vec<Prefix>, Failure> {
    let locate = |asked| undo::locate_kept(asked, &session.caller).map_err(|e| hints::not_located(&e));
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
    for path in done.iter().flat_map(|one| &one.spared) {
        say(&mut text, format_args!("Still young: {}", printable(path)));
    }
    let remaining: Vec<_> = done.iter().flat_map(|one| &one.remaining).collect();
    for tree in &remaining {
        let obstacle = printable(tree.obstacle.strip_prefix(&tree.path).unwrap_or(&tree.obstacle));
        let obstacle = if obstacle.is_empty() { "it".to_owned() } else { format!("its {obstacle}") };
        let path = printable(&tree.path);
        say(&mut text, format_args!("Left whole: {path} ({obstacle} is not yours to empty)"));
    }
    if let Some(command) = command_for(done) {
        let command = session.screen.paint().text(Emphasis::Command, command);
        say(
            &mut text,
            format_args!("Nothing needs {} gone. To have the space anyway:\n  {command}", them(&remaining)),
        );
    }
    match removed().map(|tree| tree.bytes).sum::<u64>() {
        0 if text.is_empty() && done.iter().any(|one| !one.failed.is_empty()) => text,
        0 if text.is_empty() => "Nothing to prune: no old environment is kept\n".to_owned(),
        0 => text,
        freed => text + &format!("{} freed\n", size(freed)),
    }
}

fn say(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn them<T>(trees: &[T]) -> &'static str {
    if trees.len() == 1 { "it" } else { "them" }
}

/// One command for all trees that stay.
fn command_for(done: &[Pruned]) -> Option<String> {
    let words: Vec<_> =
        done.iter().flat_map(|one| &one.remaining).map(|tree| shell_word(&tree.path)).collect();
    (!words.is_empty()).then(|| format!("sudo rm -rf -- {}", words.join(" ")))
}

fn document(done: &[Pruned]) -> Value {
    let environments = done.iter().map(|one| {
        let remaining = one.remaining.iter().map(
            |tree| json!({ "path": tree.path.to_string_lossy(), "obstacle": tree.obstacle.to_string_lossy() }),
        );
        let removed = one
            .removed
            .iter()
            .map(|tree| json!({ "path": tree.path.to_string_lossy(), "bytes": tree.bytes }));
        let failed = one
            .failed
            .iter()
            .map(|tree| json!({ "path": tree.path.to_string_lossy(), "why": tree.why.to_string() }));
        json!({
            "path": one.prefix.path().to_string_lossy(),
            "removed": removed.collect::<Vec<_>>(),
            "spared": one.spared.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "remaining": remaining.collect::<Vec<_>>(),
            "failed": failed.collect::<Vec<_>>(),
        })
    });
    json!({
        "environments": environments.collect::<Vec<_>>(),
        "freed": done.iter().flat_map(|one| &one.removed).map(|tree| tree.bytes).sum::<u64>(),
        "command": command_for(done),
    })
}
