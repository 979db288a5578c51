//! What is missing in whole: site-packages, the library around it, `bin`. Nothing of that is an empty environment.

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;

use serde_json::Value;
use venvkeep_testkit::{Context, Environment, Maker, Who, fingerprint};

use crate::VENVKEEP;
use crate::support::{
    accounted, assert_works, finding_codes, first_environment, kept_tree, lines, names_in, sources,
};

const PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

fn remove(path: &Path) {
    fs::remove_dir_all(path).expect("root may");
}

/// A link of the user's.
fn link(target: impl AsRef<Path>, place: impl AsRef<Path>) {
    symlink(target, &place).expect("root may");
    lchown(place, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may");
}

/// What is done to an environment, by a name, and what `check` says of it.
type Damage = (&'static str, fn(&Environment<'_>), &'static str);

/// Every way in which what is installed can be out of reach.
const DAMAGES: [Damage; 7] = [
    ("site-packages", |env| remove(&env.site_packages()), "site-packages is gone, and with it everything"),
    (
        "the versioned library",
        |env| remove(env.site_packages().parent().expect("it has one")),
        "3.11 is gone",
    ),
    (
        "lib, but for its name",
        |env| {
            remove(&env.path().join("lib"));
            fs::create_dir(env.path().join("lib")).expect("root may");
            env.chown("lib", Who::User);
        },
        "is gone",
    ),
    ("lib", |env| remove(&env.path().join("lib")), "Its lib is gone"),
    (
        "a file in its place",
        |env| {
            let site = env.site_packages();
            remove(&site);
            fs::write(&site, "overwritten\n").expect("root may");
            env.chown(&site, Who::User);
        },
        "site-packages is a file, where",
    ),
    (
        "a link to nothing in its place",
        |env| {
            let site = env.site_packages();
            remove(&site);
            link("/nowhere/site-packages", site);
        },
        "a link that leads to no directory",
    ),
    (
        "a link to nothing in lib's place",
        |env| {
            remove(&env.path().join("lib"));
            link("/nowhere/lib", env.path().join("lib"));
        },
        "Its lib is a link that leads to no directory",
    ),
];

#[test]
fn what_was_installed_comes_back_from_the_snapshot() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(PACKAGES).build();
    project.venvkeep(["check"]).run().success();
    let frozen = lines(&project.venvkeep(["freeze", "--all"]).run().success());
    for (what, damage, said) in DAMAGES {
        damage(&env);
        let tree = fingerprint(env.path());
        let check =
            project.venvkeep(["check"]).run().code(1).stdout_has(": broken").stdout_has("[files-missing]");
        check.stdout_has(said).stdout_has("venvkeep heal");
        let codes = finding_codes(&project.venvkeep(["check", "--json"]).run().code(1));
        assert_eq!(codes, ["files-missing".to_owned()].into(), "{what}: one fault, one finding");
        project
            .venvkeep(["freeze"])
            .run()
            .code(3)
            .stderr_has("is gone")
            .stderr_has("A snapshot was kept of it");
        project.venvkeep(["clone", ".venv", "./copy"]).run().code(3).stderr_has("is broken");
        let heal = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
        let report = accounted(&heal);
        assert_eq!(report["list"]["from"], "snapshot", "{what}: {report}");
        assert_eq!(report["list"]["of"], "this-environment", "{what}");
        assert_eq!(lines(&project.venvkeep(["freeze", "--all"]).run().success()), frozen, "{what}");
        assert_works(&ctx, &env);
        assert!(!env.dist_info("pure_one").join("REQUESTED").exists(), "{what}: it was pulled in");
        project.venvkeep(["check"]).run().success();
        tree.assert_same(&fingerprint(kept_tree(project.path())));
        project.venvkeep(["prune"]).run().success();
        assert_eq!(names_in(project.path()).len(), 1, "{what}: {:?}", names_in(project.path()));
    }
}

#[test]
fn without_a_snapshot_both_ways_out_are_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    project.write("requirements.txt", "pure-one==1.0\n");
    remove(&env.site_packages());
    let before = fingerprint(env.path());
    let command = format!("venvkeep heal -r requirements.txt {}", env.str());
    let check =
        project.venvkeep(["check"]).run().code(1).stdout_has("files-missing").stdout_has("foreign-owner");
    let check = check.stdout_has("So a heal needs a list").stdout_has(&format!("\n  {command}\n"));
    let check = check.stdout_has("(beside it lie: requirements.txt)");
    assert!(!check.stdout.contains(&format!("venvkeep heal {}", env.str())), "it would only stop: {check}");
    // The same everywhere, at once and not only once the heal has stopped.
    let scan = project.venvkeep(["scan", "."]).run().code(1).stdout_has(&format!("\n  {command}\n"));
    assert!(!scan.stdout.contains("heal --all"), "that would leave it: {scan}");
    project.venvkeep(["heal", "--all", "."]).run().code(1).stdout_has("needs a list").stdout_has(&command);
    let found = project.venvkeep(["scan", "--json", "."]).run().code(1);
    let found: Value = serde_json::from_str(&lines(&found)[0]).expect("it is JSON");
    let checked = first_environment(&project.venvkeep(["check", "--json"]).run().code(1));
    assert_eq!(found["findings"], checked["findings"]);
    let heals = checked["findings"].as_array().expect("a list").iter().map(|finding| &finding["remedy"]);
    for remedy in heals.filter(|remedy| remedy["kind"] == "heal") {
        assert_eq!(remedy["command"], command.as_str(), "{remedy}");
        assert_eq!((&remedy["needs_list"], remedy["if_trusted"].is_null()), (&Value::Bool(true), true));
    }
    let refused = project.venvkeep(["heal"]).run().code(3).stderr_has("is gone").stderr_has("from a backup");
    let refused = refused.stderr_has(&command).stderr_has("(beside it lie: requirements.txt)");
    assert!(!refused.stderr.contains("sudo"), "root finds no more there: {refused}");
    before.assert_unchanged();
    project.venvkeep(["list"]).run().success();
    let heal = project.venvkeep(["heal", "--json", "-r", "requirements.txt"]).wheels_only(ctx.wheels());
    accounted(&heal.run().success());
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
    project.venvkeep(["check"]).run().success();
}

#[test]
fn without_bin_everything_else_is_still_there() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(PACKAGES).build();
    let frozen = lines(&project.venvkeep(["freeze", "--all"]).run().success());
    remove(&env.path().join("bin"));
    let codes = finding_codes(&project.venvkeep(["check", "--json"]).run().code(1));
    assert!(codes.contains("interpreter-missing"), "{codes:?}");
    let heal = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    accounted(&heal);
    // What had no commands in `bin` is whole.
    let from = |name: &str| sources(&heal).into_iter().find(|(found, _)| found == name).map(|(_, from)| from);
    assert_eq!(from("pure-one").as_deref(), Some("env"), "{heal}");
    assert_eq!(lines(&project.venvkeep(["freeze", "--all"]).run().success()), frozen);
    assert_works(&ctx, &env);
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_link_to_a_library_elsewhere_is_pythons_to_follow_and_not_ours() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).packages(["pure-one"]).build();
    let elsewhere = project.path().join("library");
    fs::rename(env.path().join("lib"), &elsewhere).expect("root may");
    link(&elsewhere, env.path().join("lib"));
    let before = (fingerprint(env.path()), fingerprint(&elsewhere));
    // It works, so it is left alone.
    ctx.program(Who::User, env.bin("python")).args(["-B", "-c", "import pure_one"]).run().success();
    let check = project.venvkeep(["check", "--json"]).run().success();
    assert_eq!(first_environment(&check)["findings"][0]["code"], "unsafe-path", "{check}");
    project.venvkeep(["check"]).run().success().stdout_has("link to a directory elsewhere");
    project.venvkeep(["freeze"]).run().code(3).stderr_has("a link is on the way");
    project.venvkeep(["heal", "--force"]).run().code(3).stderr_has("Put the directory itself there");
    project.venvkeep(["clone", ".venv", "./copy"]).run().code(3);
    before.0.assert_unchanged();
    before.1.assert_unchanged();
}
