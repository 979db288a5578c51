//! Who is trusted: `new`, `trust`, `untrust`, and what `heal` and `undo` make of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use venvkeep_testkit::{Context, Maker, Who};

use super::trusted;
use crate::VENVKEEP;
use crate::support::{first_environment, kept_tree};

/// Whether the mark in the environment and its record belong together, and nobody else can read them.
fn is_trusted(ctx: &Context, environment: &Path) -> bool {
    let Ok(token) = fs::read_to_string(environment.join(".venvkeep")) else { return false };
    let records = ctx.home(Who::User).join(".local/state/venvkeep/trusted");
    let Ok(record) = fs::read_to_string(records.join(token.trim_end())) else { return false };
    let mode = |path: &Path| fs::metadata(path).expect("it was read").permissions().mode() & 0o777;
    assert_eq!(mode(&environment.join(".venvkeep")), 0o600);
    assert_eq!(mode(&records.join(token.trim_end())), 0o600);
    assert_eq!(mode(&records), 0o700);
    assert_eq!(token.trim_end().len(), 32);
    record.lines().next() == environment.to_str()
}

fn records(ctx: &Context) -> usize {
    let records = ctx.home(Who::User).join(".local/state/venvkeep/trusted");
    fs::read_dir(records).map_or(0, Iterator::count)
}

#[test]
fn new_trusts_what_it_makes_and_it_can_be_taken_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    assert!(is_trusted(&ctx, &environment));
    project.venvkeep(["check"]).run().success();
    project.venvkeep(["trust"]).run().success().stdout_has("Trusted");
    assert_eq!(records(&ctx), 1, "nothing changes the second time");
    project.venvkeep(["untrust"]).run().success();
    assert!(!is_trusted(&ctx, &environment));
    assert!(!environment.join(".venvkeep").exists());
    assert_eq!(records(&ctx), 0);
    project.venvkeep(["untrust"]).run().success().stderr_has("was not trusted");
    // By the project, from anywhere, whatever else is active.
    let (_, other) = trusted(&ctx, "other");
    ctx.venvkeep(["trust", "proj"]).env("VIRTUAL_ENV", &other).run().success();
    assert!(is_trusted(&ctx, &environment));
    fs::remove_dir_all(&environment).unwrap();
    ctx.run(["untrust", "proj/.venv"]).success();
    assert_eq!(records(&ctx), 1);
    let made = project.venvkeep(["new", "--seed", "none", "--json"]).run().success();
    assert_eq!(made.stdout_json()["trusted"], true);
}

#[test]
fn a_heal_does_not_launder() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    // As it comes out of an archive: all the user's.
    let project = ctx.project("cloned");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    project.write(".venv/.venvkeep", "0123456789abcdef0123456789abcdef\n");
    let heal = project.venvkeep(["heal", "--force"]).run().success();
    heal.stdout_has("venvkeep trust ");
    assert!(!is_trusted(&ctx, env.path()));
    assert!(!env.path().join(".venvkeep").exists());
    let heal = project.venvkeep(["heal", "--force", "--json"]).run().success();
    assert_eq!(first_environment(&heal)["trusted"], false);
    // Neither does one that root has written into since.
    env.chown("bin", Who::Root);
    project.venvkeep(["heal"]).run().success().stdout_has("venvkeep trust ");
    assert!(!is_trusted(&ctx, env.path()));
}

#[test]
fn a_heal_passes_trust_on_and_undo_goes_both_ways() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    let token = || fs::read_to_string(environment.join(".venvkeep")).unwrap();
    let before = token();
    let heal = project.venvkeep(["heal", "--force", "--json"]).run().success();
    let report = first_environment(&heal);
    assert_eq!(report["trusted"], true, "{heal}");
    let entries = &report["entries"];
    assert_eq!(
        entries["old"],
        entries["reproduced"].as_u64().unwrap_or(0)
            + entries["carried"].as_u64().unwrap_or(0)
            + entries["dropped"].as_u64().unwrap_or(0)
    );
    assert!(is_trusted(&ctx, &environment));
    let after = token();
    assert_ne!(before, after, "the new environment has a token of its own");
    project.venvkeep(["undo"]).run().success();
    assert_eq!(token(), before);
    assert!(is_trusted(&ctx, &environment));
    project.venvkeep(["undo"]).run().success();
    assert_eq!(token(), after);
    assert!(is_trusted(&ctx, &environment));
    assert!(!is_trusted(&ctx, &kept_tree(project.path())));
    // Taken back, it is taken back from the kept tree as well.
    project.venvkeep(["untrust"]).run().success();
    project.venvkeep(["undo"]).run().success();
    assert!(!is_trusted(&ctx, &environment));
}

#[test]
fn what_root_made_is_trusted_once_it_is_healed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    project
        .venvkeep(["trust"])
        .run()
        .code(4)
        .stderr_has("venvkeep heal")
        .stderr_has("belongs to root")
        .stderr_lacks("user number 0");
    project.venvkeep(["heal"]).run().success().stdout_lacks("venvkeep trust");
    assert!(is_trusted(&ctx, env.path()));
    project.venvkeep(["undo"]).run().success();
    assert!(!is_trusted(&ctx, env.path()));
    project.venvkeep(["undo"]).run().success();
    assert!(is_trusted(&ctx, env.path()));
    let to = project.path().join("elsewhere");
    project.venvkeep(["heal", "--to", "elsewhere"]).run().success();
    assert!(is_trusted(&ctx, &to));
}

#[test]
fn where_trust_makes_no_sense() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    ctx.venvkeep_by(Who::Root, ["trust", project.str()]).under_sudo_of(Who::User).run().code(4);
    let colon = ctx.home(Who::User).join("a:b");
    fs::rename(project.path(), &colon).unwrap();
    ctx.venvkeep(["trust"]).current_dir(&colon).run().code(4).stderr_has("colon");
    ctx.run(["trust", "nowhere"]).code(2);
    ctx.venvkeep(["activate"]).current_dir(&colon).run().code(2).stderr_has("shims install");
    ctx.run(["deactivate"]).code(2).stderr_has("shims install");
    assert!(!environment.exists());
}
