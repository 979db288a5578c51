//! Other users: who can write beside the environment, and root, who looks at a user's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use venvkeep_testkit::{Context, Maker, Need, Project, Who, fingerprint, owners, require};

use crate::VENVKEEP;
use crate::support::names_in;

/// Puts other things in the place of the environment, of the stage and of the kept tree, as fast as it can: links to
/// what is the user's, trees of its own, and back.
const EXCHANGER: &str = r#"
import os, itertools, sys
project, precious, mine = sys.argv[1:4]
os.chdir(project)
link = 0
for turn in itertools.count():
    for name in os.listdir('.'):
        if not name.startswith('.venv') or name.endswith('aside'):
            continue
        try:
            os.rename(name, name + '.aside')
            os.symlink([precious, mine, '..', '/'][turn % 4], name)
        except OSError:
            pass
        try:
            os.unlink(name)
        except OSError:
            pass
        try:
            os.rename(name + '.aside', name)
        except OSError:
            pass
    if not os.path.exists('.venv.venvkeep-journal'):
        try:
            with open('.venv.venvkeep-journal', 'w') as file:
                file.write('{"step":"building","stage":"%s/.venv.venvkeep-stage-0","identity":{"device":%d,"inode":%d}}\n'
                           % (project, os.stat(precious).st_dev, os.stat(precious).st_ino))
        except OSError:
            pass
    elif turn % 3 == 0:
        try:
            os.unlink('.venv.venvkeep-journal')
        except OSError:
            pass
"#;

/// For how long each command is raced.
const ROUND: Duration = Duration::from_millis(1500);

struct Race(Child);

impl Drop for Race {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A directory of the user's that everybody can write.
fn open_to_all<'c>(ctx: &'c Context, name: &str) -> Project<'c> {
    let project = ctx.project(name);
    fs::set_permissions(ctx.home(Who::User), fs::Permissions::from_mode(0o755)).expect("root may");
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o777)).expect("root may");
    project
}

#[test]
fn where_others_can_exchange_directories_heal_stops_and_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = open_to_all(&ctx, "proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(project.path());
    let refused = project.venvkeep(["heal"]).run().code(4);
    refused.stderr_has(project.str()).stderr_has("chmod go-w").stderr_has("--to").stderr_has("--trust-owner");
    before.assert_unchanged();
    ctx.venvkeep(["heal", "--to", "safe/.venv", env.str()]).run().success();
    assert!(ctx.home(Who::User).join("safe/.venv/bin/python").exists());
    project.venvkeep(["heal", "--trust-owner"]).run().success();
    assert_eq!(owners(env.path()).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);

    // Where the one who can is in the directory above.
    let above = open_to_all(&ctx, "above");
    let inside = ctx.project_at(above.path().join("inside"), Who::User);
    inside.venv_by_root(Maker::VenvWithoutPip).build();
    inside.venvkeep(["heal"]).run().code(4).stderr_has(above.str());
    // In a sticky directory nobody can exchange what is another's.
    fs::set_permissions(above.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    inside.venvkeep(["heal"]).run().success();
}

#[test]
fn a_journal_that_somebody_else_wrote_removes_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = open_to_all(&ctx, "proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    project.venvkeep(["heal", "--trust-owner"]).run().success();
    let precious = project.path().join(".venv.venvkeep-stage-0123456789abcdef");
    project.write(".venv.venvkeep-stage-0123456789abcdef/work.txt", "a year of it");
    let facts = fs::metadata(&precious).unwrap();
    let step = format!(
        "{{\"step\":\"building\",\"stage\":\"{}\",\"identity\":{{\"device\":{},\"inode\":{}}}}}\n",
        precious.display(),
        facts.dev(),
        facts.ino()
    );
    let journal = project.write(".venv.venvkeep-journal", step);
    ctx.program(Who::Root, "chown").arg("12346:12346").arg(&journal).run().success();
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).unwrap();
    let before = fingerprint(&precious);
    for args in [&["undo"][..], &["prune"], &["heal", "--trust-owner", "--force"]] {
        let output = project.venvkeep(args).run();
        assert!(output.status.code().is_some_and(|code| code <= 4), "{output}");
        before.assert_unchanged();
    }
    assert!(env.bin("python").exists());
}

#[test]
fn directories_that_change_under_a_command_lead_it_nowhere() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let precious = ctx.project("precious");
    precious.write("pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n");
    precious.write("lib/python3.11/site-packages/diary.py", "s3cr3t");
    precious.write("bin/python", "");
    let mine = ctx.project_of(Who::Other, "mine");
    fs::set_permissions(ctx.home(Who::Other), fs::Permissions::from_mode(0o755)).unwrap();
    let bait = mine.venv_by_owner(Maker::VenvWithoutPip).build();
    let traps = ctx.traps("race");
    traps.set_startup_files(&bait);
    traps.set_programs(&bait.path().join("bin"), &["python", "python3", "python3.11", "pip", "uv", "git"]);
    bait.chown("", Who::Other);

    let project = open_to_all(&ctx, "proj");
    project.venv_by_root(Maker::VenvWithoutPip).build();
    let before = fingerprint(precious.path());
    let race =
        ctx.program(Who::Other, "python3").args(["-c", EXCHANGER, project.str(), precious.str(), bait.str()]);
    let _race = Race(race.spawn());
    let place = project.path().join(".venv");
    let place = place.to_str().unwrap();
    let mut rounds = 0;
    for command in ["check", "freeze", "heal", "to", "undo", "prune"] {
        let until = Instant::now() + ROUND;
        while Instant::now() < until {
            rounds += 1;
            let to = format!("to-{rounds}/.venv");
            let run = match command {
                "to" => ctx.venvkeep(["heal", "--to", &to, place]),
                command => ctx.venvkeep([command, place]),
            };
            let output = run.run();
            assert!(output.status.code().is_some_and(|code| code <= 4), "{output}");
            let made = ctx.home(Who::User).join(&to);
            if made.exists() {
                assert!(!made.join("lib/python3.11/site-packages/diary.py").exists(), "{output}");
                assert_eq!(owners(&made).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
            }
            traps.assert_untouched();
        }
    }
    before.assert_unchanged();
    assert!(rounds >= 12, "{rounds} rounds tell nothing");
}

#[test]
fn root_looks_at_a_users_environment_and_does_nothing_else() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let private = ctx.project_of(Who::Root, "private");
    private.write("secret", "Name: leaked\nVersion: 6.6\nhome = leaked\n");
    private.write("leaked.egg-info/PKG-INFO", "Name: leaked\nVersion: 6.6\n");
    private.write(".git/HEAD", "0123456789012345678901234567890123456789\n");
    private.write(".git/config", "[remote \"origin\"]\n\turl = https://leaked@host/x.git\n");
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let traps = ctx.traps("root");
    traps.set_startup_files(&env);
    traps.set_programs(&env.path().join("bin"), &["python", "python3", "pip", "uv", "git"]);
    let site = env.site_packages();
    let secret = private.path().join("secret");
    for name in ["one-1.0.dist-info", "two-1.0.dist-info"] {
        fs::create_dir(site.join(name)).unwrap();
    }
    symlink(&secret, site.join("one-1.0.dist-info/METADATA")).unwrap();
    symlink(&secret, site.join("one-1.0.dist-info/RECORD")).unwrap();
    symlink(private.path().join("leaked.egg-info"), site.join("three-1.0.dist-info")).unwrap();
    fs::write(site.join("two-1.0.dist-info/METADATA"), "Name: two\nVersion: 1.0\n").unwrap();
    fs::write(site.join("two-1.0.dist-info/RECORD"), "").unwrap();
    let url = format!("{{\"url\":\"file://{}\",\"dir_info\":{{\"editable\":true}}}}", private.str());
    fs::write(site.join("two-1.0.dist-info/direct_url.json"), url).unwrap();
    fs::write(site.join("four.egg-link"), format!("{}\n.\n", private.str())).unwrap();
    fs::remove_file(env.path().join("pyvenv.cfg")).unwrap();
    symlink(&secret, env.path().join("pyvenv.cfg")).unwrap();
    env.chown("", Who::User);
    let before = fingerprint(ctx.home(Who::User));
    for args in
        [&["check"][..], &["check", "-v", "--deep"], &["check", "--json"], &["freeze"], &["freeze", "--all"]]
    {
        let run = ctx.venvkeep_by(Who::Root, args).arg(env.path()).under_sudo_of(Who::User);
        let output = run.env("VIRTUAL_ENV", env.path()).path_first(env.path().join("bin")).run();
        assert!(output.status.code().is_some_and(|code| code <= 3), "{output}");
        output.stdout_lacks("leaked").stderr_lacks("leaked").stdout_lacks("6.6");
        traps.assert_untouched();
        before.assert_unchanged();
    }
}

#[test]
fn root_opens_no_file_where_a_users_links_lead() {
    if !require(&[Need::Program("strace")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let private = ctx.project_of(Who::Root, "private");
    private.write("base/lib/python3.11/os.py", "private\n");
    private.write("library/python3.11/site-packages/leaked-6.6.dist-info/METADATA", "Name: leaked\n");
    let program = private.write("base/bin/python", "private\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    // Whoever opened it would wait for ever.
    mknodat(CWD, private.path().join("base/bin/pipe"), FileType::Fifo, Mode::from_raw_mode(0o644), 0)
        .unwrap();
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let base = private.path().join("base/bin");
    let library = private.path().join("library");
    for (name, target, config) in [("program", "python", true), ("pipe", "pipe", false)] {
        let project = ctx.project(name);
        let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
        for link in ["python", "python3"] {
            fs::remove_file(env.bin(link)).unwrap();
            symlink(base.join(target), env.bin(link)).unwrap();
        }
        fs::remove_dir_all(env.path().join("lib")).unwrap();
        symlink(&library, env.path().join("lib")).unwrap();
        if config {
            let text = format!("home = {0}\nexecutable = {0}/python\nversion = 3.11.2\n", base.display());
            fs::write(env.path().join("pyvenv.cfg"), text).unwrap();
        }
        env.chown("", Who::User);
        for args in [&["check", "--deep", "-v"][..], &["freeze", "--all"]] {
            let trace = project.path().join("trace");
            let look = ctx.venvkeep_by(Who::Root, args).arg(env.path()).under_sudo_of(Who::User);
            let strace =
                ctx.program(Who::Root, "strace").args(["-f", "-e", "trace=open,openat,openat2,execve", "-o"]);
            let output = strace.arg(&trace).args(look.words()).run();
            assert!(output.status.code().is_some_and(|code| code <= 3), "{output}");
            output.stdout_lacks("leaked").stdout_lacks("6.6");
            let log = fs::read_to_string(&trace).expect("strace wrote it");
            assert!(log.contains("pyvenv.cfg"), "it saw something: {log}");
            // Names of a directory at the most: to tell a version.
            let opened = |line: &&str| line.contains(private.str()) && !line.contains("O_DIRECTORY");
            assert_eq!(log.lines().filter(opened).collect::<Vec<_>>(), [""; 0], "{args:?}");
            assert_eq!(log.lines().filter(|line| line.contains("execve")).count(), 1, "{args:?}: {log}");
        }
    }
}

#[test]
fn what_is_kept_for_the_user_is_theirs_alone_whatever_the_umask() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venv_by_root(Maker::VenvWithoutPip).build();
    project.venvkeep(["heal"]).umask(0o000).run().success();
    let mut waiting = vec![ctx.home(Who::User).join(".local/state/venvkeep")];
    assert!(waiting[0].is_dir(), "{:?}", names_in(&ctx.home(Who::User)));
    let mut files = 0;
    while let Some(path) = waiting.pop() {
        let facts = fs::symlink_metadata(&path).unwrap();
        let expected = if facts.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(facts.mode() & 0o7777, expected, "{}", path.display());
        assert_eq!(facts.uid(), Who::User.uid());
        if facts.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
        }
    }
    assert!(files > 0);
}
