//! The one report of many heals.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Remedy, Severity};
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::report::{Outcome, Report, ShellTrust};
use venvkeep_core::scan::Found;
use venvkeep_core::scan::filter::headline;

use super::Emphasis;
use super::heal as one_heal;
use crate::commands::heal_all::Fate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request::Session;

/// The text for stdout: what was healed, what failed, what was left and why.
pub(crate) fn report(
    all: &[(&Found, &Fate)],
    well: usize,
    (planned, session): (bool, &Session<'_>),
) -> String {
    let mut text = String::new();
    if session.screen.verbose {
        for report in all.iter().filter_map(|(_, fate)| report_of(fate)) {
            text.push_str(&one_heal::report(report, session));
            text.push('\n');
        }
    }
    let lines: Vec<String> = all.iter().map(|(found, fate)| line(found, (fate, planned), session)).collect();
    text.push_str(&lines.concat());
    if !lines.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary_line(all, well, planned));
    text
}

/// `healed  /home/ana/proj/.venv  (foreign-owner)`, and below it what else there is to say.
fn line(found: &Found, (fate, planned): (&Fate, bool), session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let (emphasis, word) = word(fate, planned);
    let path = printable(found.prefix.path());
    let code = headline(found).map(|code| format!("  ({code})")).unwrap_or_default();
    let mut text =
        format!("{}  {path}{}\n", paint.text(emphasis, format!("{word:9}")), paint.text(Emphasis::Dim, code));
    let mut below = |line: &str| text.extend(["           ", line, "\n"]);
    match fate {
        Fate::Tried(Ok(report)) => told_of(report).iter().for_each(|line| below(line)),
        Fate::Tried(Err(failure)) => {
            below(&failure.message);
            failure.hints.iter().for_each(|hint| below(hint));
        }
        Fate::Left { why, command } => {
            below(&printable(why));
            if let Some(command) = command {
                below(&paint.text(Emphasis::Command, printable(command)));
            }
        }
    }
    text
}

fn word(fate: &Fate, planned: bool) -> (Emphasis, &'static str) {
    match fate {
        Fate::Tried(Ok(report)) => match report.outcome {
            Outcome::Planned => (Emphasis::Strong, "planned"),
            Outcome::NeedsAttention => (Emphasis::Warning, "look at"),
            Outcome::Healthy => (Emphasis::Warning, "as it was"),
            Outcome::Failed => (Emphasis::Bad, "failed"),
            Outcome::Healed | Outcome::Cloned | Outcome::Moved => (Emphasis::Good, "healed"),
        },
        // It stopped for the user to decide.
        Fate::Tried(Err(failure)) if failure.exit == Exit::Attention => (Emphasis::Warning, "look at"),
        Fate::Tried(Err(_)) if planned => (Emphasis::Bad, "no plan"),
        Fate::Tried(Err(_)) => (Emphasis::Bad, "failed"),
        Fate::Left { .. } => (Emphasis::Warning, "left"),
    }
}

/// What a single line about a heal adds.
fn told_of(report: &Report) -> Vec<String> {
    let mut told = Vec::new();
    if !report.distributions.is_empty() {
        told.push(one_heal::installed(report));
    }
    if report.outcome == Outcome::NeedsAttention {
        told.push(format!("details:  venvkeep heal --dry-run --force {}", shell_word(report.prefix.path())));
    }
    if let Some(ShellTrust::NotGiven) = &report.shell_trust {
        let path = shell_word(report.prefix.path());
        told.push(format!(
            "the shell does not activate it by itself; if you trust what is in it: venvkeep trust {path}"
        ));
    }
    for left in report.after.iter().filter(|finding| finding.severity > Severity::Note) {
        told.push(format!("still {}: {}", left.code, printable(&left.message)));
        if let Remedy::Command(command) = &left.remedy {
            told.push(format!("to do:  {}", printable(command)));
        }
    }
    if let Some(old) = &report.old {
        told.push(format!("old kept at {}", printable(old)));
    }
    told
}

fn report_of(fate: &Fate) -> Option<&Report> {
    match fate {
        Fate::Tried(Ok(report)) => Some(report),
        Fate::Tried(Err(_)) | Fate::Left { .. } => None,
    }
}

/// How many ended in which way.
fn counts(all: &[(&Found, &Fate)], planned: bool) -> [(&'static str, usize); 6] {
    let count =
        |words: &[&str]| all.iter().filter(|(_, fate)| words.contains(&word(fate, planned).1)).count();
    [
        ("healed", count(&["healed"])),
        ("planned", count(&["planned"])),
        ("failed", count(&["failed"])),
        ("without a plan", count(&["no plan"])),
        ("to look at", count(&["look at"])),
        ("left as they are", count(&["left", "as it was"])),
    ]
}

fn summary_line(all: &[(&Found, &Fate)], well: usize, planned: bool) -> String {
    let total = all.len() + well;
    let environments = if total == 1 { "environment" } else { "environments" };
    let told: Vec<String> = counts(all, planned)
        .into_iter()
        .filter(|(word, count)| *count > 0 || (*word == "healed" && !planned))
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let told = if told.is_empty() { "nothing to heal".to_owned() } else { told.join(", ") };
    format!("{total} {environments}: {well} healthy, {told}\n")
}

/// The body of the JSON document.
pub(crate) fn document(all: &[(&Found, &Fate)], well: usize, planned: bool) -> Value {
    let mut environments = Vec::new();
    let mut left = Vec::new();
    for (found, fate) in all {
        match fate {
            Fate::Tried(Ok(report)) => environments.push(one_heal::document(report)),
            Fate::Tried(Err(failure)) => environments.push(failed(found, failure)),
            Fate::Left { why, command } => left.push(json!({
                "path": found.prefix.path().to_string_lossy(),
                "why": why,
                "command": command,
                "findings": found.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
            })),
        }
    }
    let counts = counts(all, planned).map(|(word, count)| (word.replace(' ', "_"), json!(count)));
    let mut summary: serde_json::Map<String, Value> = counts.into_iter().collect();
    summary.insert("healthy".to_owned(), json!(well));
    json!({ "environments": environments, "left": left, "summary": summary })
}

fn failed(found: &Found, failure: &Failure) -> Value {
    one_heal::document_of_failure(&found.prefix, failure)
}
