//! The kit itself: every other test here believes what it says.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use venvkeep_testkit::{Context, Maker, Need, Who, fingerprint, owners, require, tools};

use crate::VENVKEEP;

/// All that the kit's wheels freeze to, in the order of `pip freeze`.
const ALL_FROZEN: [&str; 7] = [
    "extra-dep==0.1",
    "ns-other==1.0",
    "ns-part==1.0",
    "Odd.Name_x==1.0",
    "pure-one==1.0",
    "with-deps==2.0",
    "with-scripts==1.2",
];
const ALL_PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

#[test]
fn programs_run_as_a_user_with_own_home_and_no_other_variables() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    for (who, ids) in [(Who::User, "12345:12345:12345\n"), (Who::Other, "12346:12346:12346\n")] {
        let id = r#"echo "$(id -u):$(id -g):$(id -G)""#;
        ctx.program(who, "sh").args(["-c", id]).run().success().stdout_is(ids);
    }
    let home = ctx.home(Who::User);
    assert_eq!(fs::metadata(&home).unwrap().uid(), Who::User.uid());
    let expected = format!("HOME={}\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nTERM=dumb\n", home.display());
    ctx.program(Who::User, "env").run().success().stdout_is(&expected);
    ctx.program(Who::User, "pwd").run().success().stdout_is(&format!("{}\n", home.display()));
    ctx.program(Who::User, "cat").arg("/proc/self/stat").stdin("").run().success();
}

#[test]
fn the_program_under_test_is_one_that_the_user_can_start() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let status = ctx.run(["--version"]).status;
    assert!(status.code().is_some(), "it started and ended by itself: {status}");
}

#[test]
fn root_can_be_told_who_called_sudo() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let shell = ctx.program(Who::Root, "sh").args(["-c", "id -u; echo $SUDO_UID"]);
    shell.under_sudo_of(Who::User).run().success().stdout_is("0\n12345\n");
}

#[test]
fn the_umask_is_ours_unless_asked_for() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let umask = ctx.program(Who::User, "sh").args(["-c", "umask"]);
    umask.clone().run().success().stdout_is("0022\n");
    umask.umask(0o077).run().success().stdout_is("0077\n");
}

#[test]
fn what_hangs_is_killed_with_its_children() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let started = Instant::now();
    let hang = ctx.program(Who::User, "sh").args(["-c", "sleep 60 & sleep 60"]);
    let outcome = std::panic::catch_unwind(|| {
        let _ = hang.time_limit(Duration::from_millis(300)).run();
    });
    assert!(outcome.is_err(), "a hang is a failure");
    assert!(started.elapsed() < Duration::from_secs(30), "the children were killed too");
}

#[test]
fn venv_made_by_root_is_roots_and_works() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(ALL_PACKAGES).build();
    assert_eq!(owners(env.path()), BTreeSet::from([0]));
    assert_eq!(owners(project.path()), BTreeSet::from([0, Who::User.uid()]));
    assert_eq!(env.freeze(), ALL_FROZEN);

    for script in ["with-scripts", "with-scripts-gui", "raw-python"] {
        let run = ctx.program(Who::User, env.bin(script)).run();
        run.success().stdout_is("with-scripts works\n");
    }
    ctx.program(Who::User, env.bin("raw-shell")).run().success();
    assert!(env.path().join("etc/with-scripts.conf").is_file());
    assert!(env.site_packages().join("odd_name_x/a,b.txt").is_file());
    ctx.program(Who::User, env.bin("python")).args(["-m", "pip", "check"]).run().success();
}

#[test]
fn virtualenv_and_uv_make_environments_too() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    for maker in [Maker::Virtualenv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let env = project.venv_by_root(maker).packages(ALL_PACKAGES).build();
        assert_eq!(owners(env.path()), BTreeSet::from([0]), "{maker:?}");
        let frozen = env.freeze().join(" ").to_lowercase().replace(['_', '.'], "-");
        for line in ALL_FROZEN {
            let line = line.to_lowercase().replace(['_', '.'], "-");
            assert!(frozen.contains(&line), "{maker:?}: {line} is not in {frozen}");
        }
        assert_eq!(env.bin("pip").exists(), maker == Maker::Virtualenv);
    }
}

#[test]
fn sdists_editables_and_repositories_install_offline() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let source = project.source("edit-me", "0.3");
    let repository = format!("git+file://{}", project.git_source("from-git", "0.4").display());
    let env = project.venv_by_owner(Maker::Venv).packages(["sdist-one", &repository, "-e"]);
    let env = env.packages([&source]).build();
    assert_eq!(owners(project.path()), BTreeSet::from([Who::User.uid()]));

    let frozen = env.freeze();
    let has = |start: &str| frozen.iter().any(|line| line.starts_with(start));
    assert!(has("sdist-one==1.0"), "{frozen:?}");
    assert!(has(&format!("-e {}", source.display())), "{frozen:?}");
    assert!(has(&format!("from-git @ {repository}@")), "{frozen:?}");
    let import = "import edit_me; print(edit_me.__file__)";
    let python = ctx.program(Who::User, env.bin("python")).args(["-c", import]);
    python.run().success().stdout_is(&format!("{}/src/edit_me.py\n", source.display()));
}

#[test]
fn what_is_written_into_a_project_is_the_owners_and_nothing_else_becomes_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(env.bin("activate"));
    let deep = project.write("a/b/requirements.txt", "pure-one==1.0\n");
    let inside = project.write(".venv/notes/todo.txt", "keep me\n");
    for path in [deep.as_path(), deep.parent().unwrap(), &inside, inside.parent().unwrap()] {
        assert_eq!(fs::metadata(path).unwrap().uid(), Who::User.uid(), "{}", path.display());
    }
    assert_eq!(fs::metadata(env.path()).unwrap().uid(), Who::Root.uid());
    before.assert_unchanged();
    ctx.program(Who::User, project.write_program("run", "#!/bin/sh\n")).run().success();
}

#[test]
fn a_strict_umask_keeps_the_user_out() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let env = ctx.project("proj").venv_by_root(Maker::VenvWithoutPip).umask(0o077).build();
    let list = ctx.program(Who::User, "ls").arg(env.path()).run();
    list.code(2).stderr_has("Permission denied");
}

#[test]
fn damage_is_what_it_says() {
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let env = ctx.project("proj").venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let before = fingerprint(env.path());
    before.assert_unchanged();

    let leftover = env.leave_behind("pure_one");
    assert!(leftover.ends_with("~ure_one-1.0.dist-info"));
    assert!(leftover.join("METADATA").is_file());
    env.chmod("pyvenv.cfg", 0o600);
    ctx.program(Who::User, "cat").arg(env.path().join("pyvenv.cfg")).run().code(1);
    env.garble("pyvenv.cfg");
    assert!(String::from_utf8(fs::read(env.path().join("pyvenv.cfg")).unwrap()).is_err());
    env.chown("lib", Who::Other);
    assert_eq!(owners(env.path()), BTreeSet::from([0, Who::Other.uid()]));
    assert!(!before.differences(&fingerprint(env.path())).is_empty());

    env.dangle_interpreter();
    assert!(!env.bin("python").exists() && env.bin("python").is_symlink());
    let elsewhere = env.path().with_file_name("elsewhere");
    let env = env.move_to(elsewhere);
    assert!(env.path().join("pyvenv.cfg").is_file());
}

#[test]
fn traps_tell_what_was_run() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let env = ctx.project("proj").venv_by_root(Maker::VenvWithoutPip).build();
    let base = fingerprint(tools::system_python());
    let traps = ctx.traps("all");
    traps.set_startup_files(&env);
    traps.set_programs(&env.path().join("bin"), &["uv"]);
    traps.assert_untouched();

    let python = ctx.program(Who::User, env.bin("python"));
    python.clone().args(["-I", "-S", "-c", ""]).run().success();
    traps.assert_untouched();
    python.args(["-I", "-c", ""]).run().success();
    ctx.program(Who::User, "uv").path_first(env.path().join("bin")).run().code(9);
    let sprung = traps.sprung();
    assert!(sprung.contains(&"trap.pth".to_owned()), "{sprung:?}");
    assert!(sprung.contains(&"uv".to_owned()), "{sprung:?}");

    let traps = ctx.traps("python");
    traps.set_programs(&env.path().join("bin"), &["python", "python3"]);
    let version = ctx.program(Who::User, env.bin("python")).arg("--version").run().success();
    version.stdout_has("Python 3");
    assert_eq!(traps.sprung(), ["python"]);
    base.assert_unchanged();
}

#[test]
fn a_small_disk_fills_up_and_goes_away() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(disk) = ctx.small_disk("disk", 512) else { return };
    let project = disk.project("proj");
    let fill = ctx.program(Who::User, "dd").args(["if=/dev/zero", "bs=1k", "of=big"]);
    fill.current_dir(project.path()).run().code(1).stderr_has("No space left");
    let path = disk.path().to_owned();
    drop(disk);
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

#[test]
fn index_settings_reach_pip_and_uv() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Venv, Maker::Uv] {
        let env = ctx.project(&format!("{maker:?}")).venv_by_owner(maker).build();
        let install = env.installer(Who::User).args(["install", "pure-one"]);
        let failed = install.clone().index_unreachable().run();
        assert_ne!(failed.status.code(), Some(0), "{failed}");
        install.wheels_only(ctx.wheels()).run().success();
    }
}

#[test]
fn every_python_of_the_matrix_starts_for_the_user_and_makes_environments() {
    // The prepared copies are as many as the machine has pyenv Pythons.
    if !require(&[Need::Python("system"), Need::Python("pypy3")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (key, python) in tools::pythons() {
        let project = ctx.project(&format!("proj-{key}"));
        let env = project.venv_by_owner(Maker::VenvWithoutPip).python(&python).build();
        let version = "import ssl, sys; print('%d.%d' % sys.version_info[:2])";
        let run = ctx.program(Who::User, env.bin("python")).args(["-c", version]).run().success();
        if key.starts_with('3') {
            run.stdout_is(&format!("{key}\n"));
        }
        assert!(env.site_packages().is_dir());
    }
}

#[test]
fn a_missing_need_skips_and_is_counted_or_fails() {
    const INNER: &str = "VENVKEEP_TEST_INNER";
    if std::env::var_os(INNER).is_some() {
        assert!(!require(&[Need::Program("no-such-program")]), "it is there");
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else {
        return;
    };
    let counter = ctx.area().join("skips");
    let name = "ground::a_missing_need_skips_and_is_counted_or_fails";
    // The variables belong to the whole process, so this test asks itself in a process of its own.
    let inner = |require_all: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name]).env(INNER, "1").env("VENVKEEP_TEST_SKIPS", &counter);
        command.env("VENVKEEP_TEST_REQUIRE_ALL", require_all).output().unwrap()
    };
    let skipped = inner("");
    assert!(skipped.status.success());
    let line = format!("skipped: needs no-such-program ({name})\n");
    assert!(String::from_utf8_lossy(&skipped.stderr).contains(&line));
    assert_eq!(fs::read_to_string(&counter).unwrap(), line);
    assert!(!inner("1").status.success());
}
