//! `freeze`: line for line what `pip freeze` prints, without starting anything.

use std::fs;

use venvkeep_testkit::{Context, Environment, Invocation, Maker, Need, Project, Who, require, tools};

use crate::VENVKEEP;
use crate::support::{first_environment, lines, with_uv};

const PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

/// Both lists, as venvkeep and as pip print them.
fn assert_same_as_pip(project: &Project<'_>, env: &Environment<'_>, what: &str) {
    let ours = project.venvkeep(["freeze", env.str()]).run().success();
    assert_eq!(lines(&ours), env.freeze(), "{what}");
    let ours = project.venvkeep(["freeze", "--all", env.str()]).run().success();
    assert_eq!(lines(&ours), env.freeze_all(), "{what}, --all");
}

#[test]
fn same_as_pip_for_every_python() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (key, python) in tools::pythons() {
        let project = ctx.project(&format!("proj-{key}"));
        let env = project.venv_by_owner(Maker::Venv).python(python).packages(PACKAGES).build();
        assert_same_as_pip(&project, &env, key);
    }
}

#[test]
fn same_as_pip_for_virtualenv_and_uv() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Virtualenv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let env = project.venv_by_root(maker).packages(PACKAGES).build();
        assert_same_as_pip(&project, &env, &format!("{maker:?}"));
    }
}

#[test]
fn same_as_pip_for_editables_archives_and_repositories() {
    if !require(&[Need::Program("git"), Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Venv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let editable = project.source("edit-me", "0.3");
        let checkout = project.git_source("edit-checkout", "0.5");
        let repository = format!("git+file://{}", project.git_source("from-git", "0.4").display());
        let wheel = ctx.wheels().join("pure_one-1.0-py3-none-any.whl");
        let env = project.venv_by_owner(maker).packages(["sdist-one", &repository]).packages([wheel]);
        let env = env.packages(["-e".as_ref(), editable.as_os_str(), "-e".as_ref(), checkout.as_os_str()]);
        assert_same_as_pip(&project, &env.build(), &format!("{maker:?}"));
    }
}

#[test]
fn the_interpreter_and_the_metadata_are_not_needed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["with-scripts"]).build().umask(0o077);
    env.install(["pure-one"]);
    let expected = env.freeze();
    assert_eq!(expected, ["pure-one==1.0", "with-scripts==1.2"]);
    env.dangle_interpreter();
    let metadata = env.dist_info("pure_one").join("METADATA");
    ctx.program(Who::User, "cat").arg(&metadata).run().code(1);
    // Only the directory's name is left of it, and that is printed normalised, as pip does.
    let ours = project.venvkeep(["freeze"]).run().success();
    assert_eq!(lines(&ours), ["pure-one==1.0", "with-scripts==1.2"]);
}

#[test]
fn an_aborted_upgrade_hides_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one", "ns-part"]).build();
    env.leave_behind("pure_one");
    let ours = project.venvkeep(["freeze"]).run().success();
    assert_eq!(lines(&ours), ["ns-part==1.0", "pure-one==1.0"]);
}

#[test]
fn the_list_goes_to_a_file_but_not_by_root_for_somebody_else() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
    project.venvkeep(["freeze", "-o", "list.txt"]).run().success();
    let list = project.path().join("list.txt");
    assert_eq!(fs::read_to_string(&list).unwrap(), "pure-one==1.0\n");

    let refused = project.path().join("refused.txt");
    let by_root = |args: [&str; 4]| ctx.venvkeep_by(Who::Root, args).under_sudo_of(Who::User).run();
    let output = by_root(["freeze", env.str(), "-o", refused.to_str().unwrap()]);
    assert_ne!(output.status.code(), Some(0), "{output}");
    assert!(!refused.exists());
    by_root(["freeze", env.str(), "--color", "never"]).success().stdout_is("pure-one==1.0\n");
}

/// `venvkeep freeze --format pylock`, with uv, and the kit's wheels for an index.
fn pylock(ctx: &Context, project: &Project<'_>) -> Invocation {
    let freeze = with_uv(project.venvkeep(["freeze", "--format", "pylock"]));
    freeze.wheels_only(ctx.wheels())
}

#[test]
fn a_pylock_names_every_pin_with_its_file_and_hash() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let editable = project.source("edit-me", "0.3");
    let env = project.venv_by_root(Maker::Venv).packages(["with-deps[more]", "Odd.Name_x"]);
    let env = env.packages(["-e".as_ref(), editable.as_os_str()]).build();
    // Nothing of the environment is started, also when it is the active one.
    let traps = ctx.traps("proj");
    traps.set_programs(&env.path().join("bin"), &["uv", "python3"]);
    let active = |freeze: Invocation| {
        freeze
            .env("VIRTUAL_ENV", env.path())
            .env("UV_PYTHON", env.bin("python3"))
            .path_first(env.path().join("bin"))
    };
    let printed = active(pylock(&ctx, &project)).run().success().stdout;
    traps.assert_untouched();
    let wheel = ctx.wheels().join("pure_one-1.0-py3-none-any.whl");
    let sum = ctx.program(Who::User, "sha256sum").arg(wheel).run().success();
    let sum = sum.stdout.split(' ').next().expect("sha256sum prints the sum first").to_owned();
    assert!(printed.starts_with("lock-version = \"1.0\"") && printed.contains(&sum), "{printed}");
    for name in ["with-deps", "extra-dep", "odd-name-x", "edit-me"] {
        assert!(printed.contains(&format!("name = \"{name}\"")), "{name}: {printed}");
    }
    assert!(!printed.contains("never-there") && printed.contains("editable = true"), "{printed}");

    pylock(&ctx, &project).args(["-o", "pylock.toml"]).run().success().stdout_is("");
    let file = project.path().join("pylock.toml");
    assert_eq!(fs::read_to_string(&file).expect("it was written"), printed);
    let json = pylock(&ctx, &project).arg("--json").run().success();
    assert_eq!(first_environment(&json)["pylock"], printed);
    // What was written can be installed from.
    let uv = ctx.program(Who::User, tools::uv()).args(["pip", "sync", "--dry-run", "--python"]);
    uv.arg(tools::system_python()).arg("--break-system-packages").arg(&file).run().success();
}

#[test]
fn a_pylock_names_repositories_by_their_commit_and_with_all_the_seeds() {
    if !require(&[Need::Uv, Need::Virtualenv, Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let source = project.git_source("from-git", "0.4");
    let repository = format!("git+file://{}", source.display());
    // Its pip is among the kit's wheels.
    let env = project.venv_by_owner(Maker::Virtualenv).packages(["pure-one", &repository]).build();
    let commit =
        ctx.program(Who::User, "git").current_dir(&source).args(["rev-parse", "HEAD"]).run().success();
    let commit = commit.stdout.trim().to_owned();
    assert!(env.freeze().iter().any(|line| line.contains(&commit)), "{:?}", env.freeze());

    let printed = pylock(&ctx, &project).run().success().stdout;
    let from_git =
        printed.split("[[packages]]").find(|one| one.contains("name = \"from-git\"")).unwrap_or_default();
    assert!(from_git.contains("vcs") && from_git.contains(&commit), "{printed}");
    assert!(!printed.contains("name = \"pip\""), "{printed}");
    let all = pylock(&ctx, &project).arg("--all").run().success().stdout;
    assert!(all.contains("name = \"pip\"") && all.contains(&commit), "{all}");
}

#[test]
fn root_says_where_it_does_not_look_for_version_control() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let checkout = project.git_source("edit-me", "0.3");
    let remote = "https://example.org/edit-me.git";
    let git = ctx.program(Who::User, "git").current_dir(&checkout);
    git.args(["remote", "add", "origin", remote]).run().success();
    let env = project.venv_by_owner(Maker::Venv).packages(["-e".as_ref(), checkout.as_os_str()]).build();
    let own = project.venvkeep(["freeze"]).run().success();
    assert!(own.stdout.contains(&format!("-e git+{remote}@")), "{own}");
    let roots = ctx.venvkeep_by(Who::Root, ["freeze", env.str()]).under_sudo_of(Who::User).run().success();
    assert_eq!(lines(&roots).last(), Some(&format!("-e {}", checkout.display())), "{roots}");
    assert!(
        roots.stdout.contains("# Editable install in a place of another user's, where root does not look"),
        "{roots}"
    );
    // The list with its remark is one that a heal takes.
    project.write("venvkeep-frozen.txt", &roots.stdout);
    project.venvkeep(["heal", "--dry-run", "-r", "venvkeep-frozen.txt"]).run().success();
}

#[test]
fn without_a_pylock_it_is_said_why() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let repository = project.source("dynamic", "0.4");
    let built = "[project]\nname = \"dynamic\"\ndynamic = [\"version\"]\n\n[build-system]\nrequires = []\n\
                 build-backend = \"kit_backend\"\nbackend-path = [\".\"]\n";
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one", "ns-part"]);
    let env = env.packages(["-e".as_ref(), repository.as_os_str()]).build();
    let freeze = || project.venvkeep(["freeze", "--format", "pylock", "-o", "pylock.toml"]);
    freeze().run().code(3).stderr_has("there is no uv");
    pylock(&ctx, &project).arg("--offline").run().code(3).stderr_has("--offline");
    with_uv(freeze())
        .index_unreachable()
        .run()
        .code(3)
        .stderr_has("pure-one==1.0")
        .stderr_has("ns-part==1.0");
    let by_root = ctx.venvkeep_by(Who::Root, ["freeze", "--format", "pylock", env.str()]);
    by_root.under_sudo_of(Who::User).run().code(2).stderr_has("under sudo");

    // A project whose metadata only its build tells: that is not run.
    fs::write(repository.join("pyproject.toml"), built).expect("root can write");
    fs::write(repository.join("kit_backend.py"), "raise SystemExit('it was run')\n").expect("root can write");
    let failed = pylock(&ctx, &project).run().code(3);
    assert!(!failed.stderr.contains("pure-one==1.0"), "only that one cannot be locked: {failed}");
    assert!(failed.stderr.contains("dynamic") && !failed.stderr.contains("it was run"), "{failed}");
    assert!(!project.path().join("pylock.toml").exists());
}
