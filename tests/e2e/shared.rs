//! Environments that others have a part in: everybody may read them, or a group may write them, whatever the umask.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Invocation, Maker, Mount, Output, Wheel, Who, fingerprint, tools};

use crate::VENVKEEP;
use crate::support::{finding_codes, first_environment};

/// The group that shares; nobody's own.
const GROUP: &str = "54321";

/// What a user is refused: what they cannot read, and what they can write.
fn found_by(ctx: &Context, who: Who, env: &Path, test: &[&str]) -> Vec<String> {
    let found = ctx.program(who, "find").arg(env).args(["!", "-type", "l"]).args(test).run();
    found.stdout.lines().map(str::to_owned).collect()
}

fn import(ctx: &Context, who: Who, env: &Path, modules: &str) -> Output {
    let code = format!("import {modules}");
    // `env` starts it, since it may be closed itself.
    ctx.program(who, "env").arg(env.join("bin/python")).args(["-I", "-B", "-c", &code]).run()
}

fn site(env: &Path) -> PathBuf {
    let lib = fs::read_dir(env.join("lib")).expect("it has one").next().expect("of one Python");
    lib.expect("it can be read").path().join("site-packages")
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("root may");
}

fn pip(ctx: &Context, who: Who, env: &Path) -> Invocation {
    let pip =
        ctx.program(who, env.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--no-index"]);
    pip.arg("--find-links").arg(ctx.wheels())
}

#[test]
fn everybody_reads_it_and_only_its_owner_writes_whatever_the_umask() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_at(ctx.area().join("srv"), Who::User);
    let env = project.path().join("tools");
    project.venvkeep(["new", "--shared", "./tools"]).umask(0o077).run().success().stderr_lacks("note:");
    let mark = env.join(".venvkeep").display().to_string();
    assert_eq!(found_by(&ctx, Who::Other, &env, &["!", "-readable"]), std::slice::from_ref(&mark));
    assert!(found_by(&ctx, Who::Other, &env, &["-writable"]).is_empty());
    import(&ctx, Who::Other, &env, "pip._internal").success();
    let check = || ctx.venvkeep(["check", "--json"]).arg(&env);
    check().run().success();
    // Who may only use it is told whose it is, and that nothing is wrong.
    let others = ctx.venvkeep_by(Who::Other, ["check", "--json"]).arg(&env).run().success();
    assert!(others.stdout.contains("who shares it"), "{others}");

    // What is installed later can be imported all the same; what pip gives a mode of its own is named.
    pip(&ctx, Who::User, &env).arg("pure-one").umask(0o077).run().success();
    let read = "pure_one, pathlib; pathlib.Path(pure_one.__file__).with_name('data.txt').read_text()";
    import(&ctx, Who::Other, &env, read).success();
    let spoilt = check().run().code(1);
    let told = first_environment(&spoilt)["findings"][0].clone();
    assert_eq!(told["code"], "closed-to-others", "{spoilt}");
    assert!(told["evidence"].to_string().contains("RECORD"), "{spoilt}");
    assert!(told["message"].to_string().contains("imports work"), "{spoilt}");
    assert!(!told["evidence"].to_string().contains("__init__"), "{spoilt}");

    // Heal puts it right under the same umask, keeps the property, and leaves the owner's own files as they were.
    let secret = project.write("tools/.env", "PASSWORD=x\n");
    chmod(&secret, 0o600);
    let key = project.write("tools/share/keys/id", "KEY\n");
    chmod(&key, 0o400);
    chmod(&site(&env).join("pure_one"), 0o700);
    assert!(!import(&ctx, Who::Other, &env, "pure_one.data").status.success());
    let healed = ctx.venvkeep(["heal"]).arg(&env).umask(0o077).run().success();
    healed.stdout_has("others still cannot read share/keys/id");
    check().run().success();
    import(&ctx, Who::Other, &env, read).success();
    let mut closed = found_by(&ctx, Who::Other, &env, &["!", "-readable"]);
    closed.sort();
    let mut kept = [secret, key].map(|path| path.display().to_string()).to_vec();
    kept.push(mark);
    kept.sort();
    assert_eq!(closed, kept);
    assert!(found_by(&ctx, Who::Other, &env, &["-writable"]).is_empty());
    // What is installed into the healed one, too; and so it is with a clone.
    pip(&ctx, Who::User, &env).args(["with-deps"]).umask(0o077).run().success();
    import(&ctx, Who::Other, &env, "with_deps").success();
    project.venvkeep(["clone"]).arg(&env).arg("./copy").umask(0o077).run().success();
    import(&ctx, Who::Other, &project.path().join("copy"), "with_deps").success();
    ctx.venvkeep(["check"]).arg(project.path().join("copy")).run().success();
    // The owner's own files are no trouble of the others.
    ctx.venvkeep(["heal"]).arg(&env).run().success();
    ctx.venvkeep_by(Who::Other, ["check"]).arg(&env).run().success();
}

#[test]
fn what_a_strict_umask_closed_is_named_and_one_command_shares_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_at(ctx.area().join("srv"), Who::User);
    let env = project.path().join("tools");
    project.venvkeep(["new", "./tools"]).umask(0o077).run().success();
    // It is its owner's, and so nothing is wrong until somebody asks.
    ctx.venvkeep(["check"]).arg(&env).run().success();
    let asked = ctx.venvkeep(["check", "--shared", "--json"]).arg(&env).run().code(1);
    assert!(finding_codes(&asked).contains("closed-to-others"), "{asked}");
    let command = first_environment(&asked)["findings"][0]["remedy"]["command"].as_str().map(str::to_owned);
    let command = command.expect("a command");
    assert_eq!(command, format!("venvkeep heal --shared {}", env.display()));
    assert!(!import(&ctx, Who::Other, &env, "pip._internal").status.success());
    ctx.venvkeep(command.split(' ').skip(1)).umask(0o077).run().success();
    import(&ctx, Who::Other, &env, "pip._internal").success();
    ctx.venvkeep(["check", "--shared"]).arg(&env).run().success();
    // From now on it is known, and a directory above it that is closed is part of it.
    chmod(project.path(), 0o700);
    let shut = ctx.venvkeep(["check", "--json"]).arg(&env).run().code(1);
    let remedy = first_environment(&shut)["findings"][0]["remedy"]["command"].clone();
    assert_eq!(remedy, format!("chmod o+x -- {}", project.str()), "{shut}");
    let strict = ctx.venvkeep(["new", "--shared"]).arg(project.path().join("another")).run().success();
    strict.stderr_has("closed to others");
}

#[test]
fn where_no_default_modes_are_kept_that_is_said() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let disk = ctx.area().join("srv");
    let Some(_mounted) = Mount::without_default_modes(&disk) else { return };
    let project = ctx.project_at(disk.join("proj"), Who::User);
    let said = "install into it with umask 022";
    project.venvkeep(["new", "--shared", "./made"]).run().success().stderr_has(said);
    project.venvkeep(["new", "--seed", "none"]).run().success().stderr_lacks(said);
    project.venvkeep(["heal", "--force"]).run().success().stdout_lacks(said);
    project.venvkeep(["heal", "--shared"]).run().success().stdout_has(said);
    project.venvkeep(["heal", "--force"]).run().success().stdout_has(said);
}

#[test]
fn an_environment_that_is_there_becomes_a_groups() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_at(ctx.area().join("srv"), Who::User);
    let env = project.venv_by_owner(Maker::Venv).packages(["pure-one"]).build();
    let venvkeep = ctx.venvkeep([] as [&str; 0]).words().remove(0);
    let shared = format!("--shared={GROUP}");
    let before = fingerprint(env.path());
    for (group, why) in [(shared.as_str(), "you are not in it"), ("--shared=no-such-group", "no such group")]
    {
        project.venvkeep(["heal", group]).run().code(3).stderr_has(why).stderr_has("id -Gn");
        project.venvkeep(["heal", "--dry-run", group]).run().code(3).stderr_has(why);
    }
    before.assert_unchanged();
    let heal = member(&ctx, Who::User, 0o077, &venvkeep).args(["heal", &shared]).arg(env.path());
    heal.run().success().stdout_has("same bytes as before");
    let install =
        member(&ctx, Who::Other, 0o022, env.bin("python")).args(["-m", "pip", "install", "--quiet"]);
    install.args(["--no-index", "--find-links"]).arg(ctx.wheels()).arg("ns-part").run().success();
    let python = member(&ctx, Who::User, 0o022, env.bin("python"));
    python.args(["-I", "-c", "import pure_one, kitns.part"]).run().success();
    member(&ctx, Who::User, 0o022, &venvkeep).arg("check").arg(env.path()).run().success();
    // And for everybody to read again, and nobody's to write but its owner's.
    let again = member(&ctx, Who::User, 0o022, &venvkeep).args(["heal", "--shared", "--trust-owner"]);
    again.arg(env.path()).run().success();
    let strangers = member(&ctx, Who::Other, 0o022, "test").arg("-w").arg(site(env.path())).run();
    assert!(!strangers.status.success());
}

/// As a member of the group, under this umask.
fn member(ctx: &Context, who: Who, umask: u32, program: impl AsRef<OsStr>) -> Invocation {
    let id = who.uid().to_string();
    let groups = format!("{id},{GROUP}");
    let member = ctx.program(Who::Root, "setpriv").umask(umask).env("HOME", ctx.home(who));
    member.args(["--reuid", &id, "--regid", &id, "--groups", &groups]).arg(program)
}

/// Both install in turn, each upgrading what the other installed, with pip and with uv.
fn take_turns(ctx: &Context, env: &Path, umask: u32, wheels: &Path) {
    let python = env.join("bin/python");
    let by_pip =
        |who| member(ctx, who, umask, &python).args(["-m", "pip", "install", "--quiet", "--no-index"]);
    let by_uv = |who| {
        let uv = member(ctx, who, umask, tools::uv()).args(["pip", "install", "--quiet", "--no-index"]);
        uv.env("VIRTUAL_ENV", env)
    };
    let mut turn = 0;
    for who in [Who::User, Who::Other, Who::User, Who::Other] {
        for with in [by_pip(who), by_uv(who)] {
            turn += 1;
            let wanted = format!("in-turn=={}.0", turn % 3 + 1);
            with.arg("--find-links").arg(wheels).arg(&wanted).run().success();
            let code = format!("import in_turn.deep; assert in_turn.deep.VERSION == {}", turn % 3 + 1);
            let looking = |who| member(ctx, who, umask, &python).args(["-I", "-c", &code]);
            looking(Who::User).run().success();
            looking(Who::Other).run().success();
        }
    }
}

#[test]
fn the_members_of_a_group_install_in_turn_with_pip_and_with_uv() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let wheels = ctx.project_at(ctx.area().join("turns"), Who::Root);
    for version in 1..=3 {
        let content = format!("VERSION = {version}\n");
        let wheel = Wheel::new("in-turn", &format!("{version}.0"))
            .file("in_turn/__init__.py", "")
            .file("in_turn/deep.py", content);
        wheel.entry_points("[console_scripts]\nin-turn = in_turn:main\n").write(wheels.path());
    }
    let project = ctx.project_at(ctx.area().join("srv"), Who::User);
    let env = project.path().join("app");
    let venvkeep = ctx.venvkeep([] as [&str; 0]).words().remove(0);
    let shared = format!("--shared={GROUP}");
    // Who is not in the group cannot share with it.
    ctx.venvkeep(["new", &shared]).arg(&env).run().code(3).stderr_has("you are not in it");
    assert!(!env.exists());
    let made = member(&ctx, Who::User, 0o077, &venvkeep).args(["new", &shared]).arg(&env).run().success();
    made.stderr_has("other users can change");
    take_turns(&ctx, &env, 0o022, wheels.path());
    take_turns(&ctx, &env, 0o077, wheels.path());
    for who in [Who::User, Who::Other] {
        let checked = member(&ctx, who, 0o022, &venvkeep).arg("check").arg(&env).run().success();
        checked.stdout_has("healthy");
    }
    // Others than the members read, and write nothing.
    let stranger = ctx.program(Who::Other, "test").arg("-w").arg(site(&env)).run();
    assert!(!stranger.status.success(), "no member");

    // It is not activated by itself, and nothing of it is started, not for its owner either.
    for words in [&["trust"][..], &["run"], &["clone"]] {
        let tail: &[&str] = match words {
            ["run"] => &["--", "python", "-V"],
            ["clone"] => &["./copy"],
            _ => &[],
        };
        let refused = member(&ctx, Who::User, 0o022, &venvkeep).args(words).arg(&env).args(tail);
        let refused = refused.current_dir(ctx.home(Who::User)).run();
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused}");
        // Neither `chmod` nor a heal would be right: this is what it was made for.
        let refused = refused.stderr_has("made to be shared").stderr_lacks("chmod");
        refused.stderr_has(if words == ["clone"] { "heal --trust-owner --to" } else { "bin/activate" });
    }
    // What members could have written, heal asks about; healed, it is the group's as before, under any umask.
    let heal = |how: &str| member(&ctx, Who::User, 0o077, &venvkeep).args(["heal", how]).arg(&env);
    heal("--force").run().code(4).stderr_has("--trust-owner");
    let healed =
        member(&ctx, Who::User, 0o077, &venvkeep).args(["heal", "--force", "--trust-owner"]).arg(&env);
    healed.run().success().stdout_lacks("venvkeep trust").stdout_has("other users can change");
    member(&ctx, Who::Other, 0o022, &venvkeep).arg("check").arg(&env).run().success();
    take_turns(&ctx, &env, 0o022, wheels.path());
}

#[test]
fn a_strangers_word_shares_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let strangers = ctx.project_at(ctx.area().join("strangers"), Who::Other);
    strangers.venvkeep(["new", "./env"]).run().success();
    let config = fs::read_to_string(strangers.path().join("env/pyvenv.cfg")).expect("it is there");
    let project = ctx.project("proj");
    let venvkeep = ctx.venvkeep([] as [&str; 0]).words().remove(0);
    for (name, line) in [("a", format!("shared = group {GROUP}\n")), ("b", "shared = everyone\n".to_owned())]
    {
        let env = project.path().join(name);
        ctx.program(Who::Root, "cp").arg("-a").arg(strangers.path().join("env")).arg(&env).run().success();
        fs::write(env.join("pyvenv.cfg"), format!("{config}{line}")).expect("root may");
        let heal = member(&ctx, Who::User, 0o077, &venvkeep).args(["heal", "--force", "--trust-owner"]);
        let healed = heal.arg(&env).run();
        healed.success().stdout_has("said that it is for");
        let config = fs::read_to_string(env.join("pyvenv.cfg")).expect("it is there");
        assert!(!config.contains("shared"), "{config}");
        assert!(found_by(&ctx, Who::Other, &env, &["-writable"]).is_empty());
        let groups = found_by(&ctx, Who::Root, &env, &["-group", GROUP]);
        assert!(groups.is_empty(), "{groups:?}");
    }
    // Nor is anybody told to activate what everybody may write because it claims to be a group's.
    let env = project.path().join("c");
    project.venvkeep(["new", "./c"]).run().success();
    let config = fs::read_to_string(env.join("pyvenv.cfg")).expect("it is there");
    fs::write(env.join("pyvenv.cfg"), format!("{config}shared = group {}\n", Who::User.gid()))
        .expect("root may");
    chmod(&env, 0o777);
    for words in [&["trust"][..], &["run"]] {
        let tail: &[&str] = if words == ["run"] { &["--", "python", "-V"] } else { &[] };
        let refused = ctx.venvkeep(words).arg(&env).args(tail).run().code(4);
        refused.stderr_lacks("activate it yourself");
    }
}
