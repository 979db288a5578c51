//! What `new` can be asked for besides a place: which Python, by whom, and who may read the result.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use venvkeep_testkit::{Context, Invocation, Need, Project, Who, require, tools};

use crate::VENVKEEP;

/// A directory with those of the prepared Pythons, for PATH.
fn bin_of(key: &str) -> std::path::PathBuf {
    tools::python(key).expect("it was required").parent().expect("it lies in a directory").to_owned()
}

fn version(project: &Project<'_>, args: &[&str], path: &[&Path]) -> String {
    let _ = fs::remove_dir_all(project.path().join(".venv"));
    let new = project.venvkeep(["new", "--seed", "none", "--json"]).args(args);
    let new = path.iter().fold(new, Invocation::path_first);
    let report = new.run().success().stdout_json();
    report["python"]["version"]
        .as_str()
        .expect("a version")
        .rsplit_once('.')
        .expect("three parts")
        .0
        .to_owned()
}

#[test]
fn every_way_to_name_a_python() {
    if !require(&[Need::Python("3.10"), Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let (ten, twelve) = (bin_of("3.10"), bin_of("3.12"));
    let path = [twelve.as_path(), ten.as_path()];
    let full = ctx
        .program(Who::User, ten.join("python3.10"))
        .args(["-c", "import platform as p; print(p.python_version())"]);
    let full = full.run().success().stdout;
    for (asked, found) in [
        ("3.12", "3.12"),
        ("3.10", "3.10"),
        (full.trim(), "3.10"),
        ("python3.12", "3.12"),
        (">=3.11,<3.13", "3.12"),
        ("==3.10.*", "3.10"),
        ("~=3.12.0", "3.12"),
        (ten.join("python3.10").to_str().expect("it is text"), "3.10"),
    ] {
        assert_eq!(version(&project, &["-p", asked], &path), found, "{asked}");
    }
    let base = ten.parent().expect("it lies in a directory").to_str().expect("it is text");
    assert_eq!(version(&project, &["-p", base], &path), "3.10", "a directory with a bin");
    // The first on PATH, and a program of any name.
    assert_eq!(version(&project, &["-p", "3"], &[]), version(&project, &["-p", "python"], &[]));
    let tools = ctx.project("tools");
    std::os::unix::fs::symlink(ten.join("python3.10"), tools.path().join("snake")).expect("root can");
    assert_eq!(version(&project, &["-p", "snake"], &[tools.path()]), "3.10");
    if require(&[Need::Python("pypy3")]) {
        let _ = fs::remove_dir_all(project.path().join(".venv"));
        let made = project.venvkeep(["new", "--seed", "none", "--json", "-p", "pypy3"]).run().success();
        assert_eq!(made.stdout_json()["python"]["implementation"], json!("pypy"));
    }
    let missing = project.venvkeep(["new", "./other", "-p", ">=3.99"]).run().code(3);
    missing.stderr_has("there is no Python >=3.99 on this machine that you can use");
}

#[test]
fn the_projects_own_files_decide_and_are_named() {
    if !require(&[Need::Python("3.10"), Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let path = [bin_of("3.10"), bin_of("3.12")];
    let path: Vec<&Path> = path.iter().map(std::path::PathBuf::as_path).collect();

    project.write("pyproject.toml", "[project]\nname = 'x'\nrequires-python = '==3.12.*'\n");
    assert_eq!(version(&project, &[], &path), "3.12");
    let version_file = project.write(".python-version", "# ours\n3.10\n");
    assert_eq!(version(&project, &[], &path), "3.10");
    fs::remove_dir_all(project.path().join(".venv")).expect("it is there");
    let new = path.iter().fold(project.venvkeep(["new", "--seed", "none"]), Invocation::path_first);
    let said = new.run().success();
    let said = said.stdout_has(&format!(", as {} says)", version_file.display()));
    said.stderr_has("pyproject.toml requires Python ==3.12.*, which 3.10.");
    assert_eq!(version(&project, &["-p", "3.12"], &path), "3.12", "the user's word is the last");

    let other = ctx.project("other");
    other.write(".python-version", "3.99\n");
    let refused = other.venvkeep(["new"]).run().code(3).stderr_has("there is no Python 3.99 on this machine");
    refused.stderr_has(".python-version asks for it");
    other.write(".python-version", "my-env\n");
    other.venvkeep(["new", "--seed", "none"]).run().success().stderr_has("my-env");
}

#[test]
fn a_shared_one_is_readable_whatever_the_umask() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    fs::set_permissions(ctx.home(Who::User), fs::Permissions::from_mode(0o755)).expect("root can");
    project
        .venvkeep(["new", "--shared", "tools"])
        .umask(0o077)
        .run()
        .success()
        .stderr_lacks("closed to others");
    let python = project.path().join("tools/.venv/bin/python");
    ctx.program(Who::Other, &python).args(["-m", "pip", "--version"]).run().success();
    let writable =
        ctx.program(Who::Root, "find").arg(project.path()).args(["-perm", "/022", "!", "-type", "l"]);
    writable.run().success().stdout_is("");

    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o700)).expect("root can");
    let closed = project.venvkeep(["new", "--shared", "--seed", "none", "./closed"]).run().success();
    closed.stderr_has(&format!("{} is closed to others", project.path().display()));
}

#[test]
fn nobody_can_write_what_an_open_umask_makes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new"]).umask(0o000).run().success();
    let writable = ctx.program(Who::Root, "find").arg(project.path().join(".venv"));
    writable.args(["-perm", "/002", "!", "-type", "l"]).run().success().stdout_is("");
}

#[test]
fn the_pythons_are_listed_with_the_one_that_new_takes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let bin = project.path().join("bin");
    fs::create_dir(&bin).expect("root can");
    let traps = ctx.traps("pythons");
    traps.set_programs(&bin, &["python3"]);
    fs::set_permissions(bin.join("python3"), fs::Permissions::from_mode(0o777)).expect("root can");
    let pythons = |args: &[&str]| project.venvkeep(["pythons"]).args(args).path_first(&bin).run().success();

    let shown = pythons(&[]).stdout_has("* Python 3.").stdout_has("root");
    let shown = shown.stdout_has("  not used ").stdout_has(bin.join("python3").to_str().expect("it is text"));
    shown
        .stdout_has("other users can write")
        .stdout_has("it is the first python3 on your PATH that can be used");
    traps.assert_untouched();

    let report = pythons(&["--json"]).stdout_json();
    assert_eq!(report["command"], json!("pythons"));
    let listed = report["pythons"].as_array().expect("a list");
    let chosen: Vec<_> = listed.iter().filter(|one| one["chosen"] == json!(true)).collect();
    assert_eq!(chosen.len(), 1, "{report}");
    let made =
        project.venvkeep(["new", "--seed", "none", "--json"]).path_first(&bin).run().success().stdout_json();
    assert_eq!(made["python"]["executable"], report["new"]["executable"]);
    let untrusted =
        listed.iter().find(|one| one["path"] == json!(bin.join("python3"))).expect("it is listed");
    assert_eq!(untrusted["used"], json!(false));

    project.write(".python-version", "3.99\n");
    let none = project.venvkeep(["pythons"]).run().code(1);
    none.stdout_has("finds none: there is no Python 3.99").stdout_has(".python-version asks");
}
