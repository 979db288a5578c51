//! An environment as data scientists and web developers have it: some 130 distributions, 30,000 files and 700 MB, made
//! by root and healed by the user without any index.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use venvkeep_testkit::{Context, Environment, Maker, Need, Who, fingerprint, owners, require};

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
