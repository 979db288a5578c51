//! `prune`: what the user can remove goes whole, what they cannot stays whole and is named in one command.

use std::fs;
use std::path::PathBuf;

use venvkeep_testkit::{Context, Environment, Maker, Need, Project, Who, fingerprint, require};

use crate::VENVKEEP;
use crate::support::names_in;

/// A tree as a heal keeps it beside `.venv`; everything in it is the owner's.
fn keep(project: &Project<'_>, env: &Environment<'_>, time: &str) -> PathBuf {
    let kept = project.path().join(format!(".venv.venvkeep-old-{time}"));
    project.write(&format!(".venv.venvkeep-old-{time}/lib/module.py"), "x = 1\n");
    assert!(env.path().is_dir());
    kept
}

fn chown(path: &std::path::Path, who: Who) {
    std::os::unix::fs::lchown(path, Some(who.uid()), Some(who.gid())).expect("root may");
}

#[test]
fn own_trees_go_roots_stay_whole_and_mixed_ones_are_looked_at_first() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let own = keep(&project, &env, "20260101-000000");
    fs::set_permissions(own.join("lib"), std::os::unix::fs::PermissionsExt::from_mode(0o555))
        .expect("root may");
    // Root's file in the user's directory can go; so can root's empty directory.
    let mixed = keep(&project, &env, "20260102-000000");
    chown(&mixed.join("lib/module.py"), Who::Root);
    fs::create_dir(mixed.join("empty")).expect("root may");
    // Root's directory with something in it cannot.
    let roots = keep(&project, &env, "20260103-000000");
    chown(&roots.join("lib"), Who::Root);
    let before = fingerprint(&roots);

    let report = project.venvkeep(["prune", "--json"]).run().success().stdout_json();
    assert_eq!(report["freed"], 12, "{report}");
    assert_eq!(report["command"], format!("sudo rm -rf -- {}", roots.display()));
    before.assert_unchanged();
    assert_eq!(names_in(project.path()).len(), 2, "{:?}", names_in(project.path()));
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_link_or_a_mount_in_a_kept_tree_is_not_entered() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let precious = project.write("precious/data", "mine");
    let kept = keep(&project, &env, "20260101-000000");
    std::os::unix::fs::symlink("../../precious", kept.join("lib/link")).expect("root may");
    project.venvkeep(["prune"]).run().success().stdout_has("freed");
    assert!(precious.is_file() && !kept.exists());
}

#[test]
fn what_root_alone_could_remove_would_stay_and_the_plan_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    project.venvkeep(["heal"]).run().success();
    let kept = project.path().join(
        names_in(project.path())
            .iter()
            .find(|name| name.contains("venvkeep-old"))
            .expect("the old one is kept"),
    );
    let stays = format!("Would stay: {} (it is not yours to empty)", kept.display());
    let plan = project.venvkeep(["prune", "--all", "--dry-run"]).run().success().stdout_has(&stays);
    plan.stdout_lacks("Would remove").stdout_lacks("Left whole");
    project.venvkeep(["prune"]).run().success().stdout_has("Left whole: ").stdout_lacks("Would");
    // In a directory of root's nothing can be removed, whosever it is: that directory is named, and not one in the tree.
    ctx.program(Who::Root, "chown").arg("root").arg(project.path()).run().success();
    let plan = ctx.venvkeep(["prune", "--dry-run", env.str()]).run().success();
    plan.stdout_has(&format!("({} is not yours to write)", project.str()));
}

#[test]
fn each_command_names_itself_where_no_environment_is_found() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let empty = ctx.project("empty");
    for command in ["undo", "prune", "freeze", "heal", "check"] {
        let refused = empty.venvkeep([command]).run().code(2);
        refused.stderr_has(&format!("({}),", format_args!("venvkeep {command} PATH")));
    }
    // A path is shown without what is of no use in it.
    for command in ["check", "freeze", "heal", "undo", "prune", "trust"] {
        let refused = empty.venvkeep([command, "./nowhere"]).run().code(2);
        refused.stderr_has(&format!("{}/nowhere", empty.str())).stderr_lacks("/./");
    }
}

#[test]
fn names_of_any_kind_come_out_as_one_pasteable_command() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("it's $HOME `x`");
    let _env = project.venv_by_root(Maker::VenvWithoutPip).build();
    project.venvkeep(["heal"]).run().success();
    let pruned = project.venvkeep(["prune"]).run().success();
    let command = pruned.stdout.lines().find(|line| line.contains("rm -rf")).unwrap_or_default();
    let command = command.replace("sudo ", "");
    ctx.program(Who::Root, "sh").args(["-c", &command]).run().success();
    assert_eq!(names_in(project.path()).len(), 1, "{command}");
}

#[test]
fn young_ones_stay_when_an_age_is_given() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    keep(&project, &env, "20260101-000000");
    let young = keep(&project, &env, "20990101-000000");
    project.venvkeep(["prune", "--older-than", "7d"]).run().success().stdout_has("Still young");
    assert!(young.is_dir());
    assert_eq!(names_in(project.path()).len(), 2);
    project.venvkeep(["prune", "--older-than", "soon"]).run().code(2);
}

#[test]
fn git_never_sees_a_kept_tree_and_its_list_comes_back_byte_for_byte() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("repo");
    let git =
        |args: &[&str]| ctx.program(Who::User, "git").current_dir(project.path()).args(args).run().success();
    git(&["init", "--quiet"]);
    let list = project.path().join(".git/info/exclude");
    project.write(".git/info/exclude", "# mine, without an end");
    project.write("sub [1]/keep.txt", "");
    let env = project.venv_by_root(Maker::VenvWithoutPip).at("sub [1]/.venv").build();
    ctx.venvkeep(["heal", env.str()]).run().success();
    let status = git(&["status", "--porcelain", "--untracked-files=all"]);
    assert!(!status.stdout.contains("venvkeep"), "{status}");
    assert_ne!(fs::read(&list).expect("root may"), b"# mine, without an end");

    fs::remove_dir_all(
        names_in(env.path().parent().expect("it lies in a directory"))
            .iter()
            .find(|name| name.contains("venvkeep-old"))
            .map(|name| env.path().with_file_name(name))
            .expect("the old tree is kept"),
    )
    .expect("root may");
    ctx.venvkeep(["prune", env.str()]).run().success();
    assert_eq!(fs::read(&list).expect("root may"), b"# mine, without an end");
}

#[test]
fn a_stage_without_its_journal_keeps_nobody_from_looking() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    // Where only root may write, there is no lock to be had, and none is needed.
    let project = ctx.project_of(Who::Root, "app");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    project.write(".venv.venvkeep-stage-0123456789abcdef/module.py", "");
    let before = fingerprint(project.path());
    ctx.venvkeep(["prune", env.str()]).run().success().stdout_has("Nothing to prune");
    ctx.venvkeep(["undo", env.str()]).run().code(2).stderr_has("no old tree");
    before.assert_unchanged();
}

/// Makes what is below it changeable again, so that the test's directory can be removed.
struct Fixed<'c>(&'c Context, PathBuf);

impl Drop for Fixed<'_> {
    fn drop(&mut self) {
        let _ = self.0.program(Who::Root, "chattr").args(["-R", "-f", "-i"]).arg(&self.1).run();
    }
}

#[test]
fn one_that_can_only_be_removed_in_part_is_named_and_the_others_go() {
    if !require(&[Need::Immutable, Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    ctx.program(Who::User, "git").current_dir(project.path()).args(["init", "--quiet"]).run().success();
    project.venvkeep(["heal", "--force"]).run().success();
    let list = fs::read_to_string(project.path().join(".git/info/exclude")).expect("git made it");
    assert!(list.contains("venvkeep"), "{list}");
    let half = keep(&project, &env, "20990101-000000");
    // What lies in `lib/inner` can go, `lib/inner` itself cannot.
    project.write(".venv.venvkeep-old-20990101-000000/lib/inner/module.py", "");
    let _fixed = Fixed(&ctx, project.path().to_owned());
    ctx.program(Who::Root, "chattr").arg("+i").arg(half.join("lib")).run().success();
    assert_eq!(names_in(project.path()).len(), 4, "{:?}", names_in(project.path()));

    let pruned = project.venvkeep(["prune", "--json"]).run().code(4);
    let pruned = pruned.stderr_has("could not be removed wholly").stderr_has("sudo rm -rf -- ");
    let report = pruned.stdout_json()["environments"][0].clone();
    assert_eq!(report["failed"][0]["path"], half.to_str().expect("the kit's paths are text"), "{pruned}");
    assert_eq!(report["removed"].as_array().map(Vec::len), Some(1), "the other one is gone: {pruned}");
    // What is left is no environment, and no name of a kept one.
    let left: Vec<_> =
        names_in(project.path()).into_iter().filter(|name| name.contains("venvkeep")).collect();
    assert!(matches!(&left[..], [one] if one.contains("venvkeep-stage")), "{left:?}");
    let command =
        pruned.stderr.lines().find_map(|line| line.trim().strip_prefix("sudo ")).unwrap_or_default();
    assert!(command.contains(&left[0]), "{pruned}");
    project.venvkeep(["undo"]).run().code(2);
    ctx.program(Who::Root, "chattr").args(["-R", "-i"]).arg(project.path().join(&left[0])).run().success();
    ctx.program(Who::Root, "sh").args(["-c", command]).run().success();
    project.venvkeep(["prune"]).run().success();
    let list = fs::read_to_string(project.path().join(".git/info/exclude")).expect("it is there");
    assert!(!list.contains("venvkeep"), "the line is taken back: {list}");
    project.venvkeep(["check"]).run().success();
}
