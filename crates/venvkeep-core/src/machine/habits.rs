//! What makes the next breakage likely, and what is broken or lies about already: umasks, known environments, kept trees.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use super::startup::is_strict;
use crate::diagnose::finding::{Severity, Status, status};
use crate::host::fs::{self, Directory};
use crate::inspect::beside;
use crate::model::caller::Caller;
use crate::model::prefix::Prefix;
use crate::model::printable::shell_word;
use crate::scan::{Depth, look};
use crate::store::known;

/// Administrators write these by hand.
const LONGEST: u64 = 1024 * 1024;

/// Under which umask files are made: in this process, by login (login.defs(5)), by `pam_umask`.
pub(super) fn umasks() -> Vec<MachineFinding> {
    let mut findings = Vec::new();
    if let Some(mask) = own_umask().filter(|mask| is_strict(mask)) {
        let message = format!(
            "your umask is {mask}: what you install for others (new --shared does it right by itself), they cannot read"
        );
        findings.push(
            MachineFinding::new(MachineCode::StrictUmask, Severity::Note, message)
                .because("a start-up file, login.defs or PAM set it, often to harden the machine")
                .prevent(
                    "before sudo pip install, which keeps it: umask 022 in that shell; better: no sudo pip",
                ),
        );
    }
    for (file, mask) in settled() {
        let message = format!(
            "{} gives every login the umask {mask}, root's too: whatever root installs with pip, others cannot read",
            file.display()
        );
        findings.push(
            MachineFinding::new(MachineCode::StrictUmask, Severity::Note, message)
                .at([file])
                .prevent("in /etc/sudoers (visudo): Defaults umask=0022, umask_override"),
        );
    }
    findings
}

/// `Umask:` of proc(5). macOS tells it only by changing it (umask(2)), so there it is not looked at.
fn own_umask() -> Option<String> {
    let status = fs::read_bounded(Path::new("/proc/self/status"), LONGEST).ok()?;
    let text = String::from_utf8_lossy(&status).into_owned();
    text.lines().find_map(|line| Some(line.strip_prefix("Umask:")?.trim().to_owned()))
}

/// Whether what this process makes cannot be read by others.
pub(super) fn is_umask_strict() -> bool {
    own_umask().is_some_and(|mask| is_strict(&mask))
}

fn settled() -> Vec<(PathBuf, String)> {
    let read = |path: &Path| {
        let content = fs::physical(path).and_then(|path| fs::read_bounded(&path, LONGEST)).ok()?;
        Some(String::from_utf8_lossy(&content).into_owned())
    };
    let mut found = Vec::new();
    let login = PathBuf::from("/etc/login.defs");
    let mask = read(&login).and_then(|text| {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines.find_map(|line| Some(line.strip_prefix("UMASK")?.trim().to_owned()))
    });
    found.extend(mask.map(|mask| (login, mask)));
    let pam = Path::new("/etc/pam.d");
    let mut names = Directory::open(pam).and_then(|open| open.names()).unwrap_or_default();
    names.sort_unstable();
    for name in names.into_iter().filter_map(|name| String::from_utf8(name).ok()) {
        let file = pam.join(name);
        let Some(text) = read(&file) else { continue };
        let lines =
            text.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains("pam_umask"));
        let masks =
            lines.filter_map(|line| line.split_whitespace().find_map(|word| word.strip_prefix("umask=")));
        found.extend(masks.map(|mask| (file.clone(), mask.to_owned())));
    }
    found.retain(|(_, mask)| is_strict(mask));
    found
}

/// Known environments that are unwell, and old trees that are kept beside any of them.
pub(super) fn environments(caller: &Caller) -> Vec<MachineFinding> {
    let (mut unwell, mut kept) = (Vec::new(), Vec::new());
    for known in known::environments(caller) {
        let Ok(prefix) = Prefix::new(known.path) else { continue };
        kept.extend(beside::kept(&prefix).into_iter().map(|tree| (prefix.path().to_owned(), tree.path)));
        if look(&prefix, &caller.viewer, Depth::Usual)
            .is_ok_and(|look| status(&look.findings) != Status::Healthy)
        {
            unwell.push(prefix.path().to_owned());
        }
    }
    let mut findings = Vec::new();
    if !unwell.is_empty() {
        // Not all of it is a heal's to put right: `check` has the command for each.
        let number = unwell.len();
        let are = if number == 1 { "environment that you know is" } else { "environments that you know are" };
        let finding = MachineFinding::new(
            MachineCode::EnvironmentsUnwell,
            Severity::Degraded,
            format!("{number} {are} unwell"),
        );
        let each: Vec<String> = unwell.iter().map(|path| shell_word(path)).collect();
        findings.push(finding.at(unwell).command(format!("venvkeep check {}", each.join(" "))));
    }
    if !kept.is_empty() {
        let number = kept.len();
        let are = if number == 1 { "old tree is kept" } else { "old trees are kept" };
        let message = format!(
            "{number} {are} from heals and moves, and {} space",
            if number == 1 { "takes" } else { "take" }
        );
        let mut of: Vec<String> = kept.iter().map(|(path, _)| shell_word(path)).collect();
        of.dedup();
        findings.push(
            MachineFinding::new(MachineCode::TreesKept, Severity::Note, message)
                .at(kept.into_iter().map(|(_, tree)| tree))
                .command(format!("venvkeep prune {}", of.join(" "))),
        );
    }
    findings
}
