//! What `list` shows.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Finding, Status, status};
use venvkeep_core::inspect::beside::readable;
use venvkeep_core::list::{KeptBeside, Listed};
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::scan::Foreseen;
use venvkeep_core::store::registry::Tidied;

use super::check::{emphasis, environment_document, status_word, summary};
use super::size::size;
use super::{Emphasis, Paint};
use crate::elsewhere::HealCommand;
use crate::request::Session;

const HEADINGS: [&str; 6] = ["NAME", "PYTHON", "HEALTH", "SIZE", "LAST USED", "PATH"];

/// The table for stdout.
pub(crate) fn report(listed: &[Listed], session: &Session<'_>) -> String {
    if listed.is_empty() && session.caller.data_dir.is_none() {
        return "No environments can be known: you have no directory to remember them in (is HOME set, and yours?)\n"
            .to_owned();
    }
    if listed.is_empty() {
        return "No environments are known yet. Make one: venvkeep new NAME; or take in those that you have: \
                venvkeep list --import DIR\n"
            .to_owned();
    }
    let paint = session.screen.paint();
    let rows: Vec<[String; 6]> = listed.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = paint.text(Emphasis::Dim, line(&HEADINGS.map(str::to_owned), &widths, |_, cell| cell));
    text.push('\n');
    for (row, one) in rows.iter().zip(listed) {
        text.push_str(&line(row, &widths, |column, cell| emphasised(column, cell, one, paint)));
        text.push('\n');
    }
    text
}

fn row(one: &Listed) -> [String; 6] {
    let (python, size, health) = match &one.look {
        Ok((summary, findings, _)) => {
            let version = summary.python.map_or_else(|| "?".to_owned(), |version| version.to_string());
            let prefix = if summary.implementation == Some("pypy") { "PyPy " } else { "" };
            (format!("{prefix}{version}"), size(summary.bytes), status_word(status(findings)).to_owned())
        }
        Err(_) => ("?".to_owned(), "?".to_owned(), "unreadable".to_owned()),
    };
    let used = one.last_used.map_or_else(|| "-".to_owned(), |time| readable(time)[..10].to_owned());
    [printable(&one.name), python, health, size, used, printable(one.prefix.path())]
}

/// A table's row: sizes to the right, the last column as long as it is.
fn line(row: &[String; 6], widths: &[usize; 6], paint: impl Fn(usize, String) -> String) -> String {
    let cells = row.iter().enumerate().map(|(column, cell)| {
        let width = widths[column];
        let padded = match column {
            3 => format!("{cell:>width$}"),
            5 => cell.clone(),
            _ => format!("{cell:width$}"),
        };
        paint(column, padded)
    });
    cells.collect::<Vec<_>>().join("  ")
}

fn emphasised(column: usize, cell: String, one: &Listed, paint: Paint) -> String {
    match (column, &one.look) {
        (0, _) => paint.text(Emphasis::Strong, cell),
        (2, Ok((_, findings, _))) => paint.text(emphasis(status(findings)), cell),
        (2, Err(_)) => paint.text(Emphasis::Bad, cell),
        _ => cell,
    }
}

/// What is to be said beside the table: names that are not unique, and what the registry found out.
pub(crate) fn remarks(listed: &[Listed], tidied: &Tidied) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for (from, to) in &tidied.moved {
        remarks.push(format!("{} was moved to {}", printable(from), printable(to)));
    }
    for path in &tidied.forgotten {
        remarks.push(format!("{} is gone for a month, and forgotten", printable(path)));
    }
    // By name, so namesakes are neighbours.
    for group in listed.chunk_by(|one, next| one.name == next.name).filter(|group| group.len() > 1) {
        let name = printable(&group[0].name);
        remarks.push(format!("{} environments are called {name}: name them by their paths", group.len()));
    }
    for one in listed {
        if let Err(error) = &one.look {
            remarks.push(printable(error.to_string()));
        }
    }
    remarks
}

/// What is to be said of old trees: of the environments that are gone one line each, of the others how many there are.
pub(crate) fn kept(kept: &[KeptBeside]) -> Vec<String> {
    let gone = kept.iter().filter(|one| !one.is_live).map(|one| {
        let (path, word) = (printable(one.prefix.path()), shell_word(one.prefix.path()));
        format!("{path} was removed or moved away, and is kept: venvkeep undo {word}")
    });
    let count: usize = kept.iter().map(|one| one.trees.len()).sum();
    let how_many = match count {
        0 => None,
        1 => Some("1 old environment is kept".to_owned()),
        several => Some(format!("{several} old environments are kept")),
    };
    gone.chain(how_many.map(|text| format!("{text}; to see what it takes: venvkeep prune --all --dry-run")))
        .collect()
}

/// The body of the JSON document.
pub(crate) fn document(
    listed: &[Listed],
    (tidied, kept): (&Tidied, &[KeptBeside]),
    session: &Session<'_>,
) -> Value {
    let environments: Vec<Value> = listed.iter().map(|one| environment(one, session)).collect();
    let state = |one: &Listed| one.look.as_ref().map_or(Status::Broken, |(_, found, _)| status(found));
    let states: Vec<Status> = listed.iter().map(state).collect();
    let moved = tidied
        .moved
        .iter()
        .map(|(from, to)| json!({ "from": from.to_string_lossy(), "to": to.to_string_lossy() }));
    json!({
        "environments": environments,
        "summary": summary(&states),
        "kept": kept.iter().map(kept_document).collect::<Vec<_>>(),
        "moved": moved.collect::<Vec<_>>(),
        "forgotten": tidied.forgotten.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
    })
}

fn kept_document(one: &KeptBeside) -> Value {
    json!({
        "path": one.prefix.path().to_string_lossy(),
        "live": one.is_live,
        "old": one.trees.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
    })
}

fn environment(one: &Listed, session: &Session<'_>) -> Value {
    const NONE: &[Finding] = &[];
    let nothing = Foreseen::default();
    let (found, findings, foreseen) = match &one.look {
        Ok((summary, findings, foreseen)) => (Some(summary), findings.as_slice(), foreseen),
        Err(_) => (None, NONE, &nothing),
    };
    let heal = HealCommand::new((&one.prefix, findings), foreseen, &session.caller);
    let mut value = environment_document((&one.prefix, &one.name), found, (findings, &heal));
    value["bytes"] = json!(found.map(|summary| summary.bytes));
    value["last_used"] = json!(one.last_used.map(readable));
    value["trusted"] = json!(one.trusted);
    if let Err(error) = &one.look {
        value["status"] = json!(Status::Broken);
        value["error"] = json!(error.to_string());
    }
    value
}
