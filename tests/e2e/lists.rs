//! Lists that people write: hashes, markers, addresses; and projects whose paths are hard to write down.

use venvkeep_testkit::{Context, Invocation, Maker, Need, Project, Who, fingerprint, require};

use crate::VENVKEEP;
use crate::support::{
    INSTALLERS, WithInstaller, accounted, first_environment, kept_tree, lines, names_in, paths, sources,
    with_uv,
};

/// `venvkeep heal -r` with that list, from the kit's wheels.
fn heal_from(project: &Project<'_>, list: &str, installer: WithInstaller) -> Invocation {
    project.write("requirements.txt", list);
    installer(project.venvkeep(["heal", "--json", "-r", "requirements.txt"]))
}

#[test]
fn a_hash_that_does_not_fit_stops_the_heal() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let wheel = ctx.wheels().join("pure_one-1.0-py3-none-any.whl");
    let sum = ctx.program(Who::User, "sha256sum").arg(wheel).run().success();
    let right = sum.stdout.split(' ').next().expect("sha256sum prints the sum first").to_owned();
    for (name, installer) in INSTALLERS {
        let project = ctx.project(name);
        let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
        let before = fingerprint(env.path());
        let list = |hash: &str| format!("pure-one==1.0 --hash=sha256:{hash}\n");
        let wrong = heal_from(&project, &list(&"0".repeat(64)), installer).wheels_only(ctx.wheels());
        wrong.run().code(3);
        before.assert_unchanged();
        heal_from(&project, &list(&right), installer).wheels_only(ctx.wheels()).run().success();
    }
}

#[test]
fn a_list_with_some_hashes_is_refused_before_anything_is_done() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build();
    let before = (fingerprint(env.path()), names_in(project.path()).len());
    let list = format!("pure-one==1.0 --hash=sha256:{}\nns-part==1.0\n", "0".repeat(64));
    let refused = heal_from(&project, &list, |heal| heal).run();
    assert_ne!(refused.status.code(), Some(0), "{refused}");
    assert!(refused.to_string().contains("line 2"), "{refused}");
    before.0.assert_unchanged();
    assert_eq!(names_in(project.path()).len(), before.1 + 1, "only the list is new");
}

#[test]
fn a_list_that_leaves_versions_open_comes_with_what_pins_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, installer) in INSTALLERS {
        if name == "uv" && !require(&[Need::Uv]) {
            return;
        }
        let project = ctx.project(&format!("for-{name}"));
        let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
        project.write("own list.txt", "with-deps>=1\n");
        let before = fingerprint(env.path());
        let heal = installer(project.venvkeep(["heal", "-r", "own list.txt", ".venv"]));
        let refused = heal.run().code(2).stderr_has("line 1: with-deps>=1");
        before.assert_unchanged();
        // What is said there does it, word for word.
        let commands: Vec<&str> =
            refused.stderr.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        assert_eq!(commands.last(), Some(&"venvkeep heal -r pinned.txt .venv"), "{refused}");
        assert_eq!(commands[0].starts_with("uv pip compile 'own list.txt'"), name == "uv", "{refused}");
        let all = commands.join(" && ").replace("venvkeep ", "\"$VENVKEEP\" ");
        let shell = ctx.program(Who::User, "sh").args(["-c", &all]).current_dir(project.path());
        let shell = shell.env("VENVKEEP", project.venvkeep([""; 0]).program()).wheels_only(ctx.wheels());
        installer(shell).run().success();
        // With what it depends on, which a list that leaves versions open seldom names.
        let frozen = lines(&project.venvkeep(["freeze", ".venv"]).run().success());
        assert_eq!(frozen, ["pure-one==1.0", "with-deps==2.0"], "{name}");
    }
}

#[test]
fn a_project_in_a_directory_with_spaces_stays_editable() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, installer) in INSTALLERS {
        let project = ctx.project(&format!("a project for {name}"));
        let source = project.source("sdist-one", "1.0");
        let env = project.venv_by_root(Maker::Venv).build();
        env.install(["--no-build-isolation".as_ref(), "-e".as_ref(), source.as_os_str()]);
        let heal = installer(project.venvkeep(["heal"])).wheels_only(ctx.wheels());
        heal.run().success();
        ctx.program(Who::User, env.bin("python")).args(["-c", "import sdist_one"]).run().success();
    }
}

#[test]
fn what_is_meant_for_other_systems_is_left_out_and_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venv_by_root(Maker::Venv).build();
    let list = "colorama==0.4.6 ; sys_platform == \"win32\"\npure-one==1.0 ; python_version >= \"3\"\n";
    let report = heal_from(&project, list, |heal| heal).wheels_only(ctx.wheels()).run().success();
    let distributions = first_environment(&report)["distributions"].as_array().cloned().unwrap_or_default();
    let colorama = distributions.iter().find(|one| one["name"] == "colorama");
    assert_eq!(colorama.map(|one| one["source"].clone()), Some("skipped".into()), "{report}");
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
}

#[test]
fn a_branch_is_as_good_as_the_commit_that_it_named() {
    if !require(&[Need::Program("git"), Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venv_by_root(Maker::Venv).build();
    let source = project.git_source("sdist-one", "1.0");
    ctx.program(Who::User, "git").current_dir(&source).args(["branch", "shelf"]).run().success();
    let list = format!("sdist-one @ git+file://{}@shelf\n", source.display());
    // Older releases of pip take no `git+file:///`.
    heal_from(&project, &list, with_uv).wheels_only(ctx.wheels()).run().success();
    let frozen = lines(&project.venvkeep(["freeze"]).run().success());
    assert!(frozen.len() == 1 && !frozen[0].contains("shelf"), "{frozen:?}");
}

#[test]
fn what_the_list_does_not_have_is_named_in_plan_and_report() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one", "ns-part", "with-scripts"]).build();
    let notes = project.write(".venv/notes.txt", "mine");
    assert!(notes.exists());
    project.write("list.txt", "pure-one==1.0\npip==23.0.1\n");
    let heal =
        |args: &[&str]| project.venvkeep(["heal", "-r", "list.txt"]).args(args).wheels_only(ctx.wheels());
    let plan = heal(&["--dry-run"]).run().success();
    let left = |output: &str, name: &str| {
        output
            .lines()
            .any(|line| line.contains(name) && line.contains("skipped") && line.contains("not on your list"))
    };
    assert!(left(&plan.stdout, "with-scripts") && left(&plan.stdout, "ns-part"), "{plan}");
    assert!(!left(&plan.stdout, "pure-one") && !left(&plan.stdout, "pip "), "{plan}");
    let before = fingerprint(env.path());
    let healed = heal(&["--json"]).run().success();
    let report = accounted(&healed);
    let skipped: Vec<_> = sources(&healed).into_iter().filter(|(_, source)| source == "skipped").collect();
    let names: Vec<&str> = skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ns-part", "setuptools", "with-scripts"], "{report}");
    // Their files are counted as theirs, and the user's own are not among them.
    assert!(report["dropped_kinds"]["distribution"].as_u64() > Some(0), "{report}");
    assert_eq!(paths(&report, "carried"), ["notes.txt"]);
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
    before.assert_same(&fingerprint(kept_tree(project.path())));

    project.venvkeep(["undo"]).run().success();
    let told =
        heal(&[]).run().success().stdout_has("left out    ns-part 1.0, setuptools 66.1.1, with-scripts 1.2");
    told.stdout_has("(not on your list)");

    // Of what cannot be read, the snapshot knows what is left out.
    project.venvkeep(["check"]).run().success();
    project.venvkeep(["undo"]).run().success();
    project.venvkeep(["check"]).run().code(1);
    std::fs::remove_dir_all(env.site_packages()).expect("root may");
    heal(&[]).run().success().stdout_has("left out    ns-part 1.0, setuptools 66.1.1, with-scripts 1.2");
}
