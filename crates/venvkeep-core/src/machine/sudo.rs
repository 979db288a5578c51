//! What sudo's own settings do to files that it makes: sudoers(5), which only root can read.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use super::startup::is_strict;
use crate::diagnose::finding::Severity;
use crate::host::fs::{self, Directory};

/// Administrators write these by hand.
const LONGEST: u64 = 1024 * 1024;

/// What a `Defaults` line does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setting {
    /// The umask of whatever it starts, on top of the caller's.
    Umask(String),
    /// HOME stays the caller's, so that root's pip fills their cache.
    KeepsHome,
}

/// Those that lead astray, of every file that this user may read.
pub(super) fn settings() -> Vec<MachineFinding> {
    let mut files = vec![PathBuf::from("/etc/sudoers")];
    let more = Path::new("/etc/sudoers.d");
    let mut names = Directory::open(more).and_then(|open| open.names()).unwrap_or_default();
    names.sort_unstable();
    let names = names.into_iter().filter_map(|name| String::from_utf8(name).ok());
    // sudo passes by names with a dot, and those that end in `~`.
    files
        .extend(names.filter(|name| !name.contains('.') && !name.ends_with('~')).map(|name| more.join(name)));
    let mut findings = Vec::new();
    for file in files {
        let Ok(content) = fs::physical(&file).and_then(|path| fs::read_bounded(&path, LONGEST)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&content).into_owned();
        for (number, line) in (1..).zip(text.lines()) {
            findings.extend(read(line).into_iter().map(|setting| finding(&file, number, &setting)));
        }
    }
    findings
}

fn finding(file: &Path, number: usize, setting: &Setting) -> MachineFinding {
    let mut place = file.as_os_str().to_owned();
    place.push(format!(":{number}"));
    let place = PathBuf::from(place);
    let at = place.display();
    let (message, way) = match setting {
        Setting::Umask(mask) => (
            format!(
                "{at} gives whatever sudo starts the umask {mask}: what sudo pip installs, others cannot read"
            ),
            "set it to 0022 (with visudo): Defaults umask=0022, umask_override",
        ),
        Setting::KeepsHome => (
            format!(
                "{at} lets HOME stay the caller's under sudo: root's pip, uv and pipx fill the user's own caches"
            ),
            "take that out (with visudo), or say sudo -H",
        ),
    };
    MachineFinding::new(MachineCode::SudoSetting, Severity::Degraded, message).at([place]).advice(way)
}

fn read(line: &str) -> Vec<Setting> {
    let Some(rest) = line.trim_start().strip_prefix("Defaults") else { return Vec::new() };
    let mut settings = Vec::new();
    if rest.contains("env_keep")
        && rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "HOME")
    {
        settings.push(Setting::KeepsHome);
    }
    for word in rest.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            Some(("umask", mask)) if is_strict(mask) => settings.push(Setting::Umask(mask.to_owned())),
            None if matches!(word, "!env_reset" | "!always_set_home") => settings.push(Setting::KeepsHome),
            _ => {}
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::{Setting, read};

    #[test]
    fn lines_that_matter() {
        assert_eq!(read("Defaults umask=0027"), [Setting::Umask("0027".to_owned())]);
        assert_eq!(read("Defaults umask=0022, umask_override"), []);
        assert_eq!(read("Defaults\t!env_reset,mail_badpass"), [Setting::KeepsHome]);
        assert_eq!(read("Defaults:ana env_keep += \"EDITOR HOME\""), [Setting::KeepsHome]);
        for line in [
            "Defaults env_reset",
            "# Defaults umask=0077",
            "Defaults env_keep += \"HOMEPAGE\"",
            "ana ALL=(ALL) ALL",
        ] {
            assert_eq!(read(line), [], "{line}");
        }
    }
}
