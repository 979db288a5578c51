//! What `doctor` shows: each finding about the machine with its cause, its remedy, and what keeps it from coming back.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Remedy, Severity};
use venvkeep_core::machine::finding::MachineFinding;
use venvkeep_core::model::printable::printable;

use super::check::{sentence, sentence_end, severity_emphasis, severity_word, wrapped};
use super::{Emphasis, Screen};

/// How many places fit on one screen.
const FEW: usize = 3;

/// The text for stdout.
pub(crate) fn report(findings: &[MachineFinding], screen: &Screen) -> String {
    let shown: Vec<&MachineFinding> =
        findings.iter().filter(|finding| !screen.quiet || finding.severity > Severity::Note).collect();
    if shown.is_empty() {
        return "Nothing on this machine breaks environments, as far as can be seen.\n".to_owned();
    }
    let paragraphs: Vec<String> = shown.into_iter().map(|finding| paragraph(finding, screen)).collect();
    paragraphs.join("\n")
}

fn paragraph(finding: &MachineFinding, screen: &Screen) -> String {
    let paint = screen.paint();
    let label = paint.text(severity_emphasis(finding.severity), severity_word(finding.severity));
    let code = paint.text(Emphasis::Dim, format!("[{}]", finding.code));
    let mut text = format!("{label} {code}\n");
    text.push_str(&wrapped(&sentence(&finding.message), "  "));
    if let Some(cause) = &finding.cause {
        text.push_str(&wrapped(&format!("How it came about: {}", sentence_end(cause)), "  "));
    }
    let places = if screen.verbose { finding.evidence.len() } else { FEW };
    let names: Vec<String> = finding.evidence.iter().take(places).map(printable).collect();
    if !names.is_empty() {
        let more = finding.count.saturating_sub(names.len());
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        let line = wrapped(&format!("Where: {}{more}", names.join(", ")), "  ");
        text.extend([&paint.text(Emphasis::Dim, line.trim_end()), "\n"]);
    }
    for remedy in &finding.remedies {
        match remedy {
            Remedy::Command(command) => {
                let command = paint.text(Emphasis::Command, printable(command));
                text.extend(["  What to do:\n    ", &command, "\n"]);
            }
            Remedy::Advice(words) => {
                text.push_str(&wrapped(&format!("What to do: {}", sentence_end(words)), "  "));
            }
            Remedy::Heal | Remedy::Nothing => {}
        }
    }
    for way in &finding.prevention {
        text.push_str(&wrapped(&format!("So that it does not come back: {way}"), "  "));
    }
    text
}

/// The body of the JSON document.
pub(crate) fn document(findings: &[MachineFinding]) -> Value {
    let told: Vec<Value> = findings.iter().map(one).collect();
    let count = |severity: Severity| findings.iter().filter(|one| one.severity == severity).count();
    json!({
        "findings": told,
        "summary": {
            "broken": count(Severity::Broken),
            "degraded": count(Severity::Degraded),
            "note": count(Severity::Note),
        },
    })
}

fn one(finding: &MachineFinding) -> Value {
    let remedies: Vec<Value> = finding
        .remedies
        .iter()
        .filter_map(|remedy| match remedy {
            Remedy::Command(command) => Some(json!({ "kind": "command", "command": command })),
            Remedy::Advice(words) => Some(json!({ "kind": "advice", "advice": words })),
            Remedy::Heal | Remedy::Nothing => None,
        })
        .collect();
    let evidence: Vec<_> = finding.evidence.iter().map(|path| path.to_string_lossy()).collect();
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "cause": finding.cause,
        "count": finding.count,
        "evidence": evidence,
        "remedies": remedies,
        "prevention": finding.prevention,
    })
}
