//! The report of a heal, in words.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Finding, Remedy, Severity, Status, status};
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::plan::{BaseChoice, ListOrigin, Subject};
use venvkeep_core::report::{Outcome, Report, ShellTrust};

use super::check::wrapped;
use super::{Emphasis, Paint, json as shared};
use crate::elsewhere::HealCommand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// The report as JSON.
pub(crate) fn document(report: &Report) -> Value {
    let heal = HealCommand::plain(&report.prefix);
    let findings = |list: &[Finding]| -> Vec<Value> {
        list.iter().map(|finding| shared::finding(finding, &heal)).collect()
    };
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let dropped = report.dropped.iter().map(|one| json!({ "path": text(&one.path), "why": one.why }));
    json!({
        "path": text(report.prefix.path()),
        "outcome": report.outcome,
        "live": report.live,
        "old": report.old.as_deref().map(text),
        "built_from": report.built_from.as_deref().map(text),
        "frozen_list": report.frozen_list.as_deref().map(text),
        "requirements": report.requirements.lines(),
        "list": list_document(&report.list),
        "distributions": report.distributions,
        "carried": report.carried.iter().map(|path| text(path)).collect::<Vec<_>>(),
        "notes": report.notes.iter().map(|one| json!({ "path": text(&one.path), "what": one.what })).collect::<Vec<_>>(),
        "dropped": dropped.collect::<Vec<_>>(),
        "dropped_kinds": report.dropped_kinds,
        "entries": report.entries,
        "remarks": report.remarks,
        "trusted": report.shell_trust.as_ref().map(|trust| *trust == ShellTrust::PassedOn),
        "findings_before": findings(&report.before),
        "findings_after": findings(&report.after),
    })
}

/// A heal that did not come to its end, as JSON: the same keys, and the error.
pub(crate) fn document_of_failure(prefix: &Prefix, failure: &Failure) -> Value {
    let outcome = if failure.exit == Exit::Attention { Outcome::NeedsAttention } else { Outcome::Failed };
    let mut document = document(&Report::new(prefix.clone(), outcome, Vec::new()));
    document["live"] = json!(failure.live);
    document["error"] = shared::failure(failure);
    document
}

fn list_document(list: &ListOrigin) -> Value {
    match list {
        ListOrigin::Environment => json!({ "from": "environment" }),
        ListOrigin::File(file) => json!({ "from": "file", "file": file.to_string_lossy() }),
        ListOrigin::Snapshot { taken, of } => {
            let of = match of {
                Subject::ThisEnvironment => "this-environment",
                Subject::EarlierOne => "earlier-environment",
            };
            json!({ "from": "snapshot", "taken": taken, "of": of })
        }
    }
}

/// Where the list comes from, when not from the environment itself.
fn list_line(report: &Report) -> String {
    let mut text = String::new();
    match &report.list {
        ListOrigin::Environment => {}
        ListOrigin::File(file) => line(&mut text, "list from", &printable(file)),
        ListOrigin::Snapshot { taken, of } => {
            let taken = printable(taken);
            let what =
                format!("the snapshot that venvkeep kept at {taken}; what came or went since is not in it");
            prose(&mut text, "list from", &what);
            if *of == Subject::EarlierOne {
                let what =
                    "that snapshot is of another environment, which stood here before: is it the right list?";
                prose(&mut text, "to do", what);
            }
        }
    }
    text
}

/// How many names a line lists before it says how many more there are.
const LISTED: usize = 8;

/// The report for stdout.
pub(crate) fn report(report: &Report, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let path = paint.text(Emphasis::Strong, printable(report.prefix.path()));
    match report.outcome {
        Outcome::Healthy if status(&report.before) != Status::Healthy => {
            format!(
                "{path}: nothing that a heal puts right\n{}{}",
                problems("wrong", &report.before),
                advice(report)
            )
        }
        Outcome::Healthy => {
            let word = paint.text(Emphasis::Good, "healthy");
            format!("{path} is {word}: nothing to do\n")
        }
        Outcome::Planned => format!("Plan for {path} (nothing is changed by this)\n{}", plan(report, paint)),
        Outcome::Cloned | Outcome::Moved => super::copied::report(report, paint),
        Outcome::Healed | Outcome::Failed | Outcome::NeedsAttention => {
            let word = paint.text(Emphasis::Good, "Healed");
            format!("{word} {path}\n{}", done(report, session, paint))
        }
    }
}

fn plan(report: &Report, paint: Paint) -> String {
    let mut text = problems("wrong", &report.before);
    text.push_str(&python(report));
    text.push_str(&list_line(report));
    let width = report.distributions.iter().map(|one| one.name.chars().count()).max().unwrap_or(0).min(40);
    let versions = report.distributions.iter().filter_map(|one| one.version.as_deref());
    let wide = versions.map(|version| version.chars().count()).max().unwrap_or(0).min(24);
    for one in &report.distributions {
        let version = one.version.as_deref().unwrap_or("");
        let why = paint.text(Emphasis::Dim, &one.detail);
        line(
            &mut text,
            "",
            &format!("{:width$}  {version:wide$}  {:8}  {why}", printable(&one.name), one.source),
        );
    }
    line(&mut text, "do it", "the same command without --dry-run");
    text
}

fn done(report: &Report, session: &Session<'_>, paint: Paint) -> String {
    let mut text = problems("was", &report.before);
    line(&mut text, "now", "every file in it is yours");
    text.push_str(&python(report));
    text.push_str(&list_line(report));
    prose(&mut text, "installed", &installed(report));
    text.push_str(&left_out(report));
    for one in report.distributions.iter().filter(|one| one.same_bytes == Some(false)) {
        line(&mut text, "differs", &printable(format!("{}: {}", one.name, one.detail)));
    }
    for path in &report.baked_in {
        line(&mut text, "note", &format!("{} names the place it was built in", printable(path)));
    }
    for remark in &report.remarks {
        line(&mut text, "note", &printable(remark));
    }
    text.push_str(&accounts(report, session, paint));
    text.push_str(&problems("still", &report.after));
    text.push_str(&shell_trust(report, paint));
    if let Some(from) = &report.built_from {
        line(&mut text, "built from", &format!("{}, which is as it was", printable(from)));
    }
    if let Some(tree) = &report.discarded {
        line(&mut text, "old", &format!("removed, as you asked ({} bytes)", tree.bytes));
    }
    if let Some(old) = &report.old {
        line(&mut text, "old", &format!("kept at {}", printable(old)));
        let environment = shell_word(report.prefix.path());
        line(&mut text, "go back", &paint.text(Emphasis::Command, format!("venvkeep undo {environment}")));
        let free = match &report.undiscarded {
            Some(tree) => format!("sudo rm -rf -- {}", shell_word(&tree.path)),
            None => format!("venvkeep prune {environment}"),
        };
        line(&mut text, "free space", &paint.text(Emphasis::Command, free));
    }
    if let Some(list) = &report.frozen_list {
        line(&mut text, "list", &printable(list));
    }
    text
}

/// Whether the shell activates it by itself, where it does not.
pub(super) fn shell_trust(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    match &report.shell_trust {
        None | Some(ShellTrust::PassedOn) => {}
        Some(ShellTrust::NotGiven) => {
            let command = format!("venvkeep trust {}", shell_word(report.prefix.path()));
            let command = paint.text(Emphasis::Command, command);
            line(
                &mut text,
                "shell",
                &format!("does not activate it by itself; if you trust what is in it: {command}"),
            );
        }
        Some(ShellTrust::Refused(why)) => {
            line(&mut text, "shell", &format!("does not activate it by itself: {}", printable(why)));
        }
    }
    text
}

/// A line of the report, however long: a command or a path can be copied whole.
pub(crate) fn line(text: &mut String, label: &str, content: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {label:10}  {content}");
}

/// A line of the report that is prose: on a terminal a long one goes on below its beginning.
fn prose(text: &mut String, label: &str, content: &str) {
    if super::terminal_width().is_none() {
        return line(text, label, content);
    }
    let below = " ".repeat(14);
    let lines = wrapped(content, &below);
    let content = lines.strip_prefix(&below).unwrap_or(&lines);
    line(text, label, content.trim_end());
}

/// One line for each thing that is broken or degraded; with none, one line that says so.
pub(super) fn problems(label: &str, findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut label = label;
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Note) {
        prose(&mut text, label, &format!("{}: {}", finding.code, printable(&finding.message)));
        label = "";
    }
    text
}

/// What the user can do about what a heal does not put right.
fn advice(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.before {
        if let Remedy::Advice(what) | Remedy::Command(what) = &finding.remedy {
            line(&mut text, "to do", &printable(what));
        }
    }
    text
}

fn python(report: &Report) -> String {
    let mut text = String::new();
    let Some((base, choice)) = &report.base else { return text };
    let why = match choice {
        BaseChoice::Asked => "as you asked".to_owned(),
        BaseChoice::Same => "as before".to_owned(),
        BaseChoice::SameVersion => "the same version, since the old one is gone".to_owned(),
        BaseChoice::OtherVersion { was: Some(was) } => {
            format!("another version, since no usable Python {}.{} is on this machine", was.major, was.minor)
        }
        BaseChoice::OtherVersion { was: None } => "the old one is not known".to_owned(),
    };
    let name = if base.implementation == "cpython" { "Python" } else { &base.implementation };
    let what = format!("{name} {} ({}), {why}", base.version, printable(&base.executable));
    line(&mut text, "python", &what);
    text
}

/// `9 distributions (9 from the old environment, every byte checked); 9 with the same bytes as before`.
pub(super) fn installed(report: &Report) -> String {
    let all = report.distributions.iter().filter(|one| one.source != "skipped").count();
    if all == 0 {
        return "nothing: the list is empty".to_owned();
    }
    let mut by_source: BTreeMap<&str, usize> = BTreeMap::new();
    for one in report.distributions.iter().filter(|one| one.source != "skipped") {
        *by_source.entry(one.source).or_default() += 1;
    }
    let sources: Vec<String> = by_source
        .iter()
        .map(|(source, count)| {
            let place = match *source {
                "env" => "from the old environment, every byte checked",
                "bundled" => "from the wheels that come with Python",
                "url" => "from where they were installed from",
                _ => "from the package index",
            };
            format!("{count} {place}")
        })
        .collect();
    let what = if all == 1 { "distribution" } else { "distributions" };
    if report.outcome == Outcome::Planned {
        return format!("{all} {what} ({})", sources.join(", "));
    }
    let same = report.distributions.iter().filter(|one| one.same_bytes == Some(true)).count();
    format!("{all} {what} ({}); {same} with the same bytes as before", sources.join(", "))
}

/// What the old environment or the list has and the new environment has not, each by name.
fn left_out(report: &Report) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in report.distributions.iter().filter(|one| one.source == "skipped") {
        let version = one.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        groups.entry(&one.detail).or_default().push(printable(format!("{}{version}", one.name)));
    }
    let mut text = String::new();
    for (why, names) in groups {
        line(&mut text, "left out", &format!("{} ({})", names.join(", "), printable(why)));
    }
    text
}

/// What became of the user's own files, and of the old tree as a whole.
fn accounts(report: &Report, session: &Session<'_>, paint: Paint) -> String {
    let mut text = String::new();
    if !report.carried.is_empty() {
        let what = format!("{} of your own files: {}", report.carried.len(), carried(&report.carried));
        line(&mut text, "carried", &what);
    }
    for (what, paths) in grouped(report.notes.iter().map(|one| (one.what, one.path.as_path()))) {
        line(&mut text, "note", &format!("{what}: {}", listed(paths.into_iter().map(printable))));
    }
    for (why, paths) in grouped(report.dropped.iter().map(|one| (one.why, one.path.as_path()))) {
        line(&mut text, "left", &format!("{}: {why}", listed(paths.into_iter().map(printable))));
    }
    let left: Vec<String> =
        report.dropped_kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let entries = report.entries;
    let left = if left.is_empty() { String::new() } else { format!(" ({})", left.join(", ")) };
    prose(
        &mut text,
        "entries",
        &format!(
            "{} in the old environment: {} there again, {} carried over, {} only in the old one{left}",
            entries.old, entries.reproduced, entries.carried, entries.dropped
        ),
    );
    if let Some(command) = fetch(report, session) {
        line(&mut text, "to get it", &paint.text(Emphasis::Command, command));
    }
    text
}

/// The files by name; where they are many, the directories in the environment that hold them, with how many each.
fn carried(paths: &[PathBuf]) -> String {
    if paths.len() <= LISTED {
        return listed(paths.iter().map(printable));
    }
    let mut tops: BTreeMap<&OsStr, usize> = BTreeMap::new();
    for top in paths.iter().filter_map(|path| path.iter().next()) {
        *tops.entry(top).or_default() += 1;
    }
    let name = |(top, count): (&OsStr, usize)| match count {
        1 => printable(top),
        _ => format!("{} ({count})", printable(top)),
    };
    listed(tops.into_iter().map(name))
}

/// How what the user may not read comes along: where it is their own they open it, else root brings it. The first of
/// them stands for all.
fn fetch(report: &Report, session: &Session<'_>) -> Option<String> {
    let old = report.old.as_deref()?;
    let unread = report.dropped.iter().find(|one| one.wants_attention)?;
    let place = report.prefix.join(&unread.path);
    let viewer = &session.caller.viewer;
    let (from, to) = (shell_word(&old.join(&unread.path)), shell_word(&place));
    if unread.owner == viewer.uid {
        return Some(format!("chmod -R u+rX -- {from} && cp -a -- {from} {to}"));
    }
    Some(format!("sudo cp -a -- {from} {to} && sudo chown -hR {}:{} -- {to}", viewer.uid, viewer.gid))
}

/// Paths under what is said of them, in the order in which that is first said.
pub(super) fn grouped<'a>(
    said: impl Iterator<Item = (&'static str, &'a Path)>,
) -> Vec<(&'static str, Vec<&'a Path>)> {
    let mut groups: Vec<(&'static str, Vec<&'a Path>)> = Vec::new();
    for (what, path) in said {
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, paths)) => paths.push(path),
            None => groups.push((what, vec![path])),
        }
    }
    groups
}

pub(super) fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let names: Vec<String> = names.take(LISTED).collect();
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}
