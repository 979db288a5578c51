//! `check`: what is wrong, whose it is, what to do; and nothing is written.

use venvkeep_testkit::{Context, Maker, Who, fingerprint, tools};

use crate::VENVKEEP;
use crate::support::{finding_codes, first_environment};

#[test]
fn an_environment_of_ones_own_is_healthy() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["with-deps", "with-scripts"]).build();
    let before = fingerprint(env.path());
    project.venvkeep(["check"]).run().success();
    let report = project.venvkeep(["check", "--json"]).run().success();
    assert_eq!(first_environment(&report)["status"], "healthy");
    assert_eq!(first_environment(&report)["kind"], "venv");
    before.assert_unchanged();
}

#[test]
fn roots_environment_is_broken_and_heal_is_the_remedy() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let before = fingerprint(env.path());

    project.venvkeep(["check"]).run().code(1).stdout_has("root").stdout_has("venvkeep heal");
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    let environment = first_environment(&report);
    assert_eq!(environment["status"], "broken");
    assert_eq!(environment["owner"]["uid"], 0);
    let findings = environment["findings"].as_array().cloned().unwrap_or_default();
    let foreign = findings.iter().find(|finding| finding["code"] == "foreign-owner");
    let count = foreign.and_then(|finding| finding["count"].as_u64());
    assert_eq!(count, u64::try_from(before.entry_count()).ok(), "{report}");
    before.assert_unchanged();
}

#[test]
fn each_damage_has_its_finding() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let expect = |name: &str, damage: &dyn Fn(&venvkeep_testkit::Environment<'_>), code: &str| {
        let project = ctx.project(name);
        let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
        damage(&env);
        let report = project.venvkeep(["check", "--json"]).run();
        assert!(finding_codes(&report).contains(code), "{code}: {report}");
        report.code(1);
    };
    expect("dangling", &|env| env.dangle_interpreter(), "interpreter-missing");
    expect("leftover", &|env| drop(env.leave_behind("pure_one")), "leftover-distribution");
    expect(
        "unreadable",
        &|env| {
            env.chown("lib", Who::Root);
            env.chmod(env.site_packages().join("pure_one/__init__.py"), 0o600);
        },
        "unreadable",
    );
    expect("altered", &|env| env.garble(env.site_packages().join("pure_one/data.txt")), "files-altered");
    expect("metadata", &|env| env.garble(env.dist_info("pure_one").join("METADATA")), "metadata-broken");
    expect(
        "no-config",
        &|env| std::fs::remove_file(env.path().join("pyvenv.cfg")).expect("it was there"),
        "config-missing",
    );
    expect(
        "lost",
        &|env| {
            std::fs::remove_file(env.site_packages().join("pure_one/data.txt")).expect("it was there");
        },
        "files-missing",
    );
}

#[test]
fn a_moved_environment_is_named_as_such() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["with-scripts"]).build();
    let env = env.move_to(project.path().join("venv"));
    let report = project.venvkeep(["check", "--json", env.str()]).run().code(1);
    assert!(finding_codes(&report).contains("moved"), "{report}");
}

#[test]
fn every_python_makes_environments_that_are_healthy() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (key, python) in tools::pythons() {
        let project = ctx.project(&format!("proj-{key}"));
        project.venv_by_owner(Maker::Venv).python(python).packages(["with-scripts"]).build();
        let report = project.venvkeep(["check"]).run();
        assert_eq!(report.status.code(), Some(0), "{key}: {report}");
    }
}

#[test]
fn a_change_that_keeps_the_size_shows_only_in_depth() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one", "with-scripts"]).build();
    project.venvkeep(["check", "--deep"]).run().success();
    let module = env.site_packages().join("pure_one/__init__.py");
    let mut content = std::fs::read(&module).expect("root may");
    content[0] ^= 1;
    std::fs::write(&module, content).expect("root may");
    let before = fingerprint(env.path());
    project.venvkeep(["check"]).run().success();
    let report = project.venvkeep(["check", "--deep", "--json"]).run().code(1);
    assert!(finding_codes(&report).contains("files-altered"), "{report}");
    assert!(report.stdout.contains("site-packages/pure_one/__init__.py"), "{report}");
    before.assert_unchanged();
}
