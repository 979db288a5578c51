//! What is the user's in an environment is in the new one, byte for byte, or named; and every entry is accounted for.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use venvkeep_testkit::{Context, Maker, Need, Output, Project, Who, require};

use crate::VENVKEEP;
use crate::support::{accounted, kept_tree, paths};

fn heal(project: &Project<'_>, args: &[&str]) -> Output {
    project.venvkeep([&["heal", "--json"], args].concat()).run()
}

/// Kind, mode, size, time and content of an entry; not its owner.
fn described(path: &Path) -> (u32, u64, i64, i64, Vec<u8>) {
    let facts = fs::symlink_metadata(path).expect("what was in the environment is there");
    let content = if facts.is_file() {
        fs::read(path).expect("root reads everything")
    } else {
        fs::read_link(path).map(|text| text.into_os_string().into_encoded_bytes()).unwrap_or_default()
    };
    let size = if facts.is_dir() { 0 } else { facts.size() };
    (facts.mode(), size, facts.mtime(), facts.mtime_nsec(), content)
}

#[test]
fn the_users_own_files_are_carried_over() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let files = [
        ("notes/todo.txt", 0o640),
        (".env", 0o600),
        ("pip.conf", 0o644),
        ("etc/jupyter/config.json", 0o644),
        ("share/jupyter/kernels/mine/kernel.json", 0o664),
        ("certs/ca.pem", 0o444),
        ("bin/postactivate", 0o755),
        ("lib/mine.txt", 0o604),
        ("work/project/.git/objects/ab/cdef", 0o444),
        ("work/project/src/main.py", 0o644),
        ("naïve \"b c/x'y", 0o644),
    ];
    let site = env.site_packages().strip_prefix(env.path()).unwrap().to_str().unwrap().to_owned();
    let in_site = [format!("{site}/mine.py"), format!("{site}/mine.pth"), format!("{site}/old_style.pyc")];
    for (name, mode) in files.into_iter().chain(in_site.iter().map(|name| (name.as_str(), 0o644))) {
        project.write(&format!(".venv/{name}"), format!("content of {name}\n"));
        env.chmod(name, mode);
    }
    fs::create_dir(env.path().join("empty")).unwrap();
    env.chown("empty", Who::User);
    for (text, name) in
        [("/etc/shadow", "shadow"), ("../outside", "out"), ("notes", "dirlink"), ("/nowhere", "dangling")]
    {
        symlink(text, env.path().join(name)).unwrap();
    }
    symlink(env.path().join("notes"), env.path().join("absolute")).unwrap();
    env.chmod("certs", 0o555);

    let report = heal(&project, &[]);
    let healed = accounted(&report.clone().success());
    let old = kept_tree(project.path());
    let names = files.map(|(name, _)| name).into_iter().chain(in_site.iter().map(String::as_str));
    let links = ["shadow", "out", "dirlink", "dangling", "absolute", "empty"];
    for name in names.chain(links) {
        assert_eq!(described(&env.path().join(name)), described(&old.join(name)), "{name:?}");
        assert_eq!(fs::symlink_metadata(env.path().join(name)).unwrap().uid(), Who::User.uid(), "{name:?}");
        assert!(paths(&healed, "carried").iter().any(|path| path == name), "{name:?}: {report}");
    }
    for directory in ["certs", "notes", "work/project/.git", "share/jupyter"] {
        assert_eq!(described(&env.path().join(directory)), described(&old.join(directory)), "{directory}");
    }
    assert!(paths(&healed, "dropped").is_empty(), "{report}");
    let noted = paths(&healed, "notes");
    for name in ["bin/postactivate", &in_site[0], &in_site[1]] {
        assert!(noted.iter().any(|path| path == name), "{name} is not named: {report}");
    }
}

#[test]
fn each_maker_leaves_nothing_that_is_taken_for_the_users() {
    if !require(&[Need::Virtualenv, Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [Maker::Venv, Maker::VenvWithoutPip, Maker::Virtualenv, Maker::Uv] {
        let project = ctx.project(&format!("{maker:?}"));
        let mut builder = project.venv_by_root(maker);
        if maker != Maker::VenvWithoutPip {
            builder = builder.packages(["with-deps[more]", "with-scripts", "ns-part"]);
        }
        builder.build();
        let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
        let healed = accounted(&report);
        for list in ["carried", "dropped", "notes"] {
            assert_eq!(paths(&healed, list), Vec::<String>::new(), "{maker:?} {list}: {report}");
        }
        let kinds = healed["dropped_kinds"].as_object().cloned().unwrap_or_default();
        // virtualenv's pip has scripts of other names.
        let only = ["bytecode", "creator", "distribution"];
        assert!(kinds.keys().all(|kind| only.contains(&kind.as_str())), "{maker:?}: {report}");
    }
}

#[test]
fn leftovers_caches_and_special_files_stay_behind() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    env.leave_behind("pure_one");
    let site = env.site_packages();
    fs::create_dir(site.join("~ure_one")).unwrap();
    fs::write(site.join("~ure_one/x.py"), "x").unwrap();
    fs::create_dir(env.path().join(".pytest_cache")).unwrap();
    fs::write(env.path().join(".pytest_cache/CACHEDIR.TAG"), "x").unwrap();
    let in_env = |name: &str| env.path().join(name).to_str().unwrap().to_owned();
    ctx.program(Who::Root, "mkfifo").arg(in_env("pipe")).run().success();
    ctx.program(Who::Root, "mknod").args([&in_env("null"), "c", "1", "3"]).run().success();
    let socket = UnixListener::bind(env.path().join("socket")).unwrap();
    let report =
        project.venvkeep(["heal", "--json", "--from", "index"]).wheels_only(ctx.wheels()).run().success();
    drop(socket);
    let healed = accounted(&report);
    let kinds = &healed["dropped_kinds"];
    assert_eq!(kinds["special"], 3, "{report}");
    assert_eq!(kinds["cache"], 2, "{report}");
    assert!(kinds["leftover"].as_u64() > Some(2), "{report}");
    assert!(kinds["bytecode"].as_u64() > Some(0), "{report}");
    assert_eq!(paths(&healed, "dropped"), ["null", "pipe", "socket"], "{report}");
    assert!(paths(&healed, "carried").is_empty(), "{report}");
}

#[test]
fn what_cannot_be_read_needs_attention_and_is_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
    env.install(["pure-one"]);
    let wheels = ctx.wheels();
    fs::write(env.path().join("readable"), "x").unwrap();
    let heal = |args: &[&str]| project.venvkeep([&["heal"], args].concat()).wheels_only(wheels).run();
    // The distribution's files come back from the index: nothing is lost by their being unreadable.
    let healed = accounted(&heal(&["--json"]).success());
    assert_eq!(paths(&healed, "carried"), ["readable"]);

    for (name, mode) in [("secret", 0o600), ("private/key", 0o600)] {
        project.write(&format!(".venv/{name}"), "x");
        env.chown(name, Who::Root);
        env.chmod(name, mode);
    }
    env.chown("private", Who::Root);
    env.chmod("private", 0o700);
    fs::remove_dir_all(kept_tree(project.path())).unwrap();
    let report = heal(&["--json"]).code(4);
    let healed = accounted(&report);
    assert_eq!(healed["outcome"], "needs-attention", "{report}");
    assert_eq!(healed["dropped_kinds"]["unreadable"], 2, "{report}");
    assert_eq!(paths(&healed, "dropped"), ["private", "secret"], "{report}");
    assert_eq!(fs::read_to_string(env.path().join("readable")).unwrap(), "x");
}

#[test]
fn the_words_say_what_was_not_carried_and_how_to_get_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    for name in ["secret", "mine"] {
        fs::write(env.path().join(name), "x").unwrap();
    }
    env.chmod("secret", 0o600);
    let said = project.venvkeep(["heal"]).run().code(4);
    said.stdout_has("mine").stdout_has("secret: you may not read it").stdout_has("sudo cp -a -- ");
}

#[test]
fn out_of_a_strangers_environment_nothing_comes_that_could_run() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let site = env.site_packages().strip_prefix(env.path()).unwrap().to_str().unwrap().to_owned();
    let code = ["bin/ls".to_owned(), format!("{site}/evil.pth"), format!("{site}/evil/__init__.py")];
    for name in code.iter().map(String::as_str).chain(["pip.conf", "notes.txt"]) {
        project.write(&format!(".venv/{name}"), "x");
    }
    symlink("/etc/shadow", env.path().join("shadow")).unwrap();
    let activate = fs::read_to_string(env.bin("activate")).unwrap();
    fs::write(env.bin("activate"), format!("{activate}touch /tmp/owned\n")).unwrap();
    env.chown("", Who::Other);
    heal(&project, &[]).code(4);

    let report = heal(&project, &["--trust-owner"]).success();
    let healed = accounted(&report);
    assert_eq!(paths(&healed, "carried"), ["notes.txt"], "{report}");
    let dropped = paths(&healed, "dropped");
    let named = ["bin/ls", "bin/activate", "shadow", "pip.conf"].map(str::to_owned);
    for name in named.into_iter().chain([format!("{site}/evil.pth"), format!("{site}/evil")]) {
        assert!(dropped.contains(&name), "{name} is not named: {report}");
    }
    for name in code.iter().map(String::as_str).chain(["pip.conf", "shadow"]) {
        assert!(fs::symlink_metadata(env.path().join(name)).is_err(), "{name} was carried");
    }
    assert!(!fs::read_to_string(env.bin("activate")).unwrap().contains("touch"), "{report}");
}

#[test]
fn lines_added_to_the_activation_scripts_work_again() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let text = fs::read_to_string(env.bin("activate")).unwrap();
    fs::write(env.bin("activate"), format!("{text}export MINE='a b'\n")).unwrap();
    let show = ". .venv/bin/activate; echo \"$MINE\"";
    for _ in 0..2 {
        accounted(&heal(&project, &["--force"]).success());
        let shell = ctx.program(Who::User, "bash").args(["-c", show]).current_dir(project.path());
        shell.run().success().stdout_is("a b\n");
        fs::remove_dir_all(kept_tree(project.path())).unwrap();
    }
    let again = fs::read_to_string(env.bin("activate")).unwrap();
    assert_eq!(again.matches("export MINE").count(), 1, "{again}");
}

#[test]
fn what_was_changed_by_hand_is_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Venv).packages(["pure-one"]).build();
    fs::write(env.path().join(".gitignore"), "*\n!keep\n").unwrap();
    let module = env.site_packages().join("pure_one.py");
    let module = if module.exists() { module } else { env.site_packages().join("pure_one/__init__.py") };
    let text = fs::read_to_string(&module).unwrap();
    fs::write(&module, format!("{text}# patched\n")).unwrap();
    let report = project.venvkeep(["heal", "--json"]).wheels_only(ctx.wheels()).run().success();
    let healed = accounted(&report);
    let module = module.strip_prefix(env.path()).unwrap().to_str().unwrap();
    assert_eq!(paths(&healed, "dropped"), [".gitignore", module], "{report}");
    assert_eq!(healed["dropped_kinds"]["replaced"], 2, "{report}");
}

#[test]
fn special_bits_and_attributes_are_left_and_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    fs::write(env.path().join("tool"), "x").unwrap();
    env.chmod("tool", 0o4755);
    fs::write(env.path().join("capable"), "x").unwrap();
    let set = "import os, sys; os.setxattr(sys.argv[1], 'user.origin', b'1')";
    let python = venvkeep_testkit::tools::system_python();
    ctx.program(Who::Root, python).args(["-c", set]).arg(env.path().join("capable")).run().success();
    let report = heal(&project, &[]).success();
    assert_eq!(paths(&accounted(&report), "notes"), ["capable", "tool"], "{report}");
    assert_eq!(fs::metadata(env.path().join("tool")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn files_in_site_packages_follow_to_another_python() {
    if !require(&[Need::Python("3.12"), Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::Uv).packages(["pure-one"]).build();
    fs::write(env.site_packages().join("mine.py"), "x = 1\n").unwrap();
    let python = venvkeep_testkit::tools::python("3.12").unwrap();
    let heal = project.venvkeep(["heal", "--json", "-p", python.to_str().unwrap()]);
    let report = heal.wheels_only(ctx.wheels()).run().success();
    let healed = accounted(&report);
    assert_eq!(paths(&healed, "carried"), ["lib/python3.12/site-packages/mine.py"], "{report}");
    assert!(paths(&healed, "dropped").is_empty(), "{report}");
    ctx.program(Who::User, env.bin("python")).args(["-c", "import mine, pure_one"]).run().success();
}

#[test]
fn a_disk_too_small_for_them_changes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(disk) = ctx.small_disk("disk", 4096) else { return };
    let project = disk.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    fs::write(env.path().join("data"), vec![7; 2_500_000]).unwrap();
    let before = venvkeep_testkit::fingerprint(env.path());
    let names = crate::support::names_in(project.path());
    heal(&project, &[]).code(3);
    before.assert_unchanged();
    assert_eq!(crate::support::names_in(project.path()), names, "no stage is left");
}

#[test]
fn a_checkout_with_uncommitted_work_arrives_byte_for_byte() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let source = project.git_source("lib", "1.0");
    fs::create_dir(env.path().join("src")).unwrap();
    fs::rename(&source, env.path().join("src/lib")).unwrap();
    env.chown("src", Who::User);
    project.write(".venv/src/lib/src/lib.py", "uncommitted = True\n");
    let git = || ctx.program(Who::User, "git").current_dir(env.path().join("src/lib"));
    let status = git().args(["status", "--porcelain"]).run().success().stdout;
    assert!(!status.is_empty());
    let before = venvkeep_testkit::fingerprint(env.path().join("src"));
    accounted(&heal(&project, &[]).success());
    let after = venvkeep_testkit::fingerprint(env.path().join("src"));
    assert_eq!(before.differences(&after), Vec::<String>::new());
    git().args(["status", "--porcelain"]).run().success().stdout_is(&status);
}
