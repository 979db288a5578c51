//! The standard library's own tests of `venv`, on environments that `new` makes: `driver.py` puts venvkeep in the place
//! of `venv.EnvBuilder`, runs the cases that apply, and says why the others do not.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use venvkeep_testkit::{Context, Who, tools};

use crate::VENVKEEP;

const DRIVER: &str = include_str!("driver.py");

/// What the tests need of the package that they are in.
const PARTS: [&str; 5] =
    ["__init__.py", "support", "libregrtest", "test_venv.py", "_test_venv_multiprocessing.py"];

fn names(report: &Value, list: &str) -> BTreeSet<String> {
    match &report[list] {
        Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        Value::Object(names) => names.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn cpythons_tests_of_venv_pass_on_what_new_makes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project("standard");
    let driver = ground.write("driver.py", DRIVER);
    let (mut passed, mut left_out) = (BTreeSet::new(), BTreeSet::new());
    for (key, python) in tools::pythons() {
        let Some(package) = tools::standard_tests(key) else { continue };
        let place = ctx.area().join(format!("standard-{key}"));
        std::fs::create_dir_all(place.join("test")).expect("root can");
        for name in PARTS.iter().map(|name| package.join(name)).filter(|part| part.exists()) {
            let copy = ctx.program(Who::Root, "cp").args(["-r", "--no-preserve=mode"]).arg(name);
            copy.arg(place.join("test")).run().success();
        }
        let run = ctx.program(Who::User, &python).arg("-I").arg(&driver).arg(ctx.venvkeep([""]).program());
        // Some twenty environments, two of them with a cache to be filled.
        let run = run.arg(&place).current_dir(ground.path()).time_limit(Duration::from_secs(600));
        let report = run.run().success().stdout_json();
        assert_eq!(report["failed"], serde_json::json!({}), "{key}: {report:#}");
        let here = names(&report, "passed");
        // Those that are about the environment itself are in every version.
        for needed in
            ["test_prefixes", "test_isolation", "test_executable", "test_multiprocessing", "test_with_pip"]
        {
            assert!(here.contains(needed), "{key}: {report:#}");
        }
        eprintln!("Python {key}: {} passed, left out: {:?}", here.len(), names(&report, "left_out"));
        passed.extend(here);
        left_out.extend(names(&report, "left_out"));
    }
    let listed = DRIVER.lines().filter(|line| line.starts_with("    \"test_")).count();
    assert!(
        passed.is_empty() || left_out.len() == listed,
        "a case that no Python has is left out: {left_out:?}"
    );
}
