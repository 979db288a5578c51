//! Nothing of a broken or foreign environment is executed, and a stranger's is not believed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use venvkeep_testkit::{Context, Environment, Maker, Output, Traps, Who, fingerprint, owners};

use crate::VENVKEEP;
use crate::support::first_environment;

/// Programs that venvkeep looks for, and the environment's own.
const BAIT: [&str; 8] = ["python", "python3", "python3.11", "uv", "git", "pip", "pip3", "activate"];

fn set_everything(traps: &Traps, env: &Environment<'_>) {
    traps.set_startup_files(env);
    traps.set_programs(&env.path().join("bin"), &BAIT);
}

#[test]
fn no_command_runs_anything_of_the_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, active) in [("inactive", false), ("active", true)] {
        let project = ctx.project(name);
        let env = project.venv_by_root(Maker::VenvWithoutPip).build();
        let traps = ctx.traps(name);
        set_everything(&traps, &env);
        for args in
            [&["check"][..], &["check", "--json"], &["freeze", "--all"], &["heal", "--dry-run"], &["heal"]]
        {
            let mut command = project.venvkeep(args);
            if active {
                command = command.env("VIRTUAL_ENV", env.path()).path_first(env.path().join("bin"));
            }
            let output = command.run();
            assert!(output.status.code().is_some_and(|code| code <= 1), "{output}");
            traps.assert_untouched();
        }
        assert!(owners(env.path()).contains(&Who::User.uid()));
    }
}

#[test]
fn nothing_runs_while_pip_installs_beside_a_hostile_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    let traps = ctx.traps("all");
    traps.set_startup_files(&env);
    traps.set_programs(&env.path().join("bin"), &["python", "python3", "python3.11", "uv", "git"]);
    let heal = project.venvkeep(["heal"]).wheels_only(ctx.wheels());
    let heal = heal.env("VIRTUAL_ENV", env.path()).path_first(env.path().join("bin"));
    heal.run().success();
    traps.assert_untouched();
}

#[test]
fn a_strangers_environment_is_not_believed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
    env.chown("", Who::Other);
    let before = fingerprint(env.path());
    project.venvkeep(["check"]).run().code(1);
    project.venvkeep(["heal"]).run().code(4).stderr_has("--trust-owner");
    before.assert_unchanged();

    project.venvkeep(["heal", "--trust-owner"]).wheels_only(ctx.wheels()).run().success();
    assert_eq!(owners(env.path()).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
}

#[test]
fn check_names_the_heal_that_does_not_stop() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    let remedy = |report: &Output| {
        let report = first_environment(report);
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().find(|one| one["remedy"]["kind"] == "heal").map(|one| one["remedy"].clone())
    };
    let plain = format!("venvkeep heal {}", env.str());
    let trusting = format!("venvkeep heal --trust-owner {}", env.str());
    env.dangle_interpreter();
    let own = project.venvkeep(["check"]).run().code(1).stdout_lacks("--trust-owner");
    own.stdout_has(&format!("\nPut it right, without sudo and without loss:\n  {plain}\n"));
    let own = remedy(&project.venvkeep(["check", "--json"]).run()).expect("it is broken");
    assert_eq!((own["command"].as_str(), own["if_trusted"].is_null()), (Some(plain.as_str()), true));

    env.chown("", Who::Other);
    let told = project.venvkeep(["check"]).run().code(1).stdout_has("look at that first");
    let told = told.stdout_has(&format!("\n  venvkeep freeze --all {}\n", env.str()));
    told.stdout_has(&format!("\n  {trusting}\n")).stdout_lacks(&format!("\n  {plain}\n"));
    let told = remedy(&project.venvkeep(["check", "--json"]).run()).expect("it is broken");
    // What a program may run by itself stops and shows the list.
    assert_eq!(told["command"], plain.as_str());
    assert_eq!(told["if_trusted"], trusting.as_str());
    // It is one and the same object wherever it is asked for.
    let checked = first_environment(&project.venvkeep(["check", "--json"]).run());
    let found = project.venvkeep(["scan", "--json", "."]).run();
    let found: Value = serde_json::from_str(found.stdout.lines().next().expect("a line")).expect("JSON");
    for (key, of_check) in checked.as_object().expect("an object") {
        assert_eq!(&found[key], of_check, "scan, {key}");
    }
    // Root is not the one to heal it.
    ctx.venvkeep_by(Who::Root, ["check", env.str()]).run().code(1).stdout_lacks("--trust-owner");
    project.venvkeep(["heal", "--trust-owner", env.str()]).wheels_only(ctx.wheels()).run().success();
    project.venvkeep(["check"]).run().success().stdout_lacks("Put it right");

    // Where others can exchange directories on the way, that comes first.
    env.dangle_interpreter();
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o777)).expect("root may");
    let told = project.venvkeep(["check"]).run().code(1).stdout_has("it stops there");
    let told = told.stdout_has(&format!("\n  chmod go-w {}\n", project.str()));
    told.stdout_has(&format!("\n  {plain}\n"));
    project.venvkeep(["heal"]).run().code(4);
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o755)).expect("root may");
    project.venvkeep(["heal"]).run().success();
}

#[test]
fn a_strangers_environment_is_healed_to_another_place_once_it_is_trusted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let theirs = ctx.project_of(Who::Other, "theirs");
    fs::set_permissions(ctx.home(Who::Other), fs::Permissions::from_mode(0o755)).expect("root may");
    let env = theirs.venv_by_owner(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    fs::write(env.bin("ls"), "theirs").expect("root may");
    fs::write(env.path().join("notes.txt"), "theirs").expect("root may");
    env.chown("", Who::Other);
    let before = fingerprint(theirs.path());
    let mine = ctx.project("mine");
    // The command that check prints is the one that works.
    let check = mine.venvkeep(["check", env.str()]).run().code(1);
    let command = check.stdout.lines().find(|line| line.contains("--trust-owner --to ")).expect("it is told");
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let plain: Vec<&str> = words.iter().copied().filter(|word| *word != "--trust-owner").collect();
    let target = Path::new(words[words.iter().position(|word| *word == "--to").expect("so it says") + 1]);
    mine.venvkeep(&plain).run().code(4).stderr_has("pure-one==1.0");
    assert!(!target.exists(), "nothing is made of a list that nobody has looked at");
    before.assert_unchanged();

    let healed = mine.venvkeep(&words).wheels_only(ctx.wheels()).run().success();
    before.assert_unchanged();
    assert!(healed.stdout.contains("bin/ls"), "{healed}");
    assert!(!target.join("bin/ls").exists() && target.join("notes.txt").exists());
    assert_eq!(owners(target), [Who::User.uid()].into());
    ctx.program(Who::User, target.join("bin/python")).args(["-c", "import pure_one"]).run().success();
    mine.venvkeep(["check".as_ref(), target.as_os_str()]).run().success();
}
