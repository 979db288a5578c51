//! What is kept of an environment outside of it, and a heal from that when the environment cannot be read any more.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Environment, Maker, Project, Who, fingerprint, owners};

use crate::VENVKEEP;
use crate::support::{Before, assert_healed, first_environment, lines, names_in};

const PACKAGES: [&str; 5] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part", "ns-other"];

/// The user's directory of snapshots.
fn place(ctx: &Context) -> PathBuf {
    ctx.home(Who::User).join(".local/state/venvkeep/snapshots")
}

/// The one snapshot that is kept.
fn kept(ctx: &Context) -> PathBuf {
    let names = names_in(&place(ctx));
    assert_eq!(names.len(), 1, "{names:?}");
    place(ctx).join(names.first().expect("there is one"))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("root can read")).expect("it is JSON")
}

/// Root's environment, which the user has looked at while it could be read; now it cannot be entered.
fn closed_after_a_look<'c>(project: &Project<'c>) -> (Environment<'c>, Before) {
    let env = project.venv_by_root(Maker::Venv).packages(PACKAGES).build();
    project.venvkeep(["check"]).run().code(1);
    let before = Before::of(&env);
    env.chmod("", 0o700);
    (env, before)
}

#[test]
fn what_cannot_be_read_is_healed_from_what_was_kept_of_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).create_args(["--prompt", "shown"]).packages(PACKAGES).build();
    project.venvkeep(["check"]).run().code(1);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!((mode(&place(&ctx)), mode(&kept(&ctx))), (0o700, 0o600));
    assert_eq!(owners(place(&ctx)), [Who::User.uid()].into());
    env.chmod("", 0o700);
    let before = Before::of(&env);

    project.venvkeep(["freeze"]).run().code(3).stderr_has("A snapshot was kept of it");
    let plan = project.venvkeep(["heal", "--dry-run"]).wheels_only(ctx.wheels()).run().success();
    assert!(plan.stdout.contains("the snapshot that venvkeep kept at 20"), "{plan}");
    let heal = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run();
    let report = first_environment(&heal);
    assert_eq!(report["list"]["from"], "snapshot", "{report}");
    assert_eq!(report["list"]["of"], "this-environment");
    assert!(report["remarks"].to_string().contains("could not be seen"), "{report}");
    assert_healed(&ctx, &project, &env, &before, &heal);
    assert!(env.dist_info("with_deps").join("REQUESTED").exists());
    assert!(!env.dist_info("pure_one").join("REQUESTED").exists(), "it was pulled in, not asked for");
    let config = fs::read_to_string(env.path().join("pyvenv.cfg")).expect("it is there");
    assert!(config.contains("shown"), "{config}");
    // And of the new one there is a snapshot now.
    let inode = fs::metadata(env.path()).expect("it is there").ino();
    assert_eq!(json(&kept(&ctx))["identity"]["inode"], inode);
}

#[test]
fn only_what_changed_is_written_again() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new"]).run().success();
    let inode = || fs::metadata(kept(&ctx)).expect("it is kept").ino();
    let first = inode();
    project.venvkeep(["check"]).run().success();
    assert_eq!(inode(), first, "nothing has changed since new");
    let python = project.path().join(".venv/bin/python");
    let install = ctx.program(Who::User, python).args(["-m", "pip", "install", "ns-part"]);
    install.wheels_only(ctx.wheels()).run().success();
    project.venvkeep(["check"]).run().success();
    assert_ne!(inode(), first);
    assert!(json(&kept(&ctx)).to_string().contains("ns-part==1.0"));
}

#[test]
fn a_garbled_snapshot_is_none_and_the_ways_out_are_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let (env, _) = closed_after_a_look(&project);
    project.write("requirements-dev.txt", "pure-one\n");
    project.write("uv.lock", "");
    let tree = fingerprint(env.path());
    for garbled in ["", "{", "[]", "{\"format\": 7}", "\u{1b}[31m"] {
        fs::write(kept(&ctx), garbled).expect("root can write");
        let failed = project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(3);
        let failed = failed.stderr_has("cannot be used").stderr_has("requirements-dev.txt, uv.lock");
        assert!(failed.stderr.contains(&format!("freeze --all {}", env.str())), "{failed}");
        assert!(failed.stderr.contains("sudo /") && !failed.stderr.contains('\u{1b}'), "{failed}");
    }
    // Nor is one believed that others could have written.
    fs::set_permissions(place(&ctx), fs::Permissions::from_mode(0o777)).expect("root can");
    project
        .venvkeep(["heal"])
        .wheels_only(ctx.wheels())
        .run()
        .code(3)
        .stderr_has("other users could have written");
    fs::remove_dir_all(place(&ctx)).expect("root can");
    let failed = project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(3);
    assert!(!failed.stderr.contains("snapshot"), "{failed}");
    tree.assert_unchanged();
    // That is said before anybody tries, with what lets root make such a list.
    let check = project
        .venvkeep(["check"])
        .run()
        .code(1)
        .stdout_has("freeze --all")
        .stdout_has("> venvkeep-frozen.txt");
    check.stdout_has(&format!("venvkeep heal -r requirements.txt {}", env.str()));
    // With a list of the user's own it heals.
    project.write("list.txt", "pure-one==1.0\n");
    project.venvkeep(["heal", "-r", "list.txt"]).wheels_only(ctx.wheels()).run().code(0);
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
}

#[test]
fn a_snapshot_of_another_environment_at_that_path_is_not_taken_silently() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let old = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    project.venvkeep(["check"]).run().code(1);
    fs::remove_dir_all(old.path()).expect("root can");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one", "ns-part"]).build();
    env.chmod("", 0o700);
    let report = project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(4);
    assert!(report.stdout.contains("of another environment, which stood here before"), "{report}");
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
    project.venvkeep(["undo"]).run().success();
}

#[test]
fn nothing_is_kept_of_what_others_can_write_nor_trusted_to_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let some_file = env.dist_info("pure_one").join("INSTALLER");
    env.chmod(&some_file, 0o666);
    project.venvkeep(["check"]).run().code(1);
    assert!(!place(&ctx).exists(), "others can write it");
    env.chmod(&some_file, 0o600);
    project.venvkeep(["check"]).run().code(1);
    assert!(!place(&ctx).exists(), "it cannot be read whole");
    env.chmod(&some_file, 0o644);
    let by_root = ctx.venvkeep_by(Who::Root, ["check", env.str()]);
    by_root.clone().under_sudo_of(Who::User).env("HOME", ctx.home(Who::User)).run().code(1);
    by_root.run().code(1);
    assert!(!place(&ctx).exists(), "root keeps nothing of another's environment");
    assert!(!ctx.home(Who::Root).join(".local/state/venvkeep/snapshots").exists(), "not even for itself");
    project.venvkeep(["check"]).run().code(1);
    assert!(kept(&ctx).exists());

    // The owner's rule is the same with a snapshot at hand.
    env.chown("", Who::Other);
    env.chmod("", 0o700);
    project.venvkeep(["heal"]).wheels_only(ctx.wheels()).run().code(4).stderr_has("--trust-owner");
    project.venvkeep(["heal", "--trust-owner"]).wheels_only(ctx.wheels()).run().code(0);
    assert_eq!(lines(&project.venvkeep(["freeze"]).run().success()), ["pure-one==1.0"]);
}

#[test]
fn without_a_place_for_it_everything_works_and_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // Root's file is where the directory would be.
    let state = ctx.area().join("state");
    fs::write(&state, "").expect("root can write");
    let made = project.venvkeep(["new"]).env("XDG_STATE_HOME", &state).run().success();
    assert!(made.stderr.contains("no snapshot of it could be kept"), "{made}");
    project.venvkeep(["check"]).env("XDG_STATE_HOME", &state).run().success().stderr_has("no snapshot");
    project.venvkeep(["check"]).env_remove("HOME").run().success().stderr_has("no snapshot");
    let healed = project.venvkeep(["heal", "--force"]).env("XDG_STATE_HOME", &state).run().success();
    assert!(healed.stdout.contains("no snapshot of it could be kept"), "{healed}");
}

#[test]
fn index_settings_are_kept_without_passwords_and_heal_what_cannot_be_read() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    let wheels = ctx.wheels().display();
    let conf = format!(
        "[global]\nindex-url = http://ana:s3cret@127.0.0.1:9/simple\nno-index = yes\nfind-links = {wheels}\n"
    );
    fs::write(env.path().join("pip.conf"), conf).expect("root can write");
    env.chmod("pip.conf", 0o644);
    project.venvkeep(["check"]).run().code(1);
    let text = json(&kept(&ctx)).to_string();
    assert!(text.contains("http://127.0.0.1:9/simple") && !text.contains("s3cret"), "{text}");
    env.chmod("", 0o700);
    project.venvkeep(["heal"]).run().success();
    ctx.program(Who::User, env.bin("python")).args(["-c", "import pure_one"]).run().success();
    assert!(json(&kept(&ctx)).to_string().contains("http://127.0.0.1:9/simple"), "and stay kept");
}
