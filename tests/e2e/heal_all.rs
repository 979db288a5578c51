//! `heal --all`: what a scan finds unwell, healed side by side, and the rest named with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use venvkeep_testkit::{Context, Environment, Maker, Project, Who, fingerprint, owners};

use crate::VENVKEEP;

/// One way to break an environment that its owner made.
type Damage = fn(&Environment<'_>);

/// Ten kinds, three of each.
const KINDS: [(&str, Damage); 10] = [
    ("roots", |env| env.chown("", Who::Root)),
    ("roots-package", |env| env.chown(env.dist_info("pure_one"), Who::Root)),
    ("strict-package", |env| {
        let package = env.site_packages().join("pure_one");
        env.chown(&package, Who::Root);
        env.chmod(&package, 0o700);
    }),
    ("interpreter-gone", |env| env.dangle_interpreter()),
    ("moved", |env| {
        let script = env.path().join("bin/activate");
        let text = fs::read_to_string(&script).expect("root may");
        fs::write(&script, text.replace("/moved/", "/elsewhere/")).expect("root may");
    }),
    ("deleted", |env| {
        let package = env.site_packages().join("pure_one");
        fs::remove_dir_all(package).expect("root may");
    }),
    ("altered", |env| env.garble(env.site_packages().join("pure_one/__init__.py"))),
    ("cut-off", |env| {
        let left = env.leave_behind("pure_one");
        env.chown(left, Who::User);
    }),
    ("unconfigured", |env| fs::remove_file(env.path().join("pyvenv.cfg")).expect("root may")),
    ("write-protected", |env| env.chmod(env.site_packages(), 0o555)),
];

fn build<'c>(project: &Project<'c>, at: &str) -> Environment<'c> {
    project.venv_by_owner(Maker::VenvWithoutPip).at(at).packages(["pure-one"]).build()
}

fn states(report: &Value) -> BTreeMap<PathBuf, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let environments = report["environments"].as_array().expect("a list");
    environments.iter().map(|one| (text(&one["path"]).into(), text(&one["outcome"]))).collect()
}

fn three_of_each_kind<'c>(
    ctx: &'c Context,
    project: &Project<'c>,
    healthy: &Environment<'_>,
) -> Vec<Environment<'c>> {
    let mut broken = Vec::new();
    for (kind, damage) in KINDS {
        for number in 0..3 {
            let place = project.path().join(format!("{kind}/{number}/.venv"));
            project.venvkeep(["clone", healthy.str()]).arg(&place).run().success();
            let env = Environment::at(ctx, place, Maker::VenvWithoutPip, Who::User);
            damage(&env);
            broken.push(env);
        }
    }
    broken
}

/// Its one distribution is called what no index knows, and its module is gone.
fn lose_what_nobody_else_has(env: &Environment<'_>) {
    let info = env.dist_info("pure_one");
    fs::rename(&info, info.with_file_name("only_here-1.0.dist-info")).expect("root may");
    let metadata = env.dist_info("only_here").join("METADATA");
    let text = fs::read_to_string(&metadata).expect("root may").replace("Name: pure-one", "Name: only-here");
    fs::write(&metadata, text).expect("root may");
    fs::remove_dir_all(env.site_packages().join("pure_one")).expect("root may");
}

#[test]
fn thirty_environments_of_ten_kinds_are_healed_and_the_others_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let healthy = build(&project, "healthy/.venv");
    let broken = three_of_each_kind(&ctx, &project, &healthy);
    // What is not healed: another user's, another tool's, and one whose distribution is nowhere to be had.
    let foreign = build(&project, "foreign/.venv");
    foreign.chown("", Who::Other);
    let piped = build(&project, ".local/share/pipx/venvs/pure-one");
    piped.dangle_interpreter();
    let nowhere = build(&project, "nowhere/.venv");
    lose_what_nobody_else_has(&nowhere);

    let heal = |args: &[&str]| {
        let heal = project.venvkeep(["heal", "--all"]).args(args).arg(".").wheels_only(ctx.wheels());
        // Thirty heals, on a machine that may have other work.
        heal.time_limit(Duration::from_secs(600)).run()
    };
    let before = fingerprint(project.path());
    let planned = heal(&["--dry-run", "--json"]).stdout_json();
    before.assert_unchanged();
    let plans = states(&planned);
    for env in &broken {
        assert_eq!(plans.get(env.path()).map(String::as_str), Some("planned"), "{}", env.str());
    }

    let report = heal(&["--json"]).code(4);
    let told = report.stdout_json();
    let outcomes = states(&told);
    for env in &broken {
        assert_eq!(outcomes.get(env.path()).map(String::as_str), Some("healed"), "{}: {report}", env.str());
        assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    }
    for env in broken.iter().step_by(3) {
        project.venvkeep(["check", env.str()]).run().success();
        ctx.program(Who::User, env.bin("python")).args(["-c", "import pure_one"]).run().success();
    }
    assert_eq!(outcomes[foreign.path()], "needs-attention", "{report}");
    assert_eq!(outcomes[nowhere.path()], "failed", "{report}");
    assert!(!outcomes.contains_key(healthy.path()), "{report}");
    let left = told["left"].as_array().expect("a list");
    assert_eq!(left.len(), 1, "{report}");
    assert_eq!(left[0]["path"].as_str().map(Path::new), Some(piped.path()));
    assert_eq!(left[0]["command"], "pipx reinstall pure-one");
    assert_eq!(told["summary"]["healed"], 30);
    assert_eq!(told["summary"]["healthy"], 1);
    for (env, as_before) in
        [(&healthy, "healthy"), (&foreign, "foreign"), (&piped, "piped"), (&nowhere, "nowhere")]
    {
        assert!(kept_beside(env.path()).is_empty(), "{as_before} was not touched");
    }
    // A second run has nothing more to do, and says again what is left.
    let again = heal(&[]).code(4);
    again
        .stdout_has("31 healthy, 0 healed")
        .stdout_has("--trust-owner")
        .stdout_has("pipx reinstall pure-one")
        .stdout_has("only-here");
}

#[test]
fn what_was_only_planned_has_not_failed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let [fine, foreign, nowhere] = ["fine", "foreign", "nowhere"].map(|name| build(&project, name));
    for env in [&fine, &foreign, &nowhere] {
        env.dangle_interpreter();
    }
    foreign.chown("", Who::Other);
    fs::remove_dir_all(nowhere.site_packages().join("pure_one")).expect("root may");
    let at = |name: &str| project.path().join(name).display().to_string();
    let heal =
        |args: &[&str]| project.venvkeep(["heal", "--all", "--offline"]).args(args).arg(".").run().code(4);
    let told =
        heal(&["--dry-run"]).stdout_lacks("failed").stdout_has("1 planned, 1 without a plan, 1 to look at");
    told.stdout_has(&format!("no plan    {}  (", at("nowhere")))
        .stdout_has(&format!("look at    {}  (", at("foreign")));
    let summary = heal(&["--dry-run", "--json"]).stdout_json()["summary"].clone();
    assert_eq!((&summary["failed"], &summary["without_a_plan"]), (&0.into(), &1.into()), "{summary}");
    let told = heal(&[]).stdout_has("1 healed, 1 failed, 1 to look at").stdout_lacks("without a plan");
    told.stdout_has(&format!("failed     {}  (", at("nowhere")));
}

#[test]
fn what_cannot_be_built_in_its_place_comes_with_its_command() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let roots = ctx.project_at(project.path().join("roots"), Who::Root);
    let env = roots.venv_by_owner(Maker::VenvWithoutPip).build();
    env.dangle_interpreter();
    let report = project.venvkeep(["heal", "--all", "."]).run().code(1);
    let report = report.stdout_has("left ").stdout_has("venvkeep heal --to ").stdout_has(env.str());
    report.stdout_has("1 environment: 0 healthy, 0 healed, 1 left as they are");
    fs::set_permissions(roots.path(), fs::Permissions::from_mode(0o755)).expect("root may");
    // Nothing to do, no such place, and what belongs to one environment only.
    let empty = ctx.project("empty");
    empty.venvkeep(["heal", "--all", "."]).run().success().stdout_has("0 environments");
    empty.venvkeep(["heal", "--all", "nowhere"]).run().code(2);
    empty.venvkeep(["heal", "--all", "--to", "x"]).run().code(2);
}

/// In one repository, side by side: both lines that keep the old trees out of git are there.
#[test]
fn environments_of_one_repository_do_not_undo_each_others_lines() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("repository");
    ctx.program(Who::User, "git").args(["init", "--quiet", "."]).current_dir(project.path()).run().success();
    let all: Vec<_> = (0..6)
        .map(|number| {
            let part = ctx.project_at(project.path().join(format!("part-{number}")), Who::User);
            part.venv_by_root(Maker::VenvWithoutPip).build()
        })
        .collect();
    project.venvkeep(["heal", "--all", "."]).run().success().stdout_has("6 healed");
    let lines = fs::read_to_string(project.path().join(".git/info/exclude")).expect("git made it");
    for env in all {
        let place = env.path().strip_prefix(project.path()).expect("inside").display().to_string();
        assert_eq!(
            lines.lines().filter(|line| line.starts_with(&format!("/{place}."))).count(),
            1,
            "{lines}"
        );
    }
}

fn kept_beside(prefix: &Path) -> Vec<PathBuf> {
    let parent = prefix.parent().expect("it has one");
    let names = fs::read_dir(parent).expect("root may").map(|entry| entry.expect("root may").path());
    let is_ours =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".venvkeep-"));
    names.filter(is_ours).collect()
}
