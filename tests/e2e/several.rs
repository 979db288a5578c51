//! Several at once, and what outlives a killed heal.

use std::net::TcpListener;
use std::process::Child;

use venvkeep_testkit::{Context, Environment, Invocation, Maker, Need, Project, Who, fingerprint, require};

use crate::VENVKEEP;
use crate::support::{INSTALLERS, names_in};

/// An index that takes the question and never answers.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("there is a free port"))
    }

    fn ask(&self, heal: Invocation) -> Invocation {
        let index = format!("http://{}/simple", self.0.local_addr().expect("it is bound"));
        heal.env("PIP_INDEX_URL", &index).env("UV_DEFAULT_INDEX", &index).env("PIP_RETRIES", "0")
    }

    /// Returns when an installer has asked; it waits for the answer from then on.
    fn asked(&self) -> std::net::TcpStream {
        self.0.accept().expect("the installer asks").0
    }
}

/// Its packages can only be fetched.
fn unreadable<'c>(project: &Project<'c>) -> Environment<'c> {
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    env
}

fn heal(project: &Project<'_>, with_installer: fn(Invocation) -> Invocation) -> Invocation {
    // What the user keeps of it would be healed from, without an installer.
    with_installer(project.venvkeep(["heal", "--from", "index"]))
}

fn kill(child: &Child, signal: &str, ctx: &Context) {
    ctx.program(Who::Root, "kill").args([signal, &child.id().to_string()]).run().success();
}

#[test]
fn an_installer_that_outlives_a_killed_heal_holds_the_lock_and_is_named() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, with_installer) in INSTALLERS {
        let project = ctx.project(name);
        let env = unreadable(&project);
        let before = fingerprint(env.path());
        let index = Silent::new();
        let mut first = index.ask(heal(&project, with_installer)).spawn();
        let waiting = index.asked();
        kill(&first, "-KILL", &ctx);
        first.wait().expect("it was killed");

        let second = project.venvkeep(["heal"]).run().code(3);
        let second = second.stderr_has("which a venvkeep had started that was killed").stderr_has("kill ");
        project.venvkeep(["check"]).run().code(1).stdout_has("interrupted-heal");
        before.assert_unchanged();
        let number = second.stderr.split("kill ").last().unwrap_or_default().trim().to_owned();
        ctx.program(Who::User, "kill").args(["-KILL", &number]).run().success();
        drop(waiting);
        heal(&project, with_installer).wheels_only(ctx.wheels()).run().success();
        before.assert_same(&fingerprint(crate::support::kept_tree(project.path())));
    }
}

#[test]
fn while_an_installer_works_the_heal_that_started_it_is_named() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, with_installer) in INSTALLERS {
        let project = ctx.project(name);
        let _env = unreadable(&project);
        let index = Silent::new();
        let mut first = index.ask(heal(&project, with_installer)).spawn();
        let _waiting = index.asked();
        let second = project.venvkeep(["heal"]).run().code(3);
        second.stderr_has(&format!("another venvkeep (process {})", first.id()));
        kill(&first, "-TERM", &ctx);
        assert_eq!(first.wait().expect("it ends").code(), Some(130));
    }
}

#[test]
fn a_heal_that_is_asked_to_stop_leaves_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = unreadable(&project);
    let before = fingerprint(env.path());
    for signal in ["-INT", "-TERM"] {
        let index = Silent::new();
        let mut first = index.ask(heal(&project, |heal| heal)).spawn();
        let _waiting = index.asked();
        kill(&first, signal, &ctx);
        assert_eq!(first.wait().expect("it ends").code(), Some(130), "{signal}");
        before.assert_unchanged();
        assert_eq!(names_in(project.path()).len(), 1, "{signal}");
    }
}
