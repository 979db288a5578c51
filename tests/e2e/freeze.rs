//! `freeze`: line for line what `pip freeze` prints, without starting anything.

use std::fs;

use venvkeep_testkit::{Context, Environment, Maker, Need, Project, Who, require, tools};

use crate::VENVKEEP;
use crate::support::lines;

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
