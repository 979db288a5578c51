//! Which of the environments that were found are shown.

use std::time::{Duration, SystemTime};

use super::Found;
use crate::diagnose::finding::{Code, Severity};
use crate::interpreters::request::Request as PythonRequest;

/// What is asked for; nothing leaves everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only with one of these findings.
    pub codes: Vec<Code>,
    /// Only what was neither used nor changed for so long.
    pub unused_for: Option<Duration>,
    /// Only of such a Python.
    pub python: Option<PythonRequest>,
    /// Only with this owner.
    pub owner: Option<u32>,
}

impl Filter {
    /// Whether an environment is asked for.
    pub fn fits(&self, found: &Found, now: SystemTime) -> bool {
        let summary = found.summary.as_ref();
        let by_code =
            self.codes.is_empty() || found.findings.iter().any(|finding| self.codes.contains(&finding.code));
        let by_age = self.unused_for.is_none_or(|age| {
            found.last_sign().is_some_and(|sign| now.duration_since(sign).is_ok_and(|since| since >= age))
        });
        let by_python = self.python.as_ref().is_none_or(|wanted| {
            summary.is_some_and(|one| {
                let implementation = one.implementation.unwrap_or("cpython");
                one.python.is_some_and(|version| wanted.names(implementation, &version))
            })
        });
        let by_owner = self.owner.is_none_or(|owner| summary.is_some_and(|one| one.owner == owner));
        by_code && by_age && by_python && by_owner
    }
}

/// What an environment's line stands under: its worst finding, where that is more than a note.
pub fn headline(found: &Found) -> Option<Code> {
    found.findings.first().filter(|finding| finding.severity > Severity::Note).map(|finding| finding.code)
}
