//! `venvkeep new`: what it makes is what `python -m venv` makes, for every Python here; and where it refuses, nothing
//! is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use venvkeep_testkit::{Context, Need, Project, Who, owners, require, tools};

use crate::VENVKEEP;

/// What a program can see of the environment it runs in.
const FACTS: &str = "
import json, site, sys, sysconfig
print(json.dumps({
    'executable': sys.executable,
    'prefixes': [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
    'path': sys.path,
    'paths': {name: sysconfig.get_paths(name) for name in sysconfig.get_scheme_names()},
    'variables': {name: str(value) for name, value in sysconfig.get_config_vars().items()},
    'platform': [sysconfig.get_platform(), sysconfig.get_python_version(), sysconfig.get_makefile_filename()],
    'site prefixes': site.PREFIXES,
    'site-packages': site.getsitepackages(),
    'user site': site.ENABLE_USER_SITE,
    'version': sys.version,
}))";

/// Prefix, interpreter and the installed list of the environment `.venv` of a project, by its own programs.
fn facts(ctx: &Context, project: &Project<'_>) -> Value {
    let bin = project.path().join(".venv/bin");
    let run = |name: &str, args: &[&str]| {
        ctx.program(Who::User, bin.join(name)).args(args).current_dir(project.path()).run().success()
    };
    let activated = ctx
        .program(Who::User, "bash")
        .args([
            "-c",
            "set -eu; source .venv/bin/activate; echo \"$VIRTUAL_ENV $PATH\"; \
                command -v python python3 pip; python -c 'import sys; print(sys.prefix)'; \
                deactivate; echo \"${VIRTUAL_ENV-none} $PATH\"; type deactivate || echo 'it is gone'",
        ])
        .current_dir(project.path())
        .run()
        .success();
    json!({
        "python": run("python", &["-c", FACTS]).stdout_json(),
        "python3": run("python3", &["-c", FACTS]).stdout_json()["prefixes"],
        "list": run("python", &["-m", "pip", "list", "--format=json", "--disable-pip-version-check"]).stdout_json(),
        "pip": run("pip", &["--version"]).stdout,
        "activated": activated.stdout,
    })
}

#[test]
fn it_is_what_venv_makes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let pythons = tools::pythons();
    assert!(!pythons.is_empty());
    for (key, python) in pythons {
        // The same path for both, one after the other: everything that names it is then equal.
        let project = ctx.project(&format!("with-{key}"));
        ctx.program(Who::User, &python)
            .args(["-m", "venv", ".venv"])
            .current_dir(project.path())
            .run()
            .success();
        let theirs = (bytecode(&project), facts(&ctx, &project));
        fs::rename(project.path().join(".venv"), project.path().join("theirs")).unwrap();

        project.venvkeep(["new", "-p", python.to_str().unwrap()]).run().success();
        assert_eq!(bytecode(&project), theirs.0, "{key}");
        assert_eq!(facts(&ctx, &project), theirs.1, "{key}");
        assert_eq!(owners(project.path().join(".venv")), [Who::User.uid()].into(), "{key}");
    }
}

/// The compiled modules, where none of them has to be compiled again when it is imported.
#[expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
fn bytecode(project: &Project<'_>) -> BTreeSet<PathBuf> {
    let environment = project.path().join(".venv");
    let mut found = BTreeSet::new();
    for directory in find(&environment, "__pycache__") {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let source = directory.with_file_name(format!("{}.py", name.split('.').next().unwrap()));
            let source = fs::metadata(source).unwrap();
            let header = fs::read(&path).unwrap();
            let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
            let said = (word(4), i64::from(word(8)), u64::from(word(12)));
            assert_eq!(said, (0, source.mtime(), source.len()), "{}", path.display());
            found.insert(path.strip_prefix(&environment).unwrap().to_owned());
        }
    }
    found
}

/// Every entry of that name below a directory.
#[expect(clippy::unwrap_used, reason = "what cannot be listed fails the test")]
fn find(directory: &Path, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let below = entries.flat_map(|entry| {
        let descend = entry.file_type().unwrap().is_dir();
        let deeper = if descend { find(&entry.path(), name) } else { Vec::new() };
        deeper.into_iter().chain((entry.file_name() == name).then(|| entry.path()))
    });
    below.collect()
}

#[test]
fn what_git_and_editors_look_for_is_there_and_shares_nothing_with_other_environments() {
    if !require(&[Need::Program("git")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // The second one comes from the cache.
    ctx.project("before").venvkeep(["new"]).run().success();
    project.venvkeep(["new"]).run().success();
    let environment = project.path().join(".venv");
    // VS Code and PyCharm take a directory for an environment that has these beside each other, and read the version
    // from the settings without starting anything.
    for name in ["pyvenv.cfg", "bin/python", "bin/python3", "bin/activate", "bin/activate.fish", "bin/pip"] {
        assert!(environment.join(name).is_file(), "{name}");
    }
    let settings = fs::read_to_string(environment.join("pyvenv.cfg")).unwrap();
    let value = |key: &str| {
        let line = settings.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.unwrap_or_default().to_owned()
    };
    let printed = ctx
        .program(Who::User, environment.join("bin/python"))
        .args(["-c", "import platform, sys; print(platform.python_version(), sys._base_executable)"]);
    let printed = printed.run().success().stdout;
    let (version, base) = printed.trim().split_once(' ').unwrap();
    assert_eq!(
        (value("version").as_str(), value("include-system-site-packages").as_str()),
        (version, "false")
    );
    assert_eq!(Path::new(&value("home")), Path::new(base).parent().unwrap());
    // Its own .gitignore keeps all of it out.
    let git =
        |args: &[&str]| ctx.program(Who::User, "git").current_dir(project.path()).args(args).run().success();
    git(&["init", "--quiet"]);
    git(&["status", "--porcelain", "--untracked-files=all"]).stdout_is("");
    let names = ctx.program(Who::Root, "find").arg(&environment).args(["-type", "f", "-links", "+1"]);
    names.run().success().stdout_is("");
}

#[test]
fn pip_installs_upgrades_and_removes_itself() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new"]).run().success().stdout_has("pip ");
    let site = find(&project.path().join(".venv/lib"), "site-packages").pop().unwrap();
    let python = |args: &[&str]| {
        let program = ctx.program(Who::User, project.path().join(".venv/bin/python"));
        program.args(args).wheels_only(ctx.wheels()).run().success()
    };
    python(&["-m", "pip", "install", "with-scripts", "pure-one"]);
    python(&["-c", "import pure_one"]);
    python(&["-m", "pip", "freeze"]).stdout_has("pure-one==1.0").stdout_lacks("pip==");
    python(&["-m", "pip", "uninstall", "-y", "pip", "setuptools"]);
    let left: Vec<_> = fs::read_dir(site).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().starts_with("pip")), "{left:?}");
    let scripts: Vec<_> = fs::read_dir(project.path().join(".venv/bin"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("pip"))
        .collect();
    assert_eq!(scripts, Vec::<String>::new());
}

#[test]
fn names_and_paths_mean_what_users_expect() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    for (args, made, name) in [
        (&["new", "--seed", "none"][..], ".venv", "proj"),
        (&["new", "--seed", "none", "other"], "other/.venv", "other"),
        (&["new", "--seed", "none", "venv"], "venv", "proj"),
        (&["new", "--seed", "none", "./tools"], "tools", "tools"),
        (&["new", "--seed", "none", "deep/er/.venv"], "deep/er/.venv", "er"),
        (&["new", "--seed", "none", "--prompt", "it's 1 $PS1", "./asked"], "asked", "asked"),
    ] {
        let report = project.venvkeep(args.iter().copied().chain(["--json"])).run().success().stdout_json();
        let path = project.path().join(made);
        assert_eq!(report["path"], json!(path), "{args:?}");
        assert_eq!(report["name"], json!(name), "{args:?}");
        assert_eq!(report["seeded"], json!([]), "{args:?}");
        let settings = fs::read_to_string(path.join("pyvenv.cfg")).unwrap();
        let prompt = if made == "asked" { "\"it's 1 $PS1\"".to_owned() } else { format!("'{name}'") };
        assert!(settings.contains(&format!("prompt = {prompt}\n")), "{settings}");
    }
}

#[test]
fn a_place_below_a_link_is_named_by_where_it_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let link = ctx.home(Who::User).join("link");
    symlink(project.path(), &link).unwrap();
    let report = ctx.run(["new", link.join(".venv").to_str().unwrap(), "--json"]).success().stdout_json();
    assert_eq!(report["path"], json!(project.path().join(".venv")));
}

#[test]
fn modes_follow_the_umask() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    for (umask, directory, file) in [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600), (0o002, 0o775, 0o664)] {
        let name = format!("./with-{umask:o}");
        project.venvkeep(["new", &name]).umask(umask).run().success();
        let mode = |inside: &str| {
            fs::metadata(project.path().join(&name).join(inside)).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(mode("."), directory);
        assert_eq!(mode("bin"), directory);
        assert_eq!(mode("pyvenv.cfg"), file);
        assert_eq!(mode("bin/pip"), directory);
    }
}

#[test]
fn a_taken_place_is_left_as_it_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.write("file/.venv", "mine");
    fs::create_dir(project.path().join("empty")).unwrap();
    project.write("full/notes.txt", "mine");
    symlink("nowhere", project.path().join("link")).unwrap();
    project.venvkeep(["new"]).run().success();
    for (path, what) in [
        ("./file/.venv", "a file stands there"),
        ("./file/.venv/inside", "file/.venv is taken: a file stands there"),
        ("./empty", "an empty directory stands there"),
        ("./full", "a directory that is no environment stands there"),
        ("./link", "a symbolic link stands there"),
        (".venv", "an environment stands there"),
    ] {
        let before = venvkeep_testkit::fingerprint(project.path());
        project.venvkeep(["new", path]).run().code(2).stderr_has(what).stdout_is("");
        before.assert_unchanged();
    }
}

#[test]
fn refusals_leave_nothing_behind() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let of_root = ctx.project_of(Who::Root, "of-root");
    let below_root = of_root.path().join("x/.venv");
    fs::create_dir(project.path().join("closed")).unwrap();
    std::os::unix::fs::chown(project.path().join("closed"), Some(Who::User.uid()), None).unwrap();
    fs::set_permissions(project.path().join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let before = venvkeep_testkit::fingerprint(ctx.area());
    for (args, code, said) in [
        (&["new", "a:b"][..], 2, "a colon"),
        (&["new", "a\nb"], 2, "a line break"),
        (&["new", "-p", "3.99"], 3, "there is no Python 3.99 on this machine"),
        (&["new", "-p", "no-such-program"], 3, "there is no program called no-such-program"),
        (&["new", "-p", "./missing/python"], 3, "there is no program at"),
        (&["new", "-p", "/bin/true"], 3, "does not work as a Python"),
        (&["new", below_root.to_str().unwrap()], 3, "you may not write in"),
        (&["new", "./closed/x"], 3, "chmod u+w"),
        (&["new", "/root/x"], 3, "in a directory of your own"),
    ] {
        project.venvkeep(args).env_remove("HOME").run().code(code).stderr_has(said).stdout_is("");
    }
    before.assert_unchanged();
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(disk) = ctx.small_disk("small", 1024) else { return };
    let project = disk.project("proj");
    project
        .venvkeep(["new", "deep/er/.venv"])
        .run()
        .code(3)
        .stderr_has("No space left on device")
        .stderr_has("nothing is left behind");
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 0);
    project.venvkeep(["new", "--seed", "none", "deep/er/.venv"]).run().success();
}

#[test]
fn of_two_at_once_one_wins() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    // Without it they would be busy with their caches, and hardly meet.
    ctx.project("before").venvkeep(["new", "-q"]).run().success();
    let started: Vec<_> = (0..6).map(|_| project.venvkeep(["new", "-q"]).spawn()).collect();
    let codes = started.into_iter().map(|child| child.wait_with_output().unwrap().status.code());
    let mut codes: Vec<_> = codes.map(Option::unwrap).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2, 2, 2]);
    let names: Vec<_> =
        fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".venv"], "no stage is left");
    ctx.program(Who::User, project.path().join(".venv/bin/pip")).arg("check").run().success();
}

#[test]
fn a_hostile_path_is_only_a_path() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("it's \"$x\" é 🚒 $(touch pwned) `touch pwned` \\");
    project.venvkeep(["new"]).run().success();
    let pip = project.path().join(".venv/bin/pip");
    ctx.program(Who::User, pip).arg("check").current_dir(project.path()).run().success();
    for (shell, arguments, script) in [
        ("bash", &[][..], "activate"),
        ("zsh", &["-f"], "activate"),
        ("fish", &[], "activate.fish"),
        ("tcsh", &["-f"], "activate.csh"),
    ] {
        if require(&[Need::Program(shell)]) {
            let run = ctx.program(Who::User, shell).args(arguments).current_dir(project.path());
            let typed = format!("source .venv/bin/{script}\npip check\ndeactivate\n");
            run.stdin(typed).run().success().stdout_has("No broken requirements found");
        }
    }
    assert!(find(project.path(), "pwned").is_empty());
}

#[test]
fn an_active_environment_is_not_asked_for_its_python() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let traps = ctx.traps("active");
    project.write("active/pyvenv.cfg", "home = /usr/bin\n");
    let bin = project.path().join("active/bin");
    fs::create_dir(&bin).unwrap();
    traps.set_programs(&bin, &["python", "python3", "python3.11", "pip", "uv"]);
    let new = project.venvkeep(["new"]).path_first(&bin).env("VIRTUAL_ENV", project.path().join("active"));
    new.run().success().stdout_has("(/usr/bin/python3.");
    traps.assert_untouched();
}

#[test]
fn the_system_packages_are_seen_when_asked_for() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--system-site-packages"]).run().success();
    let path = "import sys; print(any('dist-packages' in p or p.startswith('/usr') and 'site-packages' in p for p in sys.path))";
    let python = ctx.program(Who::User, project.path().join(".venv/bin/python"));
    python.args(["-c", path]).run().success().stdout_is("True\n");
}

#[test]
fn a_setgid_bit_is_inherited() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o2775)).unwrap();
    project.venvkeep(["new"]).run().success();
    for inside in [".venv", ".venv/bin", ".venv/lib"] {
        let mode = fs::metadata(project.path().join(inside)).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o2755, "{inside}");
    }
}

#[test]
fn a_killed_run_leaves_what_the_next_one_removes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let mut cut_off = 0;
    for delay in (0..60).step_by(3) {
        let project = ctx.project(&format!("proj-{delay}"));
        let mut run = project.venvkeep(["new", "-q"]).spawn();
        std::thread::sleep(Duration::from_millis(delay));
        run.kill().unwrap();
        let finished = run.wait().unwrap().success();
        let there = project.path().join(".venv").exists();
        assert!(there || !finished);
        cut_off += usize::from(!there);
        project.venvkeep(["new", "-q"]).run().code(if there { 2 } else { 0 });
        let names = fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap().file_name());
        if !there {
            assert_eq!(names.collect::<Vec<_>>(), [".venv"], "killed after {delay} ms");
        }
        ctx.program(Who::User, project.path().join(".venv/bin/python"))
            .args(["-c", "import pip"])
            .run()
            .success();
    }
    assert!(cut_off > 0, "no run was killed before it was done");
}

#[test]
fn root_is_refused_where_somebody_else_would_be_locked_out() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let of_root = ctx.project_of(Who::Root, "of-root");
    let before = venvkeep_testkit::fingerprint(project.path());
    let by_root = |project: &Project<'_>, args: &[&str]| {
        ctx.venvkeep_by(Who::Root, args.iter().copied()).current_dir(project.path())
    };
    by_root(&project, &["new"])
        .run()
        .code(2)
        .stderr_has("belongs to user number 12345")
        .stderr_has("--as-root");
    let under_sudo = by_root(&of_root, &["new"]).under_sudo_of(Who::User).run();
    under_sudo.code(2).stderr_has("would belong to root and not to you").stderr_has("without sudo");
    before.assert_unchanged();

    by_root(&of_root, &["new"]).run().success();
    by_root(&of_root, &["new", "./sudo-of-root"]).under_sudo_of(Who::Root).run().success();
    by_root(&project, &["new", "--as-root"]).run().success();
    assert_eq!(owners(project.path().join(".venv")), [Who::Root.uid()].into());
}

#[test]
fn a_python_in_a_directory_of_a_group_without_members_is_used() {
    const STAFF: u32 = 50;
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let groups = fs::read_to_string("/etc/group").expect("there are groups");
    if !groups.lines().any(|line| line == "staff:x:50:") {
        return;
    }
    // As Debian makes /usr/local/bin.
    let place = ctx.area().join("bin");
    fs::create_dir(&place).expect("root can");
    let python = place.join("python3");
    symlink(tools::system_python(), &python).expect("root can link");
    let give = |gid: u32| {
        std::os::unix::fs::chown(&place, Some(0), Some(gid)).expect("root can");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o2775)).expect("root can");
    };
    let project = ctx.project("proj");
    let new = |name: &str| project.venvkeep(["new", name, "-p", python.to_str().expect("it is text")]).run();
    give(STAFF);
    new("one").success();
    give(Who::Other.gid());
    new("two").code(3).stderr_has("other users can write");
}
