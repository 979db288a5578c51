//! Surroundings in which little works: the environment is healed all the same, or untouched.

use std::process::Command;

use venvkeep_testkit::{Context, Environment, Maker, Project, Who, fingerprint};

use crate::VENVKEEP;
use crate::support::names_in;

fn roots<'c>(project: &Project<'c>) -> Environment<'c> {
    project.venv_by_root(Maker::VenvWithoutPip).build()
}

#[test]
fn without_a_home_and_in_somebody_elses_it_heals_and_writes_nothing_there() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let others = ctx.home(Who::Other);
    for (name, home) in
        [("none", None), ("others", Some(others.clone())), ("nowhere", Some("/nowhere".into()))]
    {
        let project = ctx.project(name);
        let _env = roots(&project);
        let heal = project.venvkeep(["heal"]).env_remove("HOME");
        let heal = if let Some(home) = home { heal.env("HOME", home) } else { heal };
        heal.run().success();
        project.venvkeep(["check"]).run().success();
        assert!(names_in(&others).is_empty(), "{name}");
    }
}

#[test]
fn without_a_home_daily_life_goes_on_by_paths() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let homeless = |args: &[&str]| project.venvkeep(args).env_remove("HOME");
    homeless(&["new", "--seed", "none"]).run().success().stderr_has("is HOME set");
    homeless(&["list"]).run().success().stdout_has("is HOME set");
    homeless(&["rename", ".venv", "other"]).run().code(3).stderr_has("is HOME set");
    homeless(&["new", "--central", "other"]).run().code(3).stderr_has("WORKON_HOME");
    let before = fingerprint(project.path().join(".venv"));
    homeless(&["remove", ".venv"]).run().success();
    homeless(&["undo"]).run().success();
    before.assert_unchanged();
    homeless(&["move", ".venv", "./env"]).run().success();
    homeless(&["undo", ".venv"]).run().success();
    before.assert_unchanged();
    homeless(&["run", "./env", "--", "python", "-V"]).run().success().stdout_has("Python 3.");
    homeless(&["prune", "--all"]).run().success().stdout_has("Nothing to prune");
}

#[test]
fn where_nothing_can_be_kept_it_heals_and_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let _env = roots(&project);
    let file = project.write("state", "a file in the place of a directory");
    let heal = project.venvkeep(["heal"]).env("XDG_STATE_HOME", &file).env("XDG_CACHE_HOME", &file);
    heal.run().success().stdout_has("could not be kept");
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_result_that_nobody_reads_fails_no_heal() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, redirection, code) in [("closed", ">&-", 0), ("gone", "| true", 0), ("full", "> /dev/full", 3)]
    {
        let project = ctx.project(name);
        let _env = roots(&project);
        let program = project.venvkeep(["heal"]).words();
        let line = format!("\"$@\" {redirection}");
        let shell = ctx.program(Who::User, "sh").args(["-c", &line, "sh"]).args(program);
        shell.current_dir(project.path()).run().code(code);
        project.venvkeep(["check"]).run().success();
        assert_eq!(names_in(project.path()).len(), 2, "{name}");
    }
}

#[test]
fn with_few_descriptors_it_heals_or_leaves_everything_untouched() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let before = fingerprint(env.path());
    for limit in [4, 6, 8, 10, 12, 14] {
        let line = format!("ulimit -n {limit}; exec \"$@\"");
        let program = project.venvkeep(["heal"]).words();
        let shell = ctx.program(Who::User, "sh").args(["-c", &line, "sh"]).args(program);
        let heal = shell.wheels_only(ctx.wheels()).current_dir(project.path()).run();
        if heal.status.code() == Some(0) {
            before.assert_same(&fingerprint(crate::support::kept_tree(project.path())));
            break;
        }
        assert!(matches!(heal.status.code(), Some(2..=4)), "{limit}: {heal}");
        before.assert_unchanged();
        if names_in(project.path()).len() > 1 {
            // Removing takes descriptors as well; then the journal stays, and the next run does it.
            project.venvkeep(["check"]).run().code(1).stdout_has("interrupted-heal");
        }
    }
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().success();
    assert_eq!(names_in(project.path()).len(), 2, "{:?}", names_in(project.path()));
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_copied_and_one_that_is_read_only_too() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(disk) = ctx.small_disk("disk", 1024) else { return };
    let project = disk.project("proj");
    let env = roots(&project);
    project.write(".venv/data.bin", vec![7; 600 * 1024]);
    let (before, names) = (fingerprint(env.path()), names_in(project.path()));
    let heal = project.venvkeep(["heal"]).run().code(3).stderr_has("there is no room");
    heal.stderr_has("untouched").stderr_has("--to").stderr_lacks("venvkeep prune");
    before.assert_unchanged();
    assert_eq!(names_in(project.path()), names);

    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status();
    assert!(remount.expect("mount starts").success());
    project.venvkeep(["heal"]).run().code(3).stderr_has("untouched").stderr_has("ead-only");
    before.assert_unchanged();
}
