//! What `new` keeps for the next time: used where nobody else can have written it, and never missed where it is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Need, Project, Who, owners, require, tools};

use crate::VENVKEEP;

/// Every file and directory below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("it can be listed");
    let entries = entries.map(|entry| entry.expect("its entries too").path());
    let descend = |path: PathBuf| {
        let deeper = if path.is_dir() && !path.is_symlink() { below(&path) } else { Vec::new() };
        [path].into_iter().chain(deeper)
    };
    entries.flat_map(descend).collect()
}

fn cache(ctx: &Context) -> PathBuf {
    ctx.home(Who::User).join(".cache/venvkeep")
}

fn kept_files(ctx: &Context) -> Vec<PathBuf> {
    below(&cache(ctx)).into_iter().filter(|path| path.is_file()).collect()
}

/// The environment is whole: what RECORD says, and a pip that starts.
fn assert_whole(ctx: &Context, project: &Project<'_>, name: &str) {
    project.venvkeep(["check", "--deep", name]).run().success();
    let pip = project.path().join(name).join("bin/pip");
    ctx.program(Who::User, pip).args(["check"]).run().success();
}

#[test]
fn a_second_one_starts_no_program_and_is_the_same() {
    if !require(&[Need::Program("strace")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let started = |name: &str| {
        let trace = ctx.home(Who::User).join("trace");
        let strace = ctx.program(Who::User, tools::system_program("strace").expect("it is required"));
        let strace = strace.args(["--follow-forks", "-e", "trace=execve", "-o"]).arg(&trace);
        let new = project.venvkeep(["new", name]);
        strace.args(new.words()).current_dir(project.path()).run().success();
        let text = fs::read_to_string(&trace).expect("strace wrote it");
        text.lines().filter(|line| line.contains("execve(") && line.ends_with("= 0")).count()
    };
    assert!(started("./first") > 1, "an interpreter was asked and compiled pip");
    assert_eq!(started("./second"), 1, "only venvkeep itself");
    let tree = |name: &str| {
        let top = project.path().join(name);
        let mut files = Vec::new();
        for path in below(&top.join("lib")) {
            let facts = fs::symlink_metadata(&path).expect("it is there");
            assert!(facts.is_dir() || facts.nlink() == 1, "{} shares its owner and mode", path.display());
            let content = if facts.is_file() { fs::read(&path).expect("it can be read") } else { Vec::new() };
            let inside = path.strip_prefix(&top).expect("it was found there").to_owned();
            // The scripts in it name the environment.
            let content = if inside.ends_with("RECORD") { Vec::new() } else { content };
            files.push((inside, facts.mode(), content));
        }
        files.sort();
        files
    };
    assert!(tree("first") == tree("second"));
    assert_whole(&ctx, &project, "./second");
}

#[test]
fn it_belongs_to_the_user_alone() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new"]).umask(0o000).run().success();
    let entries = below(&cache(&ctx));
    assert!(entries.len() >= 4, "an answer and pip: {entries:?}");
    for path in entries.iter().chain([&cache(&ctx)]) {
        let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        assert!(!path.to_string_lossy().contains(".making-"), "{}", path.display());
    }
}

type Damage = fn(&Path);

#[test]
fn a_garbled_one_is_none() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "./first"]).run().success();
    let damages: [(&str, Damage); 4] = [
        ("empty", |path| fs::write(path, "").expect("root can")),
        ("noise", |path| fs::write(path, vec![0xff; 100_000]).expect("root can")),
        ("cut", |path| {
            let content = fs::read(path).expect("root can");
            fs::write(path, &content[..content.len() - 1]).expect("root can");
        }),
        ("directory", |path| {
            fs::remove_file(path).expect("root can");
            fs::create_dir(path).expect("root can");
        }),
    ];
    for (name, damage) in damages {
        for file in kept_files(&ctx) {
            damage(&file);
        }
        project.venvkeep(["new", &format!("./{name}")]).run().success();
        assert_whole(&ctx, &project, &format!("./{name}"));
        let _ = fs::remove_dir_all(cache(&ctx));
        project.venvkeep(["new", "--seed", "pip", &format!("./{name}-again")]).run().success();
    }
}

/// Puts a line of its own into what is kept of pip, at the same length.
fn poison(file: &Path) -> bool {
    let mut content = fs::read(file).expect("root can");
    let wanted = b"from typing import List, Optional";
    let Some(at) = content.windows(wanted.len()).position(|window| window == wanted) else { return false };
    content[at..at + wanted.len()].copy_from_slice(b"raise SystemExit('poisoned pip' )");
    fs::write(file, content).expect("root can");
    true
}

#[test]
fn one_that_others_can_write_is_not_used() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "./first"]).run().success();
    let poisoned = kept_files(&ctx).into_iter().filter(|file| poison(file)).count();
    assert!(poisoned > 0, "what is kept holds pip's sources as they are");
    let is_poisoned = |name: &str| {
        let made = project.path().join(name);
        below(&made).iter().any(|file| {
            fs::read(file).is_ok_and(|content| content.windows(14).any(|window| window == b"'poisoned pip'"))
        })
    };
    project.venvkeep(["new", "./own"]).run().success();
    assert!(is_poisoned("own"), "the test must see what is used");

    let unpacked = cache(&ctx).join("unpacked");
    let places = kept_files(&ctx);
    let (other, user) = (Some(Who::Other.uid()), Some(Who::User.uid()));
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("root can");
    };
    for file in &places {
        mode(file, 0o606);
    }
    project.venvkeep(["new", "./open-file"]).run().success();
    assert!(!is_poisoned("open-file"));

    assert!(kept_files(&ctx).iter().filter(|file| poison(file)).count() > 0);
    mode(&unpacked, 0o777);
    project.venvkeep(["new", "./open-directory"]).run().success();
    assert!(!is_poisoned("open-directory"));

    mode(&unpacked, 0o700);
    for file in kept_files(&ctx) {
        chown(file, other, None).expect("root can");
    }
    project.venvkeep(["new", "./of-another"]).run().success();
    assert!(!is_poisoned("of-another"));

    for file in kept_files(&ctx) {
        chown(file, user, None).expect("root can");
    }
    chown(&unpacked, other, None).expect("root can");
    project.venvkeep(["new", "./in-anothers"]).run().success();
    assert!(!is_poisoned("in-anothers"));
}

#[test]
fn roots_and_the_users_are_apart() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let home = ctx.home(Who::User);
    let roots = ctx.project_of(Who::Root, "of-root");
    let by_root = |name: &str| ctx.venvkeep_by(Who::Root, ["new", name]).current_dir(roots.path());
    // As sudo leaves them: without -H, and with -E.
    by_root("./kept-home").env("HOME", &home).run().success();
    by_root("./kept-all").env("HOME", &home).env("XDG_CACHE_HOME", home.join(".cache")).run().success();
    by_root("./kept-state").env("XDG_STATE_HOME", home.join("state")).run().success();
    assert_eq!(owners(&home), [Who::User.uid()].into(), "root left nothing in the user's home");
    project.venvkeep(["new"]).run().success();
    assert_eq!(owners(&home), [Who::User.uid()].into());
    assert!(!kept_files(&ctx).is_empty());
}

#[test]
fn without_a_cache_it_works_as_well() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new"]).env_remove("HOME").run().success();
    assert_whole(&ctx, &project, ".venv");
    let home = ctx.home(Who::User);
    fs::write(home.join(".cache"), "in the way").expect("root can");
    project.venvkeep(["new", "./other"]).run().success();
    assert_whole(&ctx, &project, "./other");
}

#[test]
fn what_changed_or_is_gone_is_not_kept() {
    if !require(&[Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // A base interpreter of its own, with the wheel that it brings.
    let original = tools::python("3.12").expect("it is required");
    let original = original.ancestors().nth(2).expect("it lies in PREFIX/bin").to_owned();
    let base = ctx.area().join("base");
    ctx.program(Who::Root, "cp").arg("-r").args([&original, &base]).run().success();
    let python = base.join("bin/python3.12");
    let new =
        |name: &str| project.venvkeep(["new", name, "-p", python.to_str().expect("text")]).run().success();
    new("./one");
    let is_unpacked = |path: &PathBuf| path.parent().is_some_and(|place| place.ends_with("unpacked"));
    let kept = |ctx: &Context| kept_files(ctx).into_iter().filter(is_unpacked).collect::<Vec<_>>();
    let before = kept(&ctx);
    assert_eq!(before.len(), 1, "{before:?}");
    let inode = fs::metadata(&before[0]).expect("it is there").ino();
    new("./two");
    assert_eq!(fs::metadata(&before[0]).expect("it is there").ino(), inode, "it is used again");
    // An upgrade in place.
    let touched = ctx.program(Who::Root, "touch").arg(base.join("bin/python3.12"));
    touched.run().success();
    new("./three");
    assert_ne!(fs::metadata(&before[0]).expect("it is there").ino(), inode, "it was made anew");
    fs::remove_dir_all(&base).expect("root can");
    project.venvkeep(["new", "./four"]).run().success();
    assert!(!kept(&ctx).contains(&before[0]), "what nobody can use any more is gone");
}
