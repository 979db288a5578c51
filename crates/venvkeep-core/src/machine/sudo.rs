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

/// How many files are read: those that are included include others.
const MOST_FILES: usize = 256;

/// Those that lead astray, of every file that this user may read: sudo's own, and what it includes.
pub(super) fn settings() -> Vec<MachineFinding> {
    let mut files = vec![PathBuf::from("/etc/sudoers")];
    files.extend(in_directory(Path::new("/etc/sudoers.d")));
    let (mut findings, mut at) = (Vec::new(), 0);
    while let Some(file) = files.get(at).cloned() {
        at += 1;
        let Ok(content) = fs::physical(&file).and_then(|path| fs::read_bounded(&path, LONGEST)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&content).into_owned();
        for (number, line) in lines(&text) {
            findings.extend(read(&line).into_iter().map(|setting| finding(&file, number, &setting)));
            let more = match included(&line) {
                Some(Included::File(path)) => vec![path],
                Some(Included::Directory(path)) => in_directory(&path),
                None => Vec::new(),
            };
            let new: Vec<PathBuf> = more.into_iter().filter(|path| !files.contains(path)).collect();
            files.extend(new);
        }
        files.truncate(MOST_FILES);
    }
    findings
}

/// What sudo reads of a directory: not names with a dot, and not those that end in `~`.
fn in_directory(directory: &Path) -> Vec<PathBuf> {
    let mut names = Directory::open(directory).and_then(|open| open.names()).unwrap_or_default();
    names.sort_unstable();
    let names = names.into_iter().filter_map(|name| String::from_utf8(name).ok());
    names
        .filter(|name| !name.contains('.') && !name.ends_with('~'))
        .map(|name| directory.join(name))
        .collect()
}

/// What a line brings in.
#[derive(Debug, PartialEq, Eq)]
enum Included {
    File(PathBuf),
    Directory(PathBuf),
}

/// `@include` and `@includedir`, and how they were written before. A name with `%h` in it depends on the host's, and is
/// passed by.
fn included(line: &str) -> Option<Included> {
    let rest = line.trim_start().strip_prefix(['@', '#'])?.strip_prefix("include")?;
    let (rest, is_directory) = rest.strip_prefix("dir").map_or((rest, false), |rest| (rest, true));
    let path = rest.strip_prefix([' ', '\t'])?.trim().trim_matches('"');
    if path.is_empty() || path.contains('%') {
        return None;
    }
    let path = Path::new("/etc").join(path);
    Some(if is_directory { Included::Directory(path) } else { Included::File(path) })
}

/// The lines as sudo reads them, each with the number of its first: without comments, and one that ends in a backslash
/// together with the next.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = without_comment(line);
        let (line, continues) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, before)) => before.push_str(line),
            None => lines.push((number, line.to_owned())),
        }
        goes_on = continues;
    }
    lines
}

/// A comment begins at `#`, wherever it stands, but for one in quotes or behind a backslash, and that of `#include`.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("#include") {
        return line;
    }
    let (mut in_quotes, mut is_escaped) = (false, false);
    for (at, character) in line.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => in_quotes = !in_quotes,
            '#' if !in_quotes => return &line[..at],
            _ => {}
        }
    }
    line
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

/// What one line sets: `Defaults`, whom it is about (`:ana`, `@host`, `>root`, `!command`), and a list of settings.
fn read(line: &str) -> Vec<Setting> {
    let Some(rest) = line.trim_start().strip_prefix("Defaults") else { return Vec::new() };
    let list = match rest.chars().next() {
        Some(' ' | '\t') => rest,
        Some(':' | '@' | '>' | '!') => behind_list(&rest[1..]),
        _ => return Vec::new(),
    };
    split_at_commas(list).into_iter().filter_map(read_one).collect()
}

/// What follows a list whose parts have a comma between them, which may have blanks around it.
fn behind_list(text: &str) -> &str {
    let mut at_comma = true;
    for (at, character) in text.char_indices() {
        let is_blank = matches!(character, ' ' | '\t');
        if is_blank && !at_comma && !text[at..].trim_start().starts_with(',') {
            return &text[at..];
        }
        at_comma = character == ',' || (is_blank && at_comma);
    }
    ""
}

fn split_at_commas(list: &str) -> Vec<&str> {
    let mut in_quotes = false;
    list.split(|character| {
        in_quotes ^= character == '"';
        character == ',' && !in_quotes
    })
    .map(str::trim)
    .collect()
}

/// One setting: `name`, `!name`, or a name, `=`, `+=` or `-=`, and a value. `env_check` lets no HOME through: its value has
/// a slash.
fn read_one(setting: &str) -> Option<Setting> {
    if let Some(name) = setting.strip_prefix('!') {
        return matches!(name.trim(), "env_reset" | "always_set_home").then_some(Setting::KeepsHome);
    }
    let (name, value) = setting.split_once('=')?;
    let value = value.trim().trim_matches('"').trim();
    match name.trim_end() {
        // 0777 tells sudo to leave the umask alone.
        "umask" if is_strict(value) && value.trim_start_matches('0') != "777" => {
            Some(Setting::Umask(value.to_owned()))
        }
        name => {
            let name = name.trim_end_matches('+').trim_end();
            let keeps = name == "env_keep" && value.split_ascii_whitespace().any(is_home);
            keeps.then_some(Setting::KeepsHome)
        }
    }
}

/// Whether a word of `env_keep` means HOME: itself, with a value, or by a pattern.
fn is_home(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    name.strip_suffix('*').map_or(name == "HOME", |start| "HOME".starts_with(start))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Included, Setting, included, lines, read};

    fn settings(text: &str) -> Vec<(usize, Setting)> {
        let settings =
            |(number, line): (usize, String)| read(&line).into_iter().map(move |setting| (number, setting));
        lines(text).into_iter().flat_map(settings).collect()
    }

    #[test]
    fn lines_that_matter() {
        let umask = |mask: &str| Setting::Umask(mask.to_owned());
        for (text, found) in [
            ("Defaults umask=0027", vec![(1, umask("0027"))]),
            ("Defaults umask = 0077", vec![(1, umask("0077"))]),
            ("Defaults umask=\"0077\"", vec![(1, umask("0077"))]),
            ("# first\nDefaults env_reset, \\\n  umask=077", vec![(2, umask("077"))]),
            ("Defaults\t!env_reset,mail_badpass", vec![(1, Setting::KeepsHome)]),
            ("Defaults:ana env_keep += \"EDITOR HOME\"", vec![(1, Setting::KeepsHome)]),
            ("Defaults:ana, bob !always_set_home", vec![(1, Setting::KeepsHome)]),
            ("Defaults!/usr/bin/pip umask=077 # ours", vec![(1, umask("077"))]),
            ("Defaults env_keep = \"*\"", vec![(1, Setting::KeepsHome)]),
            ("Defaults env_keep+=HOME, umask=0027", vec![(1, Setting::KeepsHome), (1, umask("0027"))]),
        ] {
            assert_eq!(settings(text), found, "{text}");
        }
    }

    #[test]
    fn lines_that_do_not() {
        for text in [
            "Defaults umask=0022, umask_override",
            "Defaults umask=0777",
            "Defaults umask=0022 # not umask=0077",
            "Defaults umask=0022 # once: !env_reset, \\",
            "Defaults env_reset",
            "# Defaults umask=0077",
            "Defaults env_keep += \"HOMEPAGE\"",
            "Defaults env_keep -= \"HOME\"",
            "Defaults env_check += \"HOME\"",
            "Defaults badpass_message=\"no, umask=0077 #1\"",
            "Defaults:ana",
            "DefaultsX umask=077",
            "ana ALL=(ALL) ALL",
        ] {
            assert_eq!(settings(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_included() {
        for (line, what) in [
            ("@includedir /etc/more.d", Some(Included::Directory(PathBuf::from("/etc/more.d")))),
            ("#includedir /etc/more.d", Some(Included::Directory(PathBuf::from("/etc/more.d")))),
            ("@include \"local\"", Some(Included::File(PathBuf::from("/etc/local")))),
            ("@include sudoers.%h", None),
            ("# include nothing", None),
            ("@includedirectory /x", None),
        ] {
            assert_eq!(included(line), what, "{line}");
        }
    }
}
