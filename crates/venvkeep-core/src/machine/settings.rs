//! Environment variables and pip's own settings that lead Python, pip or a shell astray.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use crate::diagnose::finding::Severity;
use crate::host::fs;
use crate::locate::{Likeness, looks_like_environment};
use crate::model::caller::Caller;
use crate::model::index_settings::conf_entries;

/// People write it by hand.
const LONGEST: u64 = 1024 * 1024;

/// A variable, what it does, and how much that matters.
const VARIABLES: [(&str, Severity, &str); 7] = [
    (
        "PYTHONPATH",
        Severity::Degraded,
        "every Python that you start looks there first, also those in environments: a package there hides the \
         environment's own, and one for another version of Python does not import",
    ),
    (
        "PYTHONHOME",
        Severity::Broken,
        "every Python takes its standard library from there: those of other versions do not start",
    ),
    (
        "PIP_TARGET",
        Severity::Degraded,
        "pip installs everything into that directory, and nothing into the environment that is active",
    ),
    (
        "PIP_PREFIX",
        Severity::Degraded,
        "pip installs everything below that directory, and nothing into the environment that is active",
    ),
    (
        "PIP_USER",
        Severity::Degraded,
        "pip installs into ~/.local, which it refuses to do in an environment: every pip install there fails",
    ),
    (
        "PIP_REQUIRE_VIRTUALENV",
        Severity::Note,
        "pip works in environments only, which is a good habit; it also stops pip freeze and pip download outside",
    ),
    (
        "PIP_BREAK_SYSTEM_PACKAGES",
        Severity::Degraded,
        "pip writes among the system's packages without asking (PEP 668 is switched off)",
    ),
];

/// What the variables of this process do.
pub(super) fn variables(caller: &Caller) -> Vec<MachineFinding> {
    let mut findings = Vec::new();
    for (name, severity, follows) in VARIABLES {
        let Some(value) = caller.variable(name) else { continue };
        if matches!(value.to_str(), Some("0" | "false" | "no" | "off")) {
            continue;
        }
        let message = format!("{name} is set to {}: {follows}", value.to_string_lossy());
        let finding = MachineFinding::new(MachineCode::Variable, severity, message);
        findings.push(match severity {
            Severity::Note => finding,
            _ => finding.command(format!("unset {name}")).advice(
                "and take the line away that sets it; doctor names those that it finds in start-up files",
            ),
        });
    }
    findings.extend(active(caller));
    if let Some(base) = caller.variable("CONDA_PREFIX")
        && caller.variable("CONDA_DEFAULT_ENV").is_some_and(|name| name == "base")
    {
        let message = format!(
            "conda's base environment ({}) is active in this shell: python and pip mean conda's, and what you install \
             changes conda itself",
            base.to_string_lossy()
        );
        findings.push(
            MachineFinding::new(MachineCode::Variable, Severity::Note, message)
                .command("conda config --set auto_activate_base false")
                .advice("and conda deactivate, in this shell"),
        );
    }
    findings
}

/// A `VIRTUAL_ENV` that names no environment any more.
fn active(caller: &Caller) -> Option<MachineFinding> {
    let active = Path::new(caller.variable("VIRTUAL_ENV")?);
    if looks_like_environment(active) != Likeness::None {
        return None;
    }
    let message = format!(
        "VIRTUAL_ENV names {}, where no environment is any more: tools that believe it fail, or use the system's Python",
        active.display()
    );
    let finding = MachineFinding::new(MachineCode::Variable, Severity::Degraded, message)
        .because("the environment was removed or moved while it was active, or an editor or tmux passed the variable on")
        .at([active.to_owned()])
        .command("deactivate 2>/dev/null || unset VIRTUAL_ENV");
    Some(finding)
}

/// Settings in pip's own files that send packages elsewhere.
pub(super) fn pip_configuration(caller: &Caller) -> Vec<MachineFinding> {
    const ASTRAY: [(&str, &str); 4] = [
        (
            "user",
            "pip installs into ~/.local, which it refuses to do in an environment: every pip install there fails",
        ),
        (
            "target",
            "pip installs everything into that directory, and nothing into the environment that is active",
        ),
        (
            "prefix",
            "pip installs everything below that directory, and nothing into the environment that is active",
        ),
        ("break-system-packages", "pip writes among the system's packages without asking"),
    ];
    let mut findings = Vec::new();
    for file in pip_files(caller) {
        let Ok(content) = fs::physical(&file).and_then(|path| fs::read_bounded(&path, LONGEST)) else {
            continue;
        };
        for (key, value) in conf_entries(&String::from_utf8_lossy(&content)) {
            let Some((_, follows)) = ASTRAY.iter().find(|(astray, _)| *astray == key) else { continue };
            if matches!(value.to_lowercase().as_str(), "" | "0" | "false" | "no" | "off") {
                continue;
            }
            let message = format!("{} says {key} = {value}: {follows}", file.display());
            findings.push(
                MachineFinding::new(MachineCode::PipSetting, Severity::Degraded, message)
                    .at([file.clone()])
                    .advice(format!("take the line \"{key} = {value}\" out of it")),
            );
        }
    }
    findings
}

/// pip's files, by its documentation; that of the environment is not the machine's.
fn pip_files(caller: &Caller) -> Vec<PathBuf> {
    let home = |below: &str| caller.home.as_ref().map(|home| home.join(below));
    let config = caller.variable("XDG_CONFIG_HOME").map(|base| Path::new(base).join("pip/pip.conf"));
    let named =
        caller.variable("PIP_CONFIG_FILE").map(PathBuf::from).filter(|file| *file != Path::new("/dev/null"));
    let files = [
        Some(PathBuf::from("/etc/pip.conf")),
        Some(PathBuf::from("/etc/xdg/pip/pip.conf")),
        home(".pip/pip.conf"),
        config.or_else(|| home(".config/pip/pip.conf")),
        named,
    ];
    files.into_iter().flatten().collect()
}
