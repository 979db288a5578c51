//! JSON of what more than one command shows.

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Finding, Remedy};

use crate::elsewhere::HealCommand;
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

/// A finding about an environment that `heal` heals.
pub(crate) fn finding(finding: &Finding, heal: &HealCommand) -> Value {
    // Words stand apart from commands: a program may run what stands under `command`. To trust is a person's to decide.
    let if_trusted = heal.if_trusted.as_ref().map(|(_, command)| command);
    let remedy = match &finding.remedy {
        Remedy::Heal => json!({
            "kind": "heal",
            "command": heal.command,
            "if_trusted": if_trusted,
            "needs_list": heal.unlisted.is_some(),
        }),
        Remedy::Nothing => json!({ "kind": "none", "command": null }),
        Remedy::Command(command) => json!({ "kind": "command", "command": command }),
        Remedy::Advice(words) => json!({ "kind": "advice", "command": null, "advice": words }),
    };
    let evidence: Vec<_> = finding.evidence.iter().map(|path| path.to_string_lossy()).collect();
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "count": finding.count,
        "evidence": evidence,
        "remedy": remedy,
    })
}
