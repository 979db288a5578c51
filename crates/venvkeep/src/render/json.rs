//! JSON of what more than one command shows.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Finding, Remedy};
use venvkeep_core::model::prefix::Prefix;

use super::printable::shell_word;
use crate::failure::Failure;

/// A failure.
pub(crate) fn failure(failure: &Failure) -> Value {
    json!({
        "message": failure.message,
        "exit": failure.exit.code(),
        "live": failure.live,
        "hints": failure.hints,
    })
}

/// A finding about an environment.
pub(crate) fn finding(finding: &Finding, prefix: &Prefix) -> Value {
    let (kind, command) = match &finding.remedy {
        Remedy::Heal => ("heal", Some(format!("venvkeep heal {}", shell_word(prefix.path())))),
        Remedy::Nothing => ("none", None),
        Remedy::Command(command) => ("command", Some(command.clone())),
        Remedy::Advice(words) => ("advice", Some(words.clone())),
    };
    let evidence: Vec<_> = finding.evidence.iter().map(|path| path.to_string_lossy()).collect();
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "count": finding.count,
        "evidence": evidence,
        "remedy": { "kind": kind, "command": command },
    })
}
