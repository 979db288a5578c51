//! An environment as data scientists and web developers have it: some 130 distributions, 30,000 files and 700 MB, made
//! by root and healed by the user without any index.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use venvkeep_testkit::{
    Context, Environment, Maker, Need, Project, Who, files_naming, fingerprint, owners, require,
};

use super::{VENVKEEP, native_freeze};

const PACKAGES: [&str; 17] = [
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "django",
    "jupyterlab",
    "notebook",
    "boto3",
    "sqlalchemy",
    "requests",
    "flask",
    "pytest",
    "black",
    "ipython",
    "pillow",
    "sympy",
];

/// Commands that say their version and end.
const COMMANDS: [&str; 8] =
    ["black", "django-admin", "flask", "ipython", "jupyter", "jupyter-lab", "numpy-config", "pytest"];

/// Prints each command whose entry point cannot be imported.
const UNRESOLVED: &str = "
import importlib.metadata
for distribution in importlib.metadata.distributions():
    for entry in distribution.entry_points:
        if entry.group == 'console_scripts':
            try:
                assert callable(entry.load())
            except BaseException:
                print(entry.name, entry.value)
";

#[test]
fn a_large_environment_is_healed_from_its_own_bytes_alone() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Uv).build();
    env.install_from_index(PACKAGES);
    let unresolved = unresolved(&ctx, Who::Root, &env);
    let frozen = env.freeze_all();
    assert!(frozen.len() >= 80, "{} distributions", frozen.len());
    let before = fingerprint(env.path());

    let heal = project.venvkeep(["heal", "--offline", "--json"]).time_limit(Duration::from_secs(300));
    let report = heal.run().success().stdout_json();

    let report = &report["environments"][0];
    let distributions = report["distributions"].as_array().expect("a list of distributions");
    assert_eq!(distributions.len(), frozen.len());
    for distribution in distributions {
        assert_eq!(distribution["source"], "env", "{distribution:#}");
        assert_eq!(distribution["same_bytes"], true, "{distribution:#}");
    }
    accounts_for_everything(report, before.entry_count());
    assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    assert_eq!(native_freeze(&project), frozen);
    assert_eq!(env.freeze_all(), frozen, "as its own installer sees it");
    project.venvkeep(["check", "--deep"]).time_limit(Duration::from_secs(300)).run().success();

    // A command whose optional dependency was never installed did not work before either.
    assert_eq!(self::unresolved(&ctx, Who::User, &env), unresolved);
    for command in COMMANDS {
        ctx.program(Who::User, env.bin(command)).arg("--version").run().success();
    }
    is_cloned_and_moved(&ctx, &project, (&env, &frozen, &unresolved));
}

/// The same environment at two other places, without any index: every command of it works there, and no byte of it
/// names the place before.
fn is_cloned_and_moved(
    ctx: &Context,
    project: &Project<'_>,
    (env, frozen, unresolved): (&Environment<'_>, &[String], &BTreeSet<String>),
) {
    let before = fingerprint(env.path());
    let mut from = env.path().to_owned();
    for (command, to) in [("clone", "cloned"), ("move", "moved")] {
        let source = from.to_str().expect("the kit's paths are text");
        let copy = project.venvkeep([command, source, to, "--json"]).index_unreachable();
        let report = copy.time_limit(Duration::from_secs(300)).run().success().stdout_json();
        let report = &report["environments"][0];
        assert_eq!(report["distributions"].as_array().map(Vec::len), Some(frozen.len()), "{report:#}");
        let target = project.path().join(to).join(".venv");
        assert_eq!(files_naming(&target, source), Vec::<PathBuf>::new());
        let copied = Environment::at(ctx, target.clone(), Maker::Uv, Who::User);
        assert_eq!(copied.freeze_all(), frozen);
        assert_eq!(&self::unresolved(ctx, Who::User, &copied), unresolved);
        for command in COMMANDS {
            ctx.program(Who::User, copied.bin(command)).arg("--version").run().success();
            let run = [target.to_str().expect("the kit's paths are text"), "--", command, "--version"];
            project.venvkeep(["run"].iter().chain(&run)).run().success();
        }
        let deep = project.venvkeep(["check", "--deep", copied.str()]);
        deep.time_limit(Duration::from_secs(300)).run().success();
        from = target;
    }
    before.assert_unchanged();
}

/// Every entry of the old tree (`count` of them with the prefix itself) is in the new one, or is a creator's.
fn accounts_for_everything(report: &Value, count: usize) {
    let number = |key: &str| report["entries"][key].as_u64().expect("a number of entries");
    assert_eq!(number("reproduced") + number("carried") + number("dropped"), number("old"));
    assert_eq!(number("old") + 1, u64::try_from(count).expect("it fits"));
    assert_eq!(report["dropped"], serde_json::json!([]), "nothing of it is the user's");
    let kinds = report["dropped_kinds"].as_object().expect("the kinds of what stayed behind");
    assert!(kinds.keys().all(|kind| matches!(kind.as_str(), "creator" | "bytecode")), "{kinds:?}");
}

fn unresolved(ctx: &Context, who: Who, env: &Environment<'_>) -> BTreeSet<String> {
    let python = ctx.program(who, env.bin("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    let found = python.args(["-c", UNRESOLVED]).time_limit(Duration::from_secs(300)).run().success();
    found.stdout.lines().map(str::to_owned).collect()
}
