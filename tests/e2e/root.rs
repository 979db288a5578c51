//! Root: not by accident above somebody else's files, and without fuss in root's own.

use std::os::unix::fs::{lchown, symlink};

use venvkeep_testkit::{Context, Maker, Who, fingerprint};

use crate::VENVKEEP;
use crate::support::names_in;

#[test]
fn under_sudo_new_and_heal_refuse_and_name_the_way() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let root = |args: &[&str]| ctx.venvkeep_by(Who::Root, args).current_dir(project.path());
    for invocation in [root(&["new"]).under_sudo_of(Who::User), root(&["new"])] {
        let refused = invocation.run();
        assert!(matches!(refused.status.code(), Some(2 | 3)), "{refused}");
        assert!(names_in(project.path()).is_empty());
    }
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(project.path());
    for invocation in [root(&["heal"]).under_sudo_of(Who::User), root(&["heal"])] {
        let refused = invocation.run();
        assert!(matches!(refused.status.code(), Some(2 | 3)), "{refused}");
        before.assert_unchanged();
    }
    // The command to type instead is the whole one.
    let clone = root(&["clone", env.str(), "./copy"]).under_sudo_of(Who::User).run().code(2);
    clone.stderr_has(&format!("venvkeep clone {} {}/copy", env.str(), project.path().display()));
    root(&["check", env.str()]).under_sudo_of(Who::User).run().stdout_lacks("sudo chown");
}

#[test]
fn root_in_roots_own_directory_is_at_home() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_of(Who::Root, "app");
    project.venvkeep(["new"]).run().success();
    project.venvkeep(["check"]).run().success();
    // As when root calls sudo.
    project.venvkeep(["new", "second"]).env("SUDO_UID", "0").run().success();
}

#[test]
fn as_root_is_said_aloud() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let new = ctx.venvkeep_by(Who::Root, ["new", "--as-root"]).current_dir(project.path());
    new.under_sudo_of(Who::User).run().success();
    assert!(project.path().join(".venv/pyvenv.cfg").is_file());
}

#[test]
fn an_unprivileged_uid_is_not_root_whatever_sudo_says() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    ctx.project("proj").venvkeep(["new"]).under_sudo_of(Who::Other).run().success();
}

#[test]
fn a_users_link_leads_root_nowhere_whether_to_an_environment_or_to_a_project() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let app = ctx.project_of(Who::Root, "app");
    app.venvkeep(["new", "--seed", "none"]).run().success();
    let user = ctx.project("proj");
    for (name, target) in
        [("to-environment", app.path().join(".venv")), ("to-project", app.path().to_owned())]
    {
        let place = ctx.project_at(user.path().join(name), Who::User);
        let link = place.path().join(".venv");
        symlink(&target, &link).expect("root may");
        lchown(&link, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may");
        let before = fingerprint(app.path());
        for args in [&["heal", "--as-root", "--force"][..], &["remove", "--as-root"], &["check"]] {
            let refused = ctx.venvkeep_by(Who::Root, args.iter().copied()).arg(&link).run();
            assert!(!refused.status.success(), "{refused}");
            refused.stderr_has("is a link of user");
            before.assert_unchanged();
        }
        // By the directory around it, too.
        ctx.venvkeep_by(Who::Root, ["remove", "--as-root", place.str()]).run().code(2);
        before.assert_unchanged();
    }
}
