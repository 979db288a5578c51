//! Every help text and man page, as it is shown, against `snapshots-of-help/`.
//!
//! After a change that is meant: `VENVKEEP_RENEW=1 cargo test -p venvkeep --test e2e help::`, and look at the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use venvkeep_testkit::{Need, require};

use crate::VENVKEEP;

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/e2e/snapshots-of-help")
}

fn said(words: &[&str]) -> Output {
    Command::new(VENVKEEP).args(words).env_clear().env("HOME", "/").output().expect("the program starts")
}

fn text(words: &[&str]) -> String {
    let output = said(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("help is text")
}

/// The pages by name: `venvkeep-shims-install.1`.
fn man_pages() -> BTreeMap<String, String> {
    let out = tempdir();
    text(&["man", "--out", out.path().to_str().expect("a name of ours")]);
    let entries = fs::read_dir(out.path()).expect("the pages are there");
    entries
        .map(|entry| {
            let path = entry.expect("they can be listed").path();
            let name = path.file_name().expect("a page has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(path).expect("a page is text"))
        })
        .collect()
}

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory for the pages")
}

#[test]
fn help_and_man_pages_are_as_they_were() {
    let mut now = BTreeMap::new();
    let commands = ["shims"];
    for (name, page) in man_pages() {
        let words = name.trim_start_matches("venvkeep").trim_start_matches('-').trim_end_matches(".1");
        let inner = commands
            .iter()
            .find_map(|outer| words.strip_prefix(&format!("{outer}-")).map(|rest| (*outer, rest)));
        let words: Vec<&str> = match inner {
            Some((outer, rest)) => vec![outer, rest],
            None => vec![words].into_iter().filter(|word| !word.is_empty()).collect(),
        };
        let with = |option| text(&words.iter().copied().chain([option]).collect::<Vec<_>>());
        let stem = name.trim_end_matches(".1");
        now.insert(format!("{stem}.txt"), format!("$ -h\n{}\n$ --help\n{}", with("-h"), with("--help")));
        now.insert(name, page.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
    assert!(now.len() > 40, "every command has both: {:?}", now.keys());
    if std::env::var_os("VENVKEEP_RENEW").is_some() {
        let _ = fs::remove_dir_all(snapshots());
        fs::create_dir(snapshots()).expect("a fresh directory");
        for (name, text) in &now {
            fs::write(snapshots().join(name), text).expect("a snapshot can be written");
        }
    }
    let renew = "If that is meant: VENVKEEP_RENEW=1 cargo test -p venvkeep --test e2e help::";
    let kept: Vec<String> = {
        let entries = fs::read_dir(snapshots()).expect("the snapshots are there");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("they can be listed"))).collect();
        names.sort();
        names
    };
    assert_eq!(kept, now.keys().cloned().collect::<Vec<_>>(), "{renew}");
    for (name, text) in &now {
        let before = fs::read_to_string(snapshots().join(name)).expect("a snapshot is text");
        let differs = before.lines().zip(text.lines()).find(|(before, now)| before != now);
        assert!(before == *text, "{name} is another now, from {differs:?} on. {renew}");
    }
}

#[test]
fn man_pages_are_without_fault() {
    if !require(&[Need::Program("man")]) {
        return;
    }
    let pages = man_pages();
    for named in pages["venvkeep.1"].lines().filter_map(|line| line.strip_suffix("(1)")) {
        let name = format!("{}.1", named.replace('\\', ""));
        assert!(pages.contains_key(&name), "venvkeep(1) names {name}, which is not there");
    }
    for (name, page) in pages {
        let out = tempdir();
        let path = out.path().join(name);
        fs::write(&path, page).expect("a page can be written");
        let mut man = Command::new("man");
        let man = man
            .args(["--warnings", "-E", "UTF-8", "-l"])
            .arg(&path)
            .env("MANWIDTH", "80")
            .env("LC_ALL", "C.UTF-8");
        let output = man.output().expect("man is there");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{}: {errors}", path.display());
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("EXIT STATUS"), "{shown}");
    }
}

#[test]
fn the_short_version_is_name_and_number_and_the_long_one_says_which_commit() {
    let short = text(&["-V"]);
    assert_eq!(short, format!("venvkeep {}\n", env!("CARGO_PKG_VERSION")));
    let long = text(&["--version"]);
    let origin = long
        .trim_end()
        .strip_prefix(&format!("{} (", short.trim_end()))
        .and_then(|rest| rest.strip_suffix(')'));
    let origin = origin.unwrap_or_default();
    let is_commit = origin.len() >= 12 && origin[..12].chars().all(|one| one.is_ascii_hexdigit());
    assert!(is_commit || origin == "commit unknown", "{long}");
}
