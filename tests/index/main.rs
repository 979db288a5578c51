//! The suite that needs the package index: environments as people have them, with packages that
//! people use, made by root and healed by the user. Run by `tests/run --index`.

#![expect(
    clippy::disallowed_methods,
    reason = "tests look at the disk themselves instead of trusting the code under test"
)]

mod other_tools;
mod real;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use venvkeep_testkit::{
    Context, Environment, Invocation, Maker, Need, Project, Who, fingerprint, owners, require, tools,
};

const VENVKEEP: &str = env!("CARGO_BIN_EXE_venvkeep");

/// Pure and compiled, with and without scripts; some fifty distributions with their dependencies.
const PACKAGES: [&str; 10] =
    ["flask", "requests", "rich", "numpy", "pandas", "pillow", "sqlalchemy", "black", "ipython", "pytest"];
const IMPORTS: &str =
    "import flask, requests, rich, numpy, pandas, PIL.Image, sqlalchemy, black, IPython, pytest";

#[test]
fn venv_made_by_root() {
    heals(Maker::Venv, Interpreter::Present);
}

#[test]
fn venv_made_by_root_whose_interpreter_is_gone() {
    heals(Maker::Venv, Interpreter::Gone);
}

#[test]
fn virtualenv_made_by_root() {
    heals(Maker::Virtualenv, Interpreter::Present);
}

#[test]
fn virtualenv_made_by_root_whose_interpreter_is_gone() {
    heals(Maker::Virtualenv, Interpreter::Gone);
}

#[test]
fn uv_environment_made_by_root() {
    heals(Maker::Uv, Interpreter::Present);
}

#[test]
fn uv_environment_made_by_root_whose_interpreter_is_gone() {
    heals(Maker::Uv, Interpreter::Gone);
}

#[derive(Clone, Copy, PartialEq)]
enum Interpreter {
    Present,
    Gone,
}

fn heals(maker: Maker, interpreter: Interpreter) {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(maker).build();
    env.install_from_index(PACKAGES);
    let frozen = env.freeze_all();
    if interpreter == Interpreter::Gone {
        env.dangle_interpreter();
    }

    names_root_the_count_and_the_remedy(&project, &env);
    assert_eq!(native_freeze(&project), frozen, "freeze of the broken environment");
    // Once from the index, once from the environment's own verified bytes.
    let sources = if interpreter == Interpreter::Present { "index" } else { "auto" };
    slow(project.venvkeep(["heal", "--from", sources]), maker).run().success();

    assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    assert_eq!(native_freeze(&project), frozen, "freeze of the healed environment");
    assert_eq!(env.freeze_all(), frozen, "as its own installer sees it");
    assert_eq!(env.bin("pip").exists(), maker != Maker::Uv, "pip is there if it was there");
    works(&ctx, &env, maker);
    project.venvkeep(["check"]).run().success();
    let kept = kept_tree(&project);
    assert_eq!(owners(&kept), BTreeSet::from([Who::Root.uid()]), "{}", kept.display());
}

fn names_root_the_count_and_the_remedy(project: &Project<'_>, env: &Environment<'_>) {
    let before = fingerprint(env.path());
    project.venvkeep(["check"]).run().code(1).stdout_has("root").stdout_has("venvkeep heal");
    let report = project.venvkeep(["check", "--json"]).run().code(1).stdout_json();
    let findings = report["environments"][0]["findings"].as_array().cloned().unwrap_or_default();
    let foreign = findings.iter().find(|finding| finding["code"] == "foreign-owner");
    let count = foreign.and_then(|finding| finding["count"].as_u64());
    assert_eq!(count, u64::try_from(before.entry_count()).ok(), "{report:#}");
    before.assert_unchanged();
}

fn works(ctx: &Context, env: &Environment<'_>, maker: Maker) {
    let run = |program: &str| ctx.program(Who::User, env.bin(program));
    env.installer(Who::User).arg("check").run().success();
    run("python").args(["-c", IMPORTS]).run().success();
    run("black").arg("--version").run().success().stdout_has("black");
    run("pytest").arg("--version").run().success().stdout_has("pytest");
    slow(env.installer(Who::User).args(["install", "six"]), maker).run().success();
    run("python").args(["-c", "import six"]).run().success();
}

/// With the machine's index, time to download, and uv for what uv made.
fn slow(invocation: Invocation, maker: Maker) -> Invocation {
    let invocation = invocation.index_of_the_machine().time_limit(Duration::from_secs(900));
    match tools::uv().parent() {
        Some(directory) if maker == Maker::Uv => invocation.path_first(directory),
        _ => invocation,
    }
}

fn native_freeze(project: &Project<'_>) -> Vec<String> {
    let frozen = project.venvkeep(["freeze", "--all"]).run().success();
    frozen.stdout.lines().map(str::to_owned).collect()
}

fn kept_tree(project: &Project<'_>) -> PathBuf {
    let entries = fs::read_dir(project.path()).expect("the project can be listed");
    let kept: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the project can be listed").path())
        .filter(|path| path.to_string_lossy().contains("/.venv.venvkeep-old-"))
        .collect();
    assert_eq!(kept.len(), 1, "exactly one old tree lies beside: {kept:?}");
    kept[0].clone()
}
