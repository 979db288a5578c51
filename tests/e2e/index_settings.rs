//! Where `heal` looks for packages: by the user's own settings, and by the index keys of the environment's `pip.conf`
//! when that file is to be trusted.

use std::fs;

use venvkeep_testkit::{Context, Environment, Invocation, Maker, Need, Project, Who, fingerprint, require};

use crate::VENVKEEP;
use crate::support::{INSTALLERS, WithInstaller, with_uv};

/// An environment whose one package has to be fetched: only its name can be read.
fn with_a_package_to_fetch<'c>(project: &Project<'c>) -> Environment<'c> {
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    env
}

fn pip_conf(ctx: &Context, env: &Environment<'_>, trap: &str) {
    let wheels = ctx.wheels().display();
    let conf =
        format!("[global]\nno-index = true\nfind-links = {wheels}\npython = {trap}\nrequire-virtualenv=no\n");
    fs::write(env.path().join("pip.conf"), conf).expect("root can write");
    env.chmod("pip.conf", 0o644);
}

fn heal(project: &Project<'_>, with_installer: WithInstaller) -> Invocation {
    with_installer(project.venvkeep(["heal"]))
}

#[test]
fn the_environments_pip_conf_says_where_and_nothing_else() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, installer) in INSTALLERS {
        let project = ctx.project(name);
        let env = with_a_package_to_fetch(&project);
        let traps = ctx.traps(name);
        traps.set_programs(ctx.area(), &["python-of-the-conf"]);
        pip_conf(
            &ctx,
            &env,
            ctx.area().join("python-of-the-conf").to_str().expect("the kit's paths are text"),
        );
        heal(&project, installer).run().success();
        traps.assert_untouched();
        ctx.program(Who::User, env.bin("python")).args(["-c", "import pure_one"]).run().success();
    }
}

#[test]
fn a_pip_conf_that_others_can_write_is_not_read() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = with_a_package_to_fetch(&project);
    pip_conf(&ctx, &env, "/nowhere");
    env.chown("pip.conf", Who::Other);
    let before = fingerprint(env.path());
    // Somebody else's file makes the whole environment one that is not believed; and with that overruled, its
    // settings still do not count, so that the package cannot be had.
    project.venvkeep(["heal"]).index_unreachable().run().code(4);
    project.venvkeep(["heal", "--trust-owner"]).index_unreachable().run().code(3).stderr_has("pure-one");
    before.assert_unchanged();
}

#[test]
fn the_users_settings_for_pip_count_for_uv_too() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    with_a_package_to_fetch(&project);
    let told_pip_only = |heal: Invocation| heal.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", ctx.wheels());
    told_pip_only(with_uv(project.venvkeep(["heal"]))).run().success();

    let other = ctx.project("other");
    with_a_package_to_fetch(&other);
    // Who has told uv itself is believed: nobody answers at the index that it names.
    let told_both = told_pip_only(with_uv(other.venvkeep(["heal"]))).index_unreachable();
    told_both.env("PIP_INDEX_URL", "").run().code(3);
}

#[test]
fn passwords_in_addresses_are_on_no_command_line_and_in_no_report() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = with_a_package_to_fetch(&project);
    let conf = "[global]\nindex-url = http://ana:s3cret@127.0.0.1:9/simple\nretries = 0\n";
    fs::write(env.path().join("pip.conf"), conf).expect("root can write");
    env.chmod("pip.conf", 0o644);
    let failed = project.venvkeep(["heal", "-v"]).env("PIP_RETRIES", "0").run().code(3);
    assert!(!failed.to_string().contains("s3cret"), "{failed}");
}

#[test]
fn relative_places_count_from_the_users_directory() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, installer) in INSTALLERS {
        let project = ctx.project(name);
        with_a_package_to_fetch(&project);
        std::os::unix::fs::symlink(ctx.wheels(), project.path().join("wh")).expect("root can link");
        let heal = heal(&project, installer).env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", "wh");
        heal.env("UV_CACHE_DIR", "cache of uv").run().success();
    }
}

#[test]
fn what_else_the_users_pip_conf_says_does_not_count() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for key in ["target", "prefix", "root", "user"] {
        let project = ctx.project(key);
        let env = with_a_package_to_fetch(&project);
        let elsewhere = project.path().join("elsewhere");
        let value = if key == "user" { "yes" } else { elsewhere.to_str().expect("the kit's paths are text") };
        let wheels = ctx.wheels().display();
        let conf = format!("[global]\n{key} = {value}\nno-index = yes\nfind-links = {wheels}\n");
        project.write("config/pip/pip.conf", conf);
        heal(&project, |heal| heal).env("XDG_CONFIG_HOME", project.path().join("config")).run().success();
        assert!(!elsewhere.exists(), "{key}");
        ctx.program(Who::User, env.bin("python")).args(["-c", "import pure_one"]).run().success();
    }
}
