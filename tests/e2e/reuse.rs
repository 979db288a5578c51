//! `heal` from the environment's own bytes: without a network, verified, and named where that cannot be.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use venvkeep_testkit::{Context, Environment, Maker, Need, Output, Who, fingerprint, require, tools};

use crate::VENVKEEP;
use crate::support::{Before, assert_healed, assert_works, first_environment, names_in, source_of, sources};

const PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

/// Everything came from the old environment, with the bytes of before.
fn assert_all_reused(report: &Output) {
    let distributions = first_environment(report)["distributions"].as_array().cloned().unwrap_or_default();
    assert!(!distributions.is_empty(), "{report}");
    for one in distributions {
        assert_eq!((&one["source"], &one["same_bytes"]), (&"env".into(), &true.into()), "{one}");
    }
}

/// Runs Python code in the environment, as the user.
fn python(ctx: &Context, env: &Environment<'_>, code: &str) -> Output {
    ctx.program(Who::User, env.bin("python")).args(["-c", code]).run().success()
}

#[test]
fn everything_comes_from_the_environment_without_a_network() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Venv, Maker::Virtualenv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let env = project.venv_by_root(maker).packages(PACKAGES).build();
        let before = Before::of(&env);
        let data = env.path().join("share/with-scripts/readme.txt");
        let written = fs::metadata(&data).unwrap().mtime();

        let report = project.venvkeep(["heal", "--offline", "--json"]).index_unreachable().run().success();
        assert_all_reused(&report);
        assert_healed(&ctx, &project, &env, &before, &report);
        python(&ctx, &env, "import kitns.other");
        assert_eq!(fs::metadata(&data).unwrap().mtime(), written, "times are kept");
        assert!(env.path().join("etc/with-scripts.conf").is_file());
        env.installer(Who::User).args(["install", "sdist-one"]).wheels_only(ctx.wheels()).run().success();
    }
}

#[test]
fn what_was_altered_is_fetched_or_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    // As long as before, so that only its hash tells.
    fs::write(env.site_packages().join("pure_one/__init__.py"), "ONE = 2\n").unwrap();
    let (before, names) = (fingerprint(env.path()), names_in(project.path()));
    let heal = project.venvkeep(["heal", "--offline"]).index_unreachable().run().code(3);
    heal.stderr_has("pure-one==1.0").stderr_has("pure_one/__init__.py was altered");
    before.assert_unchanged();
    assert_eq!(names_in(project.path()), names, "no stage is left");

    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    assert_eq!(source_of(&report, "pure-one"), "index", "{report}");
    assert_eq!(source_of(&report, "with-scripts"), "env", "{report}");
    python(&ctx, &env, "import pure_one; print(pure_one.ONE)").stdout_is("1\n");
    assert_works(&ctx, &env);
}

#[test]
fn a_namespace_is_joined_from_both_sources() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    fs::write(env.site_packages().join("kitns/part.py"), "PART = 9\n").unwrap();
    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    assert_eq!(source_of(&report, "ns-part"), "index");
    assert_eq!(source_of(&report, "ns-other"), "env");
    python(&ctx, &env, "from kitns import part, other; print(part.PART, other.OTHER)").stdout_is("1 1\n");
}

#[test]
fn what_is_left_out_is_reported() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    fs::write(env.site_packages().join("pure_one/__init__.py"), "ONE = 2\n").unwrap();
    project.venvkeep(["heal", "--skip", "no-such"]).run().code(2).stderr_has("no-such");
    let report = project.venvkeep(["heal", "--offline", "--skip", "Pure_One", "--json"]).run().code(4);
    assert_eq!(source_of(&report, "pure-one"), "skipped");
    assert_eq!(first_environment(&report)["outcome"], "needs-attention");
    assert!(!env.site_packages().join("pure_one").exists());
    assert!(env.freeze().iter().all(|line| !line.starts_with("pure-one")));
}

#[test]
fn the_plan_shows_each_source_and_why() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one", "ns-part"]).build();
    fs::remove_file(env.site_packages().join("kitns/part.py")).unwrap();
    let report = project.venvkeep(["heal", "--dry-run", "--json"]).run().success();
    assert_eq!(source_of(&report, "pure-one"), "env");
    assert_eq!(source_of(&report, "ns-part"), "index");
    let shown = project.venvkeep(["heal", "--dry-run"]).run().success();
    shown.stdout_has("every file of it reads").stdout_has("kitns/part.py is not there");
    let from_index = project.venvkeep(["heal", "--dry-run", "--from", "index", "--json"]).run().success();
    assert_eq!(source_of(&from_index, "pure-one"), "index");
    let only = project.venvkeep(["heal", "--from", "env"]).run().code(3);
    only.stderr_has("ns-part==1.0").stderr_has("kitns/part.py is not there");
}

#[test]
fn editable_projects_keep_working_offline() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let source = project.source("mine", "0.3");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    env.install(["--no-build-isolation".as_ref(), "-e".as_ref(), source.as_os_str()]);
    let frozen = env.freeze_all();
    let report = project.venvkeep(["heal", "--offline", "--json"]).run().success();
    assert_all_reused(&report);
    assert_eq!(env.freeze_all(), frozen);
    python(&ctx, &env, "import mine; print(mine.WHERE)").stdout_is("source\n");
    project.write("mine/src/mine.py", "WHERE = \"edited\"\n");
    python(&ctx, &env, "import mine; print(mine.WHERE)").stdout_is("edited\n");
}

#[test]
fn development_installs_keep_working_offline() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build();
    let old = project.path().join("old");
    let info = "Metadata-Version: 1.0\nName: old\nVersion: 0.9\n";
    project.write("old/old.egg-info/PKG-INFO", info);
    project.write("old/old.py", "WHERE = \"developed\"\n");
    let site = env.site_packages();
    let line = format!("{}\n", old.display());
    fs::write(site.join("old.egg-link"), format!("{line}.")).unwrap();
    fs::write(site.join("easy-install.pth"), format!("{line}/somewhere/else\n")).unwrap();
    let report = project.venvkeep(["heal", "--offline", "--json"]).run().success();
    assert_eq!(source_of(&report, "old"), "env", "{report}");
    assert_eq!(fs::read_to_string(site.join("easy-install.pth")).unwrap(), line);
    python(&ctx, &env, "import old; print(old.WHERE)").stdout_is("developed\n");
}

#[test]
fn another_version_of_python_takes_over_what_suits_it() {
    if !require(&[Need::Python("3.12")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    // For Python 3.11 alone, by its tag.
    let wheel = env.dist_info("extra_dep").join("WHEEL");
    let record = env.dist_info("extra_dep").join("RECORD");
    let rows = fs::read_to_string(&record).unwrap();
    let without_hash: Vec<&str> = rows.lines().filter(|row| !row.contains("/WHEEL,")).collect();
    fs::write(&record, without_hash.join("\n") + "\n").unwrap();
    let tagged = fs::read_to_string(&wheel).unwrap().replace("py3-none-any", "cp311-none-any");
    fs::write(&wheel, tagged).unwrap();

    let new = tools::python("3.12").unwrap();
    let heal = project.venvkeep(["heal", "--json", "-p", new.to_str().unwrap()]);
    let report = heal.wheels_only(ctx.wheels()).run().success();
    assert_eq!(source_of(&report, "extra-dep"), "index", "{report}");
    for name in ["pip", "pure-one", "with-scripts", "ns-part", "odd-name-x"] {
        let found =
            sources(&report).into_iter().find(|(one, _)| one.to_lowercase().replace(['.', '_'], "-") == name);
        assert_eq!(found.map(|(_, source)| source).as_deref(), Some("env"), "{name}: {report}");
    }
    ctx.program(Who::User, env.bin("python")).arg("--version").run().success().stdout_has("Python 3.12");
    assert_works(&ctx, &env);
    assert!(env.site_packages().ends_with("lib/python3.12/site-packages"));
    let header = "include/site/python3.12/with-scripts/with_scripts.h";
    assert!(env.path().join(header).is_file(), "{:?}", names_in(&env.path().join("include")));
    assert!(env.bin("pip3.12").is_file());
    assert!(!env.bin("pip3.11").exists());
    project.venvkeep(["check"]).run().success();
}

#[test]
fn modes_and_bytecode() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    let site = env.site_packages();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    env.chmod(site.join("pure_one/data.txt"), 0o646);
    env.chmod(site.join("with_deps.py"), 0o777);
    let cached = |name: &str| site.join(format!("__pycache__/{name}.cpython-311.pyc"));
    assert!(cached("with_deps").is_file() && cached("extra_dep").is_file(), "pip compiles what it installs");
    // Compiled from another source than the one that is there.
    let mut stale = fs::read(cached("extra_dep")).unwrap();
    stale[8] ^= 1;
    fs::write(cached("extra_dep"), stale).unwrap();

    let heal = project.venvkeep(["heal", "--offline", "--trust-owner"]).umask(0o002);
    heal.run().success();
    assert_eq!(mode(&site.join("pure_one/data.txt")), 0o664);
    assert_eq!(mode(&site.join("with_deps.py")), 0o775);
    assert!(cached("with_deps").is_file());
    assert!(!cached("extra_dep").exists());
    let listed = fs::read_to_string(env.dist_info("extra_dep").join("RECORD")).unwrap();
    assert!(!listed.contains("pyc") && listed.contains("extra_dep.py"), "{listed}");
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_moved_environments_scripts_start_the_right_python() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let before = ctx.project("before");
    let env = before.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    let frozen = env.freeze_all();
    let after = ctx.project("a place with spaces");
    let env = env.move_to(after.path().join(".venv"));
    let report = after.venvkeep(["heal", "--offline", "--json"]).run().success();
    assert_all_reused(&report);
    assert_eq!(env.freeze_all(), frozen);
    assert_works(&ctx, &env);
    after.venvkeep(["check"]).run().success();
}

#[test]
fn nobody_takes_the_place_of_what_belongs_to_the_environment_itself() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let record = env.dist_info("pure_one").join("RECORD");
    let rows = fs::read_to_string(&record).unwrap();
    for (path, said) in [
        ("../../../pyvenv.cfg", "the environment's own"),
        ("../../../bin/activate", "the environment's own"),
        ("../../../../secret", "outside of the environment"),
        ("/etc/hostname", "outside of the environment"),
    ] {
        fs::write(&record, format!("{rows}{path},,\n")).unwrap();
        let before = fingerprint(env.path());
        project.venvkeep(["heal", "--from", "env"]).run().code(3).stderr_has(said);
        before.assert_unchanged();
    }
}
