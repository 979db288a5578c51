//! What `check` shows: for each environment its state, what is wrong and how it came about, and the one command.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Code, Finding, Remedy, Severity, Status, status};
use venvkeep_core::host::credentials;
use venvkeep_core::inspect::snapshot::{EnvironmentKind, Site, SiteState, Snapshot};
use venvkeep_core::inspect::summary::Summary;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::tree::Tree;
use venvkeep_core::store::known;

use super::json as shared;
use super::{Emphasis, Paint, Screen};
use crate::commands::check::Checked;
use crate::elsewhere::HealCommand;
use crate::hints;
use venvkeep_core::host::programs::Distrust;
use venvkeep_core::model::printable::{printable, shell_word};

/// How many paths of evidence fit on one screen.
const FEW: usize = 3;

/// Why the obvious command is the worse one; shown with `-v`.
const WHY_NOT_CHOWN: &str = "`sudo chown -R` would change the owner and leave the rest as it is: modes that a strict \
    umask set, files that are missing, a Python that is gone, paths of another place. It gives you, unseen, every \
    program that somebody else put into bin. It follows what it finds: a file with several names (uv and conda link \
    files to their caches) changes its owner in all those places too. It cannot be undone, since nothing remembers \
    whose what was. And it needs root once more, which is how this came about. A heal needs no root, checks what it \
    builds, and keeps the old tree.";

/// The human report.
pub(crate) fn report(checked: &[Checked], screen: &Screen) -> String {
    let mut text: Vec<String> = checked.iter().map(|one| environment(one, screen)).collect();
    if let [_, _, ..] = checked {
        text.push(summary_line(checked));
    }
    text.join("\n")
}

fn environment(one: &Checked, screen: &Screen) -> String {
    let paint = screen.paint();
    let path = printable(one.prefix.path());
    let verdict = paint.text(emphasis(one.status()), status_word(one.status()));
    let mut text = format!("{}: {verdict}\n", paint.text(Emphasis::Strong, path));
    if let Some(snapshot) = &one.snapshot {
        text.push_str(&wrapped(&description(snapshot), "  "));
    }
    for finding in one.findings.iter().filter(|finding| !screen.quiet || finding.severity > Severity::Note) {
        text.push_str(&paragraph(finding, screen));
    }
    if one.status() != Status::Healthy {
        text.push_str(&way_out(one, paint));
        if screen.verbose && one.findings.iter().any(is_about_rights) {
            text.push('\n');
            text.push_str(&wrapped(WHY_NOT_CHOWN, "  "));
        }
    }
    text
}

/// `venv with Python 3.11.2, 1204 entries, owner root`.
fn description(snapshot: &Snapshot) -> String {
    let implementation = match snapshot.implementation() {
        Some("pypy") => "PyPy",
        _ => "Python",
    };
    let python = match snapshot.python {
        Some(version) => format!(" with {implementation} {version}"),
        None => String::new(),
    };
    let entries = match snapshot.tree.len() {
        0 => String::new(),
        1 => ", 1 entry".to_owned(),
        several => format!(", {several} entries"),
    };
    let owner = snapshot.tree.facts(Tree::ROOT).uid;
    let owner = credentials::called(owner);
    let kind = match snapshot.kind {
        EnvironmentKind::Unknown => "environment of unknown making",
        known => kind(known),
    };
    format!("{kind}{python}{entries}, owner {}", printable(owner))
}

fn paragraph(finding: &Finding, screen: &Screen) -> String {
    let paint = screen.paint();
    let label = paint.text(severity_emphasis(finding.severity), severity_word(finding.severity));
    let code = paint.text(Emphasis::Dim, format!("[{}]", finding.code));
    let mut text = format!("\n  {label} {code}\n");
    text.push_str(&wrapped(&sentence(&finding.message), "    "));
    if let Some(cause) = &finding.cause {
        text.push_str(&wrapped(&format!("How it came about: {}", sentence_end(cause)), "    "));
    }
    if let Some(examples) = evidence(finding, screen.verbose) {
        text.push_str(&paint.text(Emphasis::Dim, wrapped(&examples, "    ").trim_end()));
        text.push('\n');
    }
    match &finding.remedy {
        Remedy::Advice(advice) => {
            text.push_str(&wrapped(&format!("What to do: {}", sentence_end(advice)), "    "));
        }
        // That one stands at the end, in place of `venvkeep heal`.
        Remedy::Command(command) if finding.code != Code::ManagedElsewhere => {
            let command = paint.text(Emphasis::Command, printable(command));
            text.extend(["    What to do:\n      ", &command, "\n"]);
        }
        _ => {}
    }
    text
}

/// `Where: a, b, c (and 20 more)`; nothing where it is only about the environment as a whole.
fn evidence(finding: &Finding, all: bool) -> Option<String> {
    let shown = if all { finding.evidence.len() } else { FEW };
    let parts = finding.evidence.iter().filter(|path| path.as_os_str() != ".");
    let names: Vec<_> = parts.take(shown).map(printable).collect();
    if names.is_empty() {
        return None;
    }
    let more = match finding.count.saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("Where: {}{more}", names.join(", ")))
}

/// The one command. What another tool manages is that tool's to rebuild.
fn way_out(one: &Checked, paint: Paint) -> String {
    let managed = one.findings.iter().find(|finding| finding.code == Code::ManagedElsewhere);
    match managed.map(|finding| &finding.remedy) {
        Some(Remedy::Command(command)) => {
            return format!(
                "\nPut it right with:\n  {}\n",
                paint.text(Emphasis::Command, printable(command))
            );
        }
        Some(_) => return String::new(),
        None => {}
    }
    let heals = |finding: &Finding| finding.severity > Severity::Note && finding.remedy == Remedy::Heal;
    if !one.findings.iter().any(heals) {
        return String::new();
    }
    let shown = |command: &str| format!("  {}\n", paint.text(Emphasis::Command, command));
    let mut text = String::from("\n");
    if let Some(distrust) = &one.heal.unsafe_way {
        let said = format!(
            "{distrust}, and so can exchange directories while a heal works in them: it stops there."
        );
        text.push_str(&wrapped(&sentence(&said), ""));
        if let Distrust::OthersCanWrite(directory) = distrust {
            text.push_str("If that directory is yours, take that away first:\n");
            text.push_str(&shown(&format!("chmod go-w {}", shell_word(directory))));
        }
    }
    if let Some(site) = &one.heal.unlisted {
        return text + &with_a_list(one, site, paint);
    }
    let environment = shell_word(one.prefix.path());
    let Some((hostile, trusting)) = &one.heal.if_trusted else {
        text.push_str("Put it right, without sudo and without loss:\n");
        return text + &shown(&one.heal.command);
    };
    let said = format!(
        "It {hostile}, so what it says is installed may be somebody else's word: look at that first."
    );
    text.push_str(&wrapped(&said, ""));
    text.push_str(&shown(&format!("venvkeep freeze --all {environment}")));
    text.push_str("If that is what should be there, put it right, without sudo and without loss:\n");
    text + &shown(trusting)
}

/// Where nothing tells what is installed, a heal takes the user's word for it.
fn with_a_list(one: &Checked, site: &Site, paint: Paint) -> String {
    let shown = |command: &str| format!("  {}\n", paint.text(Emphasis::Command, command));
    let said = format!(
        "{}, and no snapshot of it was kept. So a heal needs a list of what belongs into it.",
        hints::not_known(&one.prefix, site)
    );
    let mut text = wrapped(&sentence(&said), "");
    if site.state == SiteState::Closed {
        text.push_str("Root can write one, which changes nothing in it; give heal that file then:\n");
        text.push_str(&shown(&hints::frozen_by_root(&one.prefix)));
    }
    text.push_str("Put it right from a list that you have, without sudo and without loss:\n");
    text.push_str(&shown(&one.heal.command));
    text + &wrapped(&hints::lists_beside(&one.prefix), "")
}

fn is_about_rights(finding: &Finding) -> bool {
    finding.severity > Severity::Note && matches!(finding.code, Code::ForeignOwner | Code::Unreadable)
}

/// The body of the JSON document.
pub(crate) fn document(checked: &[Checked], caller: &Caller) -> Value {
    let environments: Vec<Value> = checked.iter().map(|one| environment_value(one, caller)).collect();
    json!({
        "environments": environments,
        "summary": summary(&checked.iter().map(Checked::status).collect::<Vec<_>>()),
    })
}

fn environment_value(one: &Checked, caller: &Caller) -> Value {
    let summary = one.snapshot.as_ref().map(Summary::of);
    let name = known::name(&one.prefix, caller);
    environment_document((&one.prefix, &name), summary.as_ref(), (&one.findings, &one.heal))
}

/// An environment in the common envelope: what it is and what is wrong with it, and the command that heals it.
pub(super) fn environment_document(
    (prefix, name): (&Prefix, &str),
    summary: Option<&Summary>,
    (findings, heal): (&[Finding], &HealCommand),
) -> Value {
    let told: Vec<Value> = findings.iter().map(|finding| shared::finding(finding, heal)).collect();
    json!({
        "path": prefix.path().to_string_lossy(),
        "name": name,
        "status": status(findings),
        "kind": kind(summary.map_or(EnvironmentKind::Unknown, |summary| summary.kind)),
        "python": {
            "implementation": summary.and_then(|summary| summary.implementation),
            "version": summary.and_then(|summary| summary.python).map(|version| version.to_string()),
        },
        "owner": summary.map(|one| json!({ "uid": one.owner, "name": credentials::user_name(one.owner) })),
        "entries": summary.map_or(0, |summary| summary.entries),
        "findings": told,
    })
}

/// How many there are of each state.
pub(super) fn summary(states: &[Status]) -> Value {
    let count = |status: Status| states.iter().filter(|one| **one == status).count();
    json!({
        "healthy": count(Status::Healthy),
        "degraded": count(Status::Degraded),
        "broken": count(Status::Broken),
    })
}

fn summary_line(checked: &[Checked]) -> String {
    let count = |status: Status| checked.iter().filter(|one| one.status() == status).count();
    format!(
        "{} environments: {} healthy, {} degraded, {} broken\n",
        checked.len(),
        count(Status::Healthy),
        count(Status::Degraded),
        count(Status::Broken)
    )
}

fn kind(kind: EnvironmentKind) -> &'static str {
    match kind {
        EnvironmentKind::Venv => "venv",
        EnvironmentKind::Virtualenv => "virtualenv",
        EnvironmentKind::Uv => "uv",
        EnvironmentKind::LegacyVirtualenv => "legacy-virtualenv",
        EnvironmentKind::Conda => "conda",
        EnvironmentKind::Unknown => "unknown",
    }
}

pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Healthy => "healthy",
        Status::Degraded => "degraded",
        Status::Broken => "broken",
    }
}

pub(super) fn emphasis(status: Status) -> Emphasis {
    match status {
        Status::Healthy => Emphasis::Good,
        Status::Degraded => Emphasis::Warning,
        Status::Broken => Emphasis::Bad,
    }
}

pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Degraded => "degraded",
        Severity::Broken => "broken",
    }
}

pub(super) fn severity_emphasis(severity: Severity) -> Emphasis {
    match severity {
        Severity::Note => Emphasis::Dim,
        Severity::Degraded => Emphasis::Warning,
        Severity::Broken => Emphasis::Bad,
    }
}

/// The text with a capital first letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    sentence_end(&format!("{first}{}", characters.as_str()))
}

pub(super) fn sentence_end(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// The text, made printable, in lines that can be read and that begin with `indent`. A word that is longer stays
/// whole, so that a path can be copied.
pub(super) fn wrapped(text: &str, indent: &str) -> String {
    wrapped_to(super::prose_width(), text, indent)
}

fn wrapped_to(width: usize, text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in printable(text).split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        let begun = line > indent.len();
        if begun && line + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
        } else if let Some(line) = lines.last_mut() {
            if begun {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::{sentence, wrapped_to};

    const WIDTH: usize = 60;

    #[test]
    fn lines_are_short_and_long_words_whole() {
        let word = "x".repeat(2 * WIDTH);
        let text = format!("{}{word} end", "some words ".repeat(30));
        let shown = wrapped_to(WIDTH, &text, "  ");
        assert!(shown.lines().all(|line| line.starts_with("  ")));
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH || line.trim() == word));
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(wrapped_to(WIDTH, "a\u{1b}b", ""), "a\\u{1b}b\n");
    }

    #[test]
    fn sentences() {
        assert_eq!(sentence("it is gone"), "It is gone.");
        assert_eq!(sentence(""), ".");
    }
}
