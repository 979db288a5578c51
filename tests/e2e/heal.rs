//! `heal`: the same environment, the user's own, with the old tree beside it; or nothing changed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use serde_json::json;
use venvkeep_testkit::{
    Context, Environment, Invocation, Maker, Need, Output, Wheel, Who, fingerprint, owners, require, tools,
};

use crate::VENVKEEP;
use crate::support::{
    Before, INSTALLERS, accounted, assert_healed, assert_works, finding_codes, first_environment, kept_tree,
    lines, names_in, with_uv,
};

const PACKAGES: [&str; 4] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part"];

#[test]
fn what_root_made_is_fetched_anew_and_becomes_the_users() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Venv, Maker::Virtualenv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let env = project.venv_by_root(maker).packages(PACKAGES).build();
        let before = Before::of(&env);
        let heal = project.venvkeep(["heal", "--from", "index", "--json"]).wheels_only(ctx.wheels());
        let heal = if maker == Maker::Uv { with_uv(heal) } else { heal };
        let report = heal.run().success();
        assert_healed(&ctx, &project, &env, &before, &report);
        env.installer(Who::User).args(["install", "ns-other"]).wheels_only(ctx.wheels()).run().success();
    }
}

#[test]
fn what_cannot_be_read_is_fetched_by_pip() {
    fetches(Maker::Venv, |heal| heal);
}

#[test]
fn what_cannot_be_read_is_fetched_by_uv() {
    if require(&[Need::Uv]) {
        fetches(Maker::Uv, with_uv);
        fetches(Maker::Venv, with_uv);
    }
}

/// The distributions were installed under a strict umask: only their names can be read.
fn fetches(maker: Maker, with_installer: fn(Invocation) -> Invocation) {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(maker).build().umask(0o077);
    env.install(PACKAGES);
    let frozen = env.freeze_all();
    let heal = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels());
    let report = with_installer(heal).run().success();
    let healed = accounted(&report);
    assert_eq!(healed["outcome"], "healed", "{report}");
    let distributions = healed["distributions"].as_array().cloned().unwrap_or_default();
    let pure_one = distributions.iter().find(|distribution| distribution["name"] == "pure-one");
    assert_eq!(pure_one.map(|one| one["source"].clone()), Some("index".into()), "{report}");
    assert_eq!(owners(env.path()), BTreeSet::from([Who::User.uid()]));
    assert_eq!(env.freeze_all(), frozen);
    assert_works(&ctx, &env);
    project.venvkeep(["check"]).run().success();
}

#[test]
fn without_an_index_nothing_changes_and_the_missing_are_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one", "ns-part"]);
    let before = fingerprint(env.path());
    let names = names_in(project.path());
    let heal = project.venvkeep(["heal"]).index_unreachable().run().code(3);
    let said = format!("{}{}", heal.stdout, heal.stderr);
    assert!(said.contains("pure-one==1.0") && said.contains("ns-part==1.0"), "{heal}");
    before.assert_unchanged();
    assert_eq!(names_in(project.path()), names, "no stage is left");
}

#[test]
fn an_interpreter_that_went_away_is_replaced() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    let frozen = env.freeze();
    env.dangle_interpreter();
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().success();
    assert_eq!(env.freeze(), frozen);
    assert_works(&ctx, &env);
}

#[test]
fn a_dry_run_plans_and_changes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let (before, names) = (fingerprint(env.path()), names_in(project.path()));
    project.venvkeep(["heal", "--dry-run"]).run().success().stdout_has("pure-one");
    let report = project.venvkeep(["heal", "--dry-run", "--json"]).run().success();
    assert_eq!(first_environment(&report)["outcome"], "planned", "{report}");
    before.assert_unchanged();
    assert_eq!(names_in(project.path()), names);
}

#[test]
fn what_only_the_user_can_put_right_is_said_and_nothing_is_rebuilt() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["with-deps"]).build();
    env.installer(Who::User).args(["uninstall", "-y", "pure-one"]).run().success();
    let before = fingerprint(env.path());
    project.venvkeep(["heal"]).run().code(1).stdout_has("dependency-unmet").stdout_lacks("healthy");
    before.assert_unchanged();
    assert_eq!(names_in(project.path()).len(), 1);
}

#[test]
fn metadata_that_names_nothing_is_named_by_the_heal() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one", "ns-part"]).build();
    let nameless = env.dist_info("pure_one").with_file_name("-.dist-info");
    fs::rename(env.dist_info("pure_one"), &nameless).unwrap();
    env.garble(nameless.join("METADATA"));
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(4).stdout_has("-.dist-info");
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["ns-part==1.0"]);
}

#[test]
fn a_linked_library_is_not_taken_for_an_empty_one() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    fs::rename(env.path().join("lib"), project.path().join("library")).unwrap();
    symlink("../library", env.path().join("lib")).unwrap();
    let before = fingerprint(env.path());
    for command in ["freeze", "heal"] {
        project.venvkeep([command]).run().code(3).stdout_is("").stderr_has("-r");
    }
    before.assert_unchanged();
}

/// On a file system without the exchange of names, at the moment when nothing is at the environment's place.
#[test]
fn what_was_cut_off_between_two_renames_is_found_and_settled() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
    let kept = project.path().join(".venv.venvkeep-old-20261121-091500");
    let old = fs::metadata(env.path()).unwrap();
    let stage = project.path().join(".venv.venvkeep-stage-0011223344556677");
    let building = json!({ "step": "building", "stage": stage, "identity": { "device": 0, "inode": 0 } });
    let identity = json!({ "device": old.dev(), "inode": old.ino() });
    let swapping = json!({ "step": "swapping", "old": identity, "kept": kept });
    project.write(".venv.venvkeep-journal", format!("{building}\n{swapping}\n"));
    fs::rename(env.path(), &kept).unwrap();

    project.venvkeep(["check", ".venv"]).run().code(1).stdout_has("venvkeep heal");
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    assert_eq!(finding_codes(&report), BTreeSet::from(["interrupted-heal".to_owned()]));
    project.venvkeep(["heal", ".venv"]).run().success();
    assert_eq!(names_in(project.path()), BTreeSet::from([".venv".to_owned()]));
    project.venvkeep(["check"]).run().success();
}

#[test]
fn what_is_healthy_stays_as_it_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
    let before = fingerprint(env.path());
    let report = project.venvkeep(["heal", "--json"]).run().success();
    assert_eq!(first_environment(&report)["outcome"], "healthy");
    before.assert_unchanged();
}

#[test]
fn a_list_from_a_file_replaces_the_environments_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // A strict umask throughout: not even the names can be read.
    let env = project.venv_by_root(Maker::Venv).umask(0o077).packages(["pure-one"]).build();
    let before = fingerprint(env.path());
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(3).stderr_has("-r");
    before.assert_unchanged();

    project.write("requirements.txt", "pure-one==1.0\nns-part==1.0\n");
    let heal = project.venvkeep(["heal", "-r", "requirements.txt"]).wheels_only(ctx.wheels());
    heal.run().success();
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["ns-part==1.0", "pure-one==1.0"]);
    before.assert_same(&fingerprint(kept_tree(project.path())));
}

#[test]
fn a_full_disk_changes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(disk) = ctx.small_disk("disk", 1024) else { return };
    let project = disk.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    ctx.program(Who::User, "dd")
        .args(["if=/dev/zero", "bs=1k", "of=big"])
        .current_dir(disk.path())
        .run()
        .code(1);
    let (before, names) = (fingerprint(env.path()), names_in(project.path()));
    project.venvkeep(["heal"]).run().code(3);
    before.assert_unchanged();
    assert_eq!(names_in(project.path()), names, "no stage is left");
}

#[test]
fn the_users_processes_that_run_from_it_are_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let mut running =
        ctx.program(Who::User, env.bin("python")).args(["-c", "import time; time.sleep(60)"]).spawn();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let heal = project.venvkeep(["heal"]).run().success();
    running.kill().expect("it runs");
    running.wait().expect("it ran");
    assert!(
        heal.stdout.contains(&format!("use the old files until restarted: {} (", running.id())),
        "{heal}"
    );
}

#[test]
fn another_python_takes_over_on_request() {
    if !require(&[Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(PACKAGES).build();
    let python = tools::python("3.12").unwrap();
    let heal = project.venvkeep(["heal", "-p", python.to_str().unwrap()]).wheels_only(ctx.wheels());
    heal.run().success();
    let version = ctx.program(Who::User, env.bin("python")).arg("--version").run().success();
    version.stdout_has("Python 3.12");
    assert_works(&ctx, &env);
}

#[test]
fn an_open_umask_makes_nothing_that_strangers_can_write() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).umask(0).run().success();
    project.venvkeep(["check"]).run().success();
}

/// The distributions that were asked for, by their metadata directories' names; RECORD says the same.
fn asked_for(env: &Environment<'_>) -> BTreeSet<String> {
    let site = env.site_packages();
    let names = names_in(&site).into_iter().filter(|name| name.ends_with(".dist-info"));
    let asked = names.filter(|name| {
        let is_marked = site.join(name).join("REQUESTED").exists();
        let record = fs::read_to_string(site.join(name).join("RECORD")).expect("it has one");
        assert_eq!(record.contains("dist-info/REQUESTED,"), is_marked, "{name}: {record}");
        is_marked
    });
    asked.collect()
}

#[test]
fn what_was_asked_for_stays_told_from_what_was_pulled_in() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, with_installer) in INSTALLERS {
        for from in ["env", "index"] {
            let project = ctx.project(&format!("{name}-{from}"));
            let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
            let before = asked_for(&env);
            let pulled_in = |name: &str| before.iter().all(|asked| !asked.starts_with(name));
            assert!(before.contains("ns_part-1.0.dist-info"), "{before:?}");
            assert!(pulled_in("pure_one") && pulled_in("extra_dep"), "{before:?}");
            let heal = project.venvkeep(["heal", "--json", "--from", from]).wheels_only(ctx.wheels());
            accounted(&with_installer(heal).run().success());
            assert_eq!(asked_for(&env), before, "{name}, {from}");
            project.venvkeep(["check", "--deep"]).run().success();
        }
    }
}

#[test]
fn a_dependency_that_was_none_before_is_named_and_not_added() {
    if !require(&[Need::Python("3.9")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let marked = Wheel::new("marked", "1.0").header("Requires-Dist", "ns-part; python_version < \"3.10\"");
    marked.file("marked.py", "").write(ctx.wheels());
    let told = |report: &Output, what: &str| {
        let report = accounted(report);
        assert_eq!(report["outcome"], "needs-attention", "{report}");
        let remarks = report["remarks"].to_string();
        assert!(remarks.contains(what), "{remarks}");
        assert_eq!(report["findings_after"][0]["code"], "dependency-unmet", "{report}");
    };
    // Of another Python.
    let project = ctx.project("markers");
    project.venv_by_root(Maker::VenvWithoutPip).packages(["marked"]).build();
    let python = tools::python("3.9").expect("it was required");
    let heal = project.venvkeep(["heal", "--json", "-p"]).arg(python).wheels_only(ctx.wheels()).run().code(4);
    told(&heal, "marked 1.0 requires ns-part, which is not installed");
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["marked==1.0"]);
    // Of a distribution whose damaged metadata did not tell.
    let project = ctx.project("damaged");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-deps"]).build();
    fs::write(env.dist_info("with_deps").join("METADATA"), "garbled").expect("root may");
    fs::remove_dir_all(env.dist_info("pure_one")).expect("root may");
    let heal = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().code(4);
    told(&heal, "with-deps 2.0 requires pure-one, which is not installed");
    // What was met before has to be met again: then there is no swap, and a way out.
    let project = ctx.project("met");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-deps"]).build();
    let before = fingerprint(env.path());
    let newer = Wheel::new("with-deps", "2.0").header("Requires-Dist", "pure-one>=2");
    newer.file("with_deps.py", "").write(ctx.wheels());
    let heal = project.venvkeep(["heal", "--from", "index"]).wheels_only(ctx.wheels()).run().code(3);
    heal.stderr_has("were met before: with-deps 2.0 requires pure-one>=2").stderr_has("--skip NAME");
    before.assert_unchanged();
}
