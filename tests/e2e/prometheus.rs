//! `scan --format prometheus`: what a collector can read.

use venvkeep_testkit::{Context, Maker, Need, Who, require, tools};

use crate::VENVKEEP;
use crate::scan::with_other_homes;

/// Every user and every status has its series, and promtool, where it is there, finds nothing to object to.
#[test]
fn prometheus_gets_numbers() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    project.venvkeep(["new", "--seed", "none", "./fine/.venv"]).run().success();
    let roots = ctx.project_at(project.path().join("roots"), Who::User);
    roots.venv_by_root(Maker::VenvWithoutPip).build();
    let scan = || project.venvkeep(["scan", "--format", "prometheus", "."]);
    let report = scan().run().code(1);
    for line in [
        "# TYPE venvkeep_environments gauge",
        "venvkeep_environments{user=\"12345\",status=\"healthy\"} 1",
        "venvkeep_environments{user=\"12345\",status=\"degraded\"} 0",
        "venvkeep_environments{user=\"12345\",status=\"broken\"} 1",
        "venvkeep_findings{user=\"12345\",code=\"foreign-owner\",severity=\"broken\"} 1",
        "venvkeep_scan_unreadable_directories 0",
    ] {
        assert!(report.stdout.lines().any(|printed| printed == line), "{line}: {report}");
    }
    // Each metric is announced once, before its samples, and every sample has a number.
    let mut announced = Vec::new();
    for line in report.stdout.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let name = rest.split(' ').next().unwrap_or_default();
            assert!(!announced.contains(&name), "{report}");
            announced.push(name);
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            assert_eq!(
                Some(series.split('{').next().unwrap_or_default()),
                announced.last().copied(),
                "{report}"
            );
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    let empty = ctx.project("empty");
    let none = empty.venvkeep(["scan", "--format", "prometheus", "."]).run().success();
    assert!(none.stdout.contains("venvkeep_environments{user=\"12345\",status=\"broken\"} 0"), "{none}");
    assert!(!none.stdout.contains("venvkeep_findings"), "a metric without samples is not announced: {none}");
    project.venvkeep(["scan", "--format", "prometheus", "--json"]).run().code(2).stderr_has("--json");
    if require(&[Need::Promtool]) {
        for text in [report.stdout, none.stdout] {
            let checked = ctx
                .program(Who::User, tools::promtool())
                .args(["check", "metrics"])
                .stdin(text)
                .run()
                .success();
            assert_eq!((checked.stdout.as_str(), checked.stderr.as_str()), ("", ""), "{checked}");
        }
    }
}

/// Who has no account goes by the number wherever programs read it, and people are told that it is one.
#[test]
fn a_home_without_an_account_goes_by_its_number() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let homes = ctx.area().join("homes");
    let left = ctx.project_at(homes.join("left"), Who::User);
    left.venvkeep(["new", "--seed", "none", "./.venv"]).run().success();
    ctx.program(Who::User, "ln")
        .args(["-sfn", "/opt/gone", ".venv/bin/python"])
        .current_dir(left.path())
        .run()
        .success();
    ctx.program(Who::Root, "chown").args(["-hR", "54321:54321"]).arg(left.path()).run().success();
    let scan = |args: &[&str]| {
        let args = [&["scan", "--all-users"], args].concat();
        with_other_homes(&ctx, &ctx.home(Who::User), &homes, &args).code(1)
    };
    scan(&["--format", "prometheus"]).stdout_has("venvkeep_environments{user=\"54321\",status=\"broken\"} 1");
    scan(&["--json"]).stdout_has("\"user\":\"54321\"");
    scan(&[]).stdout_has("user number 54321\n").stdout_has("user number 54321 should run, without sudo:");
}
