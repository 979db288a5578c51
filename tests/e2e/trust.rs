//! Nothing of a broken or foreign environment is executed, and a stranger's is not believed.

use venvkeep_testkit::{Context, Environment, Maker, Traps, Who, fingerprint, owners};

use crate::VENVKEEP;

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
