//! Base interpreters as they are found on this machine, and what only looks like one.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test lays out its own directory, and fails by panic"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use venvkeep_core::host::credentials::viewer;
use venvkeep_core::interpreters::find::{FindError, find, survey};
use venvkeep_core::interpreters::request::Request;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::interrupt::Interrupt;
use venvkeep_testkit::{Need, require};

/// Somebody whose home and cache lie in `ground`.
fn caller(ground: &Path, path: &str) -> Caller {
    let variables = BTreeMap::from([(OsString::from("PATH"), OsString::from(path))]);
    let mut caller = Caller::new(viewer(Vec::new()), ground.to_owned(), variables);
    caller.home = Some(ground.join("home"));
    caller.cache_dir = Some(ground.join("cache"));
    caller
}

/// A directory whose parents others cannot write, which the usual temporary directory is not without its sticky bit.
fn ground() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn every_interpreter_answers_for_itself() {
    let ground = ground();
    let caller = caller(ground.path(), "/usr/bin");
    let found = survey(&caller, &Interrupt::default()).unwrap();
    let answers: Vec<_> = found.iter().filter_map(|candidate| candidate.answer.as_ref().ok()).collect();
    assert!(!answers.is_empty(), "{found:?}");
    for answer in answers {
        let library = answer.scheme.purelib.to_str().unwrap();
        let version = format!("{}.{}", answer.version.major, answer.version.minor);
        assert!(library.starts_with("lib/") && library.ends_with("/site-packages"), "{library}");
        assert!(library.contains(&version), "{library}");
        assert!(answer.scheme.include.ends_with(format!("site/python{version}")));
        assert!(answer.stdlib.join("os.py").exists(), "{}", answer.stdlib.display());
        assert_eq!(answer.markers["python_version"], version);
        assert_eq!(answer.markers["implementation_name"], answer.implementation);
    }
}

#[test]
fn the_second_time_nothing_is_started() {
    let ground = ground();
    let caller = caller(ground.path(), "/usr/bin");
    let first = find(&Request::Any, &caller, &Interrupt::default()).unwrap();
    // An interrupted run starts nothing to its end, so this answer can only come from the cache.
    let stopped = Interrupt::default();
    stopped.flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(find(&Request::Any, &caller, &stopped).unwrap(), first);
    fs::remove_dir_all(ground.path().join("cache")).unwrap();
    assert!(matches!(find(&Request::Any, &caller, &stopped), Err(FindError::Interrupted)));
}

#[test]
fn the_versioned_name_is_what_environments_link_to() {
    let ground = ground();
    let found = find(&Request::Any, &caller(ground.path(), "/usr/bin"), &Interrupt::default()).unwrap();
    let name = found.executable.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("python{}.{}", found.version.major, found.version.minor));
}

#[test]
fn what_may_not_be_started_is_not() {
    let ground = ground();
    let mark = ground.path().join("started");
    let bin = ground.path().join("bin");
    program(&bin.join("python3"), &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    fs::set_permissions(bin.join("python3"), fs::Permissions::from_mode(0o777)).unwrap();
    let environment = ground.path().join("environment");
    program(&environment.join("bin/python3"), &format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    fs::write(environment.join("pyvenv.cfg"), "").unwrap();
    symlink("environment/bin", ground.path().join("linked")).unwrap();

    let path = format!("{0}/environment/bin:{0}/linked:{0}/bin:/usr/bin", ground.path().display());
    let found = find(&Request::Any, &caller(ground.path(), &path), &Interrupt::default()).unwrap();
    assert!(found.executable.starts_with("/usr/bin"), "{found:?}");
    for named in ["environment/bin/python3", "environment", "linked/python3", "bin/python3"] {
        let request = Request::parse(OsStr::new(&format!("./{named}")));
        let error = find(&request, &caller(ground.path(), &path), &Interrupt::default()).unwrap_err();
        assert!(matches!(error, FindError::Named(_)), "{named}: {error}");
    }
    assert!(!mark.exists());
}

#[test]
fn what_is_no_python_is_named_with_what_it_said() {
    let cases = [
        ("echo 'boom\u{1b}[31m' >&2; exit 1", "boom\\u{1b}[31m"),
        ("echo '{\"too_old\": \"3.6.15\"}'", "is Python 3.6.15; venvkeep supports 3.8 and newer"),
        ("echo 'Unknown option: -I' >&2; exit 2", "is Python 2; venvkeep supports 3.8 and newer"),
        ("echo '{\"facts\": {}}'", "does not work as a Python"),
    ];
    for (script, expected) in cases {
        let ground = ground();
        program(&ground.path().join("bin/python3"), &format!("#!/bin/sh\n{script}\n"));
        let caller = caller(ground.path(), "/usr/bin:/bin");
        let error = find(&Request::Path("bin/python3".into()), &caller, &Interrupt::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn nothing_suitable_lists_what_there_is() {
    let ground = ground();
    let caller = caller(ground.path(), "/usr/bin");
    let error = find(&Request::parse(OsStr::new("3.99")), &caller, &Interrupt::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no Python 3.99 on this machine that you can use");
    let FindError::NoneSuitable { found, .. } = error else { panic!("{error}") };
    let listed: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(listed.iter().any(|line| line.contains(" at /usr/bin/python3")), "{listed:?}");
}

#[test]
fn pypy_is_only_taken_when_it_is_meant() {
    let ground = ground();
    let caller = caller(ground.path(), "/usr/bin");
    if !require(&[Need::Program("pypy3")]) {
        return;
    }
    let found = find(&Request::parse(OsStr::new("pypy3")), &caller, &Interrupt::default()).unwrap();
    assert_eq!(found.implementation, "pypy");
    let version = format!("{}.{}", found.version.major, found.version.minor);
    let by_number = find(&Request::parse(OsStr::new(&version)), &caller, &Interrupt::default());
    assert!(by_number.map_or(true, |it| it.implementation == "cpython"));
}
