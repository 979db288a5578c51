//! The rules of the house, read from the sources: which module may know which, who may touch the disk, how large a file
//! may be. `docs/architecture.md` says why.

#![expect(clippy::disallowed_methods, reason = "the test reads the sources")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library; a module may know those in its own row and the rows above.
const ORDER: [&[&str]; 14] = [
    &["model"],
    &["error", "progress", "host"],
    &["root", "locate"],
    &["interpreters"],
    &["inspect"],
    &["diagnose"],
    &["plan"],
    &["rebuild"],
    &["verify"],
    &["swap", "git_exclude"],
    &["prune"],
    &["report", "store", "shims"],
    &["scan"],
    &["heal", "list", "machine", "new", "remove", "undo"],
];

/// No file is longer.
const LONGEST: usize = 600;

struct Source {
    path: PathBuf,
    /// The module of the library that the file belongs to.
    module: String,
    /// Without comments and without the unit tests at its end.
    code: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is there")
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("a source directory can be listed") {
            let path = entry.expect("its entries too").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn library() -> Vec<Source> {
    let root = repository().join("crates/venvkeep-core/src");
    let sources: Vec<Source> = rust_files(&root)
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).expect("it was found there");
            let first = inside.iter().next().expect("a file has a name").to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("sources are text");
            let without_tests = text.split("\nmod tests {").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code = without_tests.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            Source { path, module, code }
        })
        .collect();
    assert!(sources.len() > 40, "the test must see the library, not an empty directory");
    sources
}

/// The library's modules that a file names, by `crate::` or, from the command, `venvkeep_core::`.
fn known_by(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

fn row(module: &str) -> usize {
    let row = ORDER.iter().position(|row| row.contains(&module));
    row.unwrap_or_else(|| {
        unreachable!("{module} has no place in ORDER: give it one, and say in the docs why")
    })
}

#[test]
fn no_stage_knows_a_later_one() {
    let mut wrong = Vec::new();
    for source in library().iter().filter(|source| source.module != "lib") {
        for known in known_by(&source.code) {
            if row(&known) > row(&source.module) {
                wrong.push(format!("{} knows {known}", source.path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_is_pure_stays_pure() {
    let never = [
        ("model", &["host", "error", "progress"][..]),
        ("host", &["error", "progress"]),
        ("diagnose", &["host"]),
        ("plan", &["host"]),
    ];
    let mut wrong = Vec::new();
    for source in library() {
        let known = known_by(&source.code);
        for (module, forbidden) in never {
            let bad = forbidden.iter().filter(|name| source.module == module && known.contains(**name));
            wrong.extend(bad.map(|name| format!("{} knows {name}", source.path.display())));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn only_the_host_touches_the_machine() {
    let doors = ["std::fs", "std::process", "std::env::", "rustix::", " nix::", "std::net"];
    // Pure functions on the text of a search path, and what the program was compiled for.
    let pure = ["std::env::split_paths", "std::env::join_paths", "std::env::consts"];
    let mut wrong = Vec::new();
    for source in library().iter().filter(|source| source.module != "host") {
        for line in source.code.lines() {
            if doors.iter().any(|door| line.contains(door)) && !pure.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Each call that changes the disk, or starts a program, is announced to the fault points (`host/checkpoint.rs`), so
/// that the fault matrix is complete.
#[test]
fn every_step_that_changes_the_disk_has_a_fault_point() {
    let calls = [
        "mkdir",
        "mkdirat",
        "symlink",
        "symlinkat",
        "chmod",
        "chmodat",
        "fchmod",
        "unlink",
        "unlinkat",
        "rmdir",
        "rename",
        "renameat",
        "renameat_with",
        "futimens",
        "utimensat",
        "syncfs",
        "link",
        "linkat",
        "ftruncate",
    ];
    let changing = calls.map(|call| format!("rustix::fs::{call}("));
    let methods =
        [".write_all(", ".set_len(", ".sync_data(", ".sync_all(", "io::copy(", ".spawn()", "OFlags::CREATE"];
    let (mut wrong, mut all) = (Vec::new(), 0);
    for source in library().iter().filter(|source| source.module == "host") {
        let count = |word: &str| source.code.matches(word).count();
        let steps: usize = changing.iter().map(|call| count(call)).sum::<usize>()
            + methods.iter().map(|call| count(call)).sum::<usize>();
        let announced = count("reach(\"") + count("reach_in(\"") + count("reach(if ") + count("reach(step");
        all += steps;
        if steps > announced && !source.path.ends_with("checkpoint.rs") {
            wrong.push(format!("{}: {steps} steps, {announced} announced", source.path.display()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(all > 25, "the test must see the steps: {all}");
}

/// `machine` renames caches and `~/.local`, which are none.
#[test]
fn only_swap_and_new_rename_environments() {
    let may = ["swap", "new", "host", "machine"];
    for source in library().iter().filter(|source| !may.contains(&source.module.as_str())) {
        assert!(!source.code.contains("host::rename"), "{}", source.path.display());
        assert!(!source.code.contains("rename::"), "{}", source.path.display());
    }
}

#[test]
fn the_library_prints_nothing() {
    for source in library() {
        for word in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!"] {
            assert!(!source.code.contains(word), "{} prints", source.path.display());
        }
    }
}

#[test]
fn no_room_is_too_large_to_live_in() {
    let mut files = rust_files(&repository().join("crates"));
    files.extend(rust_files(&repository().join("tests")));
    assert!(files.len() > 60, "the test must see the sources");
    files.extend(
        ["bash", "zsh", "fish"].map(|shell| repository().join("shims").join(format!("venvkeep.{shell}"))),
    );
    for path in files {
        let lines = fs::read_to_string(&path).expect("sources are text").lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
    }
}

/// A workspace of its own, whose lock file nobody else's build looks at.
#[test]
fn the_fuzz_targets_lock_knows_the_librarys_dependencies() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).expect("it is text");
    let lock = read("tests/fuzz/Cargo.lock");
    let package = lock.split("\n\n").find(|one| one.contains("name = \"venvkeep-core\"")).unwrap_or_default();
    let manifest = read("crates/venvkeep-core/Cargo.toml");
    let section = manifest.split("\n[").find_map(|one| one.strip_prefix("dependencies]")).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let names: Vec<_> = names.filter(|name| !name.is_empty() && !name.starts_with('#')).collect();
    assert!(names.len() > 10, "the test must see the dependencies: {names:?}");
    for name in names {
        assert!(
            package.contains(&format!(" \"{name}")),
            "tests/fuzz/Cargo.lock lacks {name}: cargo update -w there"
        );
    }
}

/// What may stand in a journal, against the table of what a crash leaves.
#[test]
fn the_table_of_crashes_knows_every_step_of_the_journal() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).expect("it is text");
    let journal = read("crates/venvkeep-core/src/swap/journal.rs");
    let steps =
        journal.split("enum Step {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap_or_default();
    let names: Vec<_> = steps
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.trim_end_matches([' ', ',', '{']))
        .collect();
    assert!(names.len() > 3, "the test must see the steps: {names:?}");
    let page = read("docs/safety.md");
    let rows: Vec<Vec<&str>> =
        page.lines().filter(|line| line.starts_with("| ")).map(|line| line.split(" | ").collect()).collect();
    for name in names {
        // `RollingBack` is written `rolling back`.
        let words: String = name
            .chars()
            .enumerate()
            .flat_map(|(at, one)| {
                (at > 0 && one.is_uppercase()).then_some(' ').into_iter().chain(one.to_lowercase())
            })
            .collect();
        assert!(
            rows.iter().any(|row| row.len() == 5 && row[1] == words),
            "docs/safety.md has no row of {words}"
        );
    }
}
