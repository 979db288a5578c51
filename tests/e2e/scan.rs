//! `scan`: every environment below some directories, wherever it lies, and how each is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use venvkeep_testkit::{Context, Maker, Mount, Need, Output, Project, Who, fingerprint, require};

use crate::VENVKEEP;

/// The environments of `scan --json` by path, and the last line.
fn scanned(report: &Output) -> (BTreeMap<PathBuf, Value>, Value) {
    let lines: Vec<Value> = report
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a document"))
        .collect();
    let (last, found) = lines.split_last().expect("the summary is always there");
    assert_eq!(last["schema"], 1, "{report}");
    let path = |one: &Value| PathBuf::from(one["path"].as_str().expect("a path"));
    (found.iter().map(|one| (path(one), one.clone())).collect(), last["summary"].clone())
}

fn codes(environment: &Value) -> Vec<&str> {
    let findings = environment["findings"].as_array().expect("a list");
    findings.iter().filter_map(|one| one["code"].as_str()).collect()
}

/// An empty environment in a new directory of the project's.
fn new_in(project: &Project<'_>, place: &str) -> PathBuf {
    let path = project.path().join(place);
    project.venvkeep(["new", "--seed", "none"]).arg(&path).run().success();
    path
}

#[test]
fn every_environment_is_found_wherever_it_lies() {
    if !require(&[Need::Uv, Need::Virtualenv, Need::LegacyVirtualenv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let by_owner = |maker, place: &str| project.venv_by_owner(maker).at(place).build().path().to_owned();
    let mut expected = vec![
        (by_owner(Maker::VenvWithoutPip, "plain/.venv"), "venv"),
        (by_owner(Maker::Uv, "web/node_modules/tool/.venv"), "uv"),
        (by_owner(Maker::Virtualenv, ".hidden/deeper/env of é"), "virtualenv"),
        (by_owner(Maker::LegacyVirtualenv, "old/legacy"), "legacy-virtualenv"),
        (new_in(&project, "outer/.venv"), "venv"),
        (new_in(&project, "outer/.venv/src/inner/.venv"), "venv"),
        (new_in(&project, ".local/share/pipx/venvs/black"), "venv"),
    ];
    for path in ["miniconda3", "miniconda3/envs/science"] {
        project.write(&format!("{path}/conda-meta/history"), "");
        project.write(&format!("{path}/bin/python"), "");
        expected.push((project.path().join(path), "conda"));
    }
    // One that lost its pyvenv.cfg, one of which nothing but that is left, and a directory that only looks like one.
    let lost = new_in(&project, "lost/.venv");
    fs::remove_file(lost.join("pyvenv.cfg")).expect("root may");
    expected.push((lost, "unknown"));
    project.write("bare/.venv/pyvenv.cfg", "home = /usr/bin\n");
    expected.push((project.path().join("bare/.venv"), "venv"));
    project.write("package/bin/tool", "");
    project.write("package/lib/index.js", "");
    // One that lies about hides nothing.
    project.write("pyvenv.cfg", "home = /usr/bin\n");
    // Links that lead in circles or out are not followed.
    symlink("..", project.path().join("plain/circle")).expect("root may");
    symlink("/", project.path().join("everything")).expect("root may");

    let report = project.venvkeep(["scan", "--json", "."]).run().code(1);
    let (found, summary) = scanned(&report);
    let kinds: BTreeMap<PathBuf, &str> =
        found.iter().map(|(path, one)| (path.clone(), one["kind"].as_str().unwrap_or_default())).collect();
    assert_eq!(kinds, expected.iter().cloned().collect::<BTreeMap<_, _>>(), "{report}");
    let states = ["healthy", "degraded", "broken"].map(|state| summary[state].as_u64().unwrap_or_default());
    assert_eq!(states.iter().sum::<u64>(), expected.len() as u64);
    let managed = &found[&project.path().join(".local/share/pipx/venvs/black")];
    assert!(codes(managed).contains(&"managed-elsewhere"), "{managed}");
    for state in found.values().filter(|one| one["kind"] == "uv" || one["kind"] == "venv") {
        assert!(state["bytes"].is_u64() && state["last_changed"].is_string(), "{state}");
    }
    // A root that is an environment itself, one inside of another, and none.
    let one = project.venvkeep(["scan", "--json", "plain/.venv", "plain"]).run().success();
    assert_eq!(scanned(&one).0.len(), 1, "{one}");
    let none = ctx.project("empty");
    none.venvkeep(["scan", "."]).run().success().stdout_has("No environment");
    project.venvkeep(["scan", "nowhere"]).run().code(2).stderr_has("nowhere");
    project.venvkeep(["scan", "pyvenv.cfg"]).run().code(2).stderr_has("not a directory");
}

#[test]
fn links_and_files_in_the_place_of_an_environment_are_followed_once() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (inside, outside) = (ctx.project("inside"), ctx.project("outside"));
    let far = new_in(&outside, "far/.venv");
    let near = new_in(&inside, "near/.venv");
    let file = new_in(&outside, "file-target");
    for (place, target) in [("a/.venv", &far), ("b/.venv", &near), ("d/venv", &far)] {
        fs::create_dir_all(inside.path().join(place).parent().expect("it has one")).expect("root may");
        symlink(target, inside.path().join(place)).expect("root may");
    }
    inside.write("c/.venv", format!("{}\n", file.display()));
    inside.write("e/.venv", "/nowhere/at/all\n");
    let links = ["a", "b", "c", "d", "e"];
    for place in links {
        ctx.program(Who::Root, "chown")
            .args(["-hR", "12345:12345"])
            .arg(inside.path().join(place))
            .run()
            .success();
    }
    let report = inside.venvkeep(["scan", "--json", "."]).run().success();
    let (found, summary) = scanned(&report);
    let paths: Vec<&PathBuf> = found.keys().collect();
    assert_eq!(paths, [&near, &far, &file], "{report}");
    assert!(found[&far]["through"].is_string() && found[&near]["through"].is_null(), "{report}");
    assert_eq!(summary["leads_nowhere"]["count"], 1, "{report}");
    inside.venvkeep(["scan", "."]).run().success().stderr_has("e/.venv");
    // Another user's link decides nothing.
    let foreign = ctx.project_of(Who::Other, "foreign");
    fs::set_permissions(foreign.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("root may");
    symlink(&far, foreign.path().join(".venv")).expect("root may");
    ctx.program(Who::Root, "chown").args(["-h", "12346"]).arg(foreign.path().join(".venv")).run().success();
    let report = ctx.venvkeep(["scan", "--json"]).arg(foreign.path()).run().success();
    assert!(scanned(&report).0.is_empty(), "{report}");
}

#[test]
fn one_package_of_roots_deep_inside_is_found_and_nothing_is_changed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let polluted = project.venv_by_owner(Maker::VenvWithoutPip).at("a/.venv").packages(["pure-one"]).build();
    let healthy = project.venv_by_owner(Maker::VenvWithoutPip).at("b/.venv").packages(["pure-one"]).build();
    let deep = polluted.site_packages().join("pure_one/deep/deeper");
    fs::create_dir_all(&deep).expect("root may");
    fs::write(deep.join("roots.py"), "").expect("root may");
    let traps = ctx.traps("scan");
    traps.set_startup_files(&polluted);
    traps.set_programs(&polluted.path().join("bin"), &["python3"]);
    let before = [fingerprint(polluted.path()), fingerprint(healthy.path())];
    let report = project.venvkeep(["scan", "--json", "."]).run().code(1);
    let (found, _) = scanned(&report);
    let finding = &found[polluted.path()]["findings"][0];
    assert_eq!(finding["code"], "foreign-owner", "{report}");
    assert!(finding["evidence"].to_string().contains("deeper"), "{finding}");
    assert_eq!(found[healthy.path()]["status"], "healthy", "{report}");
    before.iter().for_each(venvkeep_testkit::Fingerprint::assert_unchanged);
    traps.assert_untouched();
    // What check says of it is what scan says.
    let checked = project.venvkeep(["check", "--json", "a/.venv"]).run().code(1).stdout_json();
    assert_eq!(checked["environments"][0]["findings"], found[polluted.path()]["findings"]);
    // An environment that could be read is remembered, in case that it cannot be one day.
    let kept = ctx.home(Who::User).join(".local/state/venvkeep/snapshots");
    assert!(fs::read_dir(kept).expect("it is there").count() >= 1);
}

#[test]
fn the_table_groups_by_what_is_wrong_and_filters_say_what_is_shown() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let fine = new_in(&project, "fine/.venv");
    let gone = project.venv_by_owner(Maker::VenvWithoutPip).at("gone/.venv").build();
    gone.dangle_interpreter();
    gone.chown("bin", Who::User);
    let roots = ctx.project_at(project.path().join("roots"), Who::User);
    let roots = roots.venv_by_root(Maker::VenvWithoutPip).build();
    let scan = |args: &[&str]| project.venvkeep(["scan"]).args(args).arg(".").run();
    let all = scan(&[]).code(1);
    let at = |word: &str| all.stdout.find(word).unwrap_or_else(|| panic!("{word}: {all}"));
    let order = [
        at("[foreign-owner]"),
        at(roots.str()),
        at("[interpreter-missing]"),
        at("home/gone/.venv"),
        at("healthy (1)"),
        at(fine.to_str().expect("text")),
        at("venvkeep heal --all"),
        at("3 environments: 1 healthy, 0 degraded, 2 broken"),
    ];
    assert!(order.is_sorted(), "{all}");
    let all = all.stderr_has("files and directories in");
    assert!(!all.stdout.contains('\u{1b}'), "no colour in a pipe");
    let shown =
        |args: &[&str]| scanned(&scan(&[&["--json"], args].concat())).0.into_keys().collect::<Vec<_>>();
    assert_eq!(shown(&["--only", "foreign-owner,unreadable"]), [roots.path()]);
    assert_eq!(shown(&["--owner", "0"]), [roots.path()]);
    assert_eq!(shown(&["--owner", "root"]), [roots.path()]);
    assert_eq!(shown(&["--python", "2.7"]), Vec::<PathBuf>::new());
    assert_eq!(shown(&["--python", ">=3.8"]).len(), 3);
    assert_eq!(shown(&["--older-than", "1d"]), Vec::<PathBuf>::new());
    let aged =
        ctx.program(Who::Root, "find").arg(&fine).args(["-exec", "touch", "-hd", "2020-01-01", "{}", "+"]);
    aged.run().success();
    assert_eq!(shown(&["--older-than", "52w"]), std::slice::from_ref(&fine));
    // Only what is shown counts for the exit code.
    scan(&["--only", "moved"])
        .success()
        .stdout_has("None of the 3 environments that were found is like that");
    scan(&["--only", "nonsense"]).code(2).stderr_has("interpreter-missing");
    scan(&["--python", "nonsense"]).code(2);
    scan(&["--owner", "nobody-of-that-name"]).code(2);
    // Settled once and for all.
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    home.write(".config/venvkeep/config.toml", "[scan]\nignore = [\"roots\", \"~/home/gone\"]\n");
    assert_eq!(shown(&[]), [fine]);
    home.write(".config/venvkeep/config.toml", "[scan]\nignored = 1\n");
    scan(&[]).code(2).stderr_has("config.toml").stderr_has("line 2");
    fs::set_permissions(
        home.path().join(".config/venvkeep/config.toml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .expect("root may");
    scan(&[]).code(2).stderr_has("chmod go-w");
}

#[test]
fn what_cannot_be_looked_into_is_counted_and_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    new_in(&project, "fine/.venv");
    let closed = ctx.project_at(project.path().join("closed"), Who::Root);
    closed.write("inside/file", "");
    fs::set_permissions(closed.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("root may");
    // Called like an environment, and not to be looked into: as far as anybody can tell it is one.
    let hidden = project.venv_by_root(Maker::VenvWithoutPip).at("hidden/.venv").build();
    hidden.chmod("", 0o700);
    // Deeper than anybody keeps a project; made by descriptor, since no path is that long.
    let deep = "import os\nfor _ in range(4000):\n os.mkdir('d'); os.chdir('d')\n";
    ctx.program(Who::User, "/usr/bin/python3").args(["-c", deep]).current_dir(project.path()).run().success();
    project.write("odd\n\u{1b}[31m/file", "");
    ctx.program(Who::Root, "mkfifo").arg(project.path().join(".venv")).run().success();
    let report = project.venvkeep(["scan", "--json", "."]).run().code(1);
    let (found, summary) = scanned(&report);
    assert_eq!(found.len(), 2, "{report}");
    assert!(codes(&found[hidden.path()]).contains(&"unreadable"), "{report}");
    assert_eq!(summary["not_looked_into"]["count"], 3, "{report}");
    let text = project.venvkeep(["scan", "."]).run().code(1);
    text.stderr_has("3 places could not be looked into")
        .stderr_has("closed (permission denied)")
        .stderr_has("deeper than 128 directories");
    let removed = ctx.program(Who::Root, "rm").args(["-rf", "--"]).arg(project.path().join("d")).run();
    removed.success();
}

#[test]
fn other_file_systems_are_left_out_unless_asked_for() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let here = new_in(&project, "here/.venv");
    let (disk, proc) = (project.path().join("disk"), project.path().join("kernel"));
    for place in [&disk, &proc] {
        fs::create_dir(place).expect("root may");
    }
    let Some(_mounted) = Mount::temporary(&disk) else { return };
    let Some(_bound) = Mount::bind(Path::new("/proc"), &proc) else { return };
    let there = ctx.project_at(disk.join("project"), Who::User);
    let there = new_in(&there, ".venv");
    let report = project.venvkeep(["scan", "--json", "."]).run().success();
    let (found, summary) = scanned(&report);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), std::slice::from_ref(&here));
    assert_eq!(summary["other_file_systems"]["count"], 2, "{report}");
    let report = project.venvkeep(["scan", "--json", "--cross-device", "."]).run().success();
    let (found, summary) = scanned(&report);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [there, here], "{report}");
    assert_eq!(
        summary["other_file_systems"]["count"], 1,
        "what the kernel makes up is no place for projects"
    );
}

#[test]
fn what_venvkeep_keeps_is_a_note_of_the_live_one() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let healed = ctx.project_at(project.path().join("healed"), Who::User);
    let env = healed.venv_by_root(Maker::VenvWithoutPip).build();
    project.venvkeep(["heal", env.str()]).run().success();
    let removed = new_in(&project, "removed/.venv");
    project.venvkeep(["remove"]).arg(&removed).run().success();
    // As a heal without exchange leaves it that was cut off between its two renames.
    let cut = new_in(&project, "cut/.venv");
    fs::rename(&cut, cut.with_file_name(".venv.venvkeep-stage-00000000deadbeef")).expect("root may");
    project.write("cut/.venv.venvkeep-journal", "{}\n");
    let report = project.venvkeep(["scan", "--json", "."]).run().code(1);
    let (found, summary) = scanned(&report);
    assert_eq!(found.keys().collect::<Vec<_>>(), [&cut, env.path()], "{report}");
    assert_eq!(codes(&found[env.path()]), ["kept-environment"], "{report}");
    assert_eq!(codes(&found[&cut]), ["interrupted-heal"], "{report}");
    assert_eq!(summary["kept_without_environment"]["count"], 1, "{report}");
}

#[test]
fn a_tree_that_changes_meanwhile_is_no_failure() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let steady = new_in(&project, "steady/.venv");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !done.load(Ordering::Relaxed) {
                let place = project.path().join(format!("comes/and-goes-{}", round % 7));
                let copy = ctx.program(Who::User, "cp").arg("-a").arg(&steady).arg(place.join(".venv"));
                fs::create_dir_all(&place).expect("root may");
                rustix::fs::chown(&place, Some(rustix::fs::Uid::from_raw(12345)), None).expect("root may");
                // The other scan may be in it.
                let _ = copy.run();
                let _ = fs::rename(place.join(".venv"), place.join("venv"));
                let _ = fs::remove_dir_all(&place);
                round += 1;
            }
        });
        for _ in 0..25 {
            let report = project.venvkeep(["scan", "--json", "."]).run();
            assert!(matches!(report.status.code(), Some(0 | 1)), "{report}");
            let report = report.stderr_lacks("bug");
            assert!(scanned(&report).0.contains_key(&steady), "{report}");
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// With accounts of its own: a namespace in which other tables stand in the place of `/etc/passwd` and `/etc/group`, and
/// nothing in `/home`.
fn with_accounts(ctx: &Context, args: &[&str]) -> Output {
    with_homes(ctx, &ctx.home(Who::User), args)
}

/// The same, with another home for ana.
fn with_homes(ctx: &Context, anas: &Path, args: &[&str]) -> Output {
    let empty = ctx.project_at(ctx.area().join("no-homes"), Who::Root);
    with_other_homes(ctx, anas, empty.path(), args)
}

/// The same, with a directory for what else lies in /home.
pub(crate) fn with_other_homes(ctx: &Context, anas: &Path, others: &Path, args: &[&str]) -> Output {
    let ground = ctx.project_at(ctx.area().join("accounts"), Who::Root);
    let home = |who| ctx.home(who).display().to_string();
    let passwd = format!(
        "root:x:0:0::{}:/bin/sh\nana:x:12345:12345::{}:/bin/sh\nbob:x:12346:12346::{}:/bin/sh\n\
         daemon:x:1:1::/usr/sbin:/bin/false\n",
        home(Who::Root),
        anas.display(),
        home(Who::Other)
    );
    let passwd = ground.write("passwd", passwd);
    let group = ground.write("group", "root:x:0:\nana:x:12345:\nbob:x:12346:\n");
    let script = "mount --bind \"$1\" /etc/passwd && mount --bind \"$2\" /etc/group && \
        { [ ! -d /home ] || mount --bind \"$3\" /home; } && shift 3 && exec \"$@\"";
    let inside = ctx.program(Who::Root, "unshare").args(["--mount", "sh", "-c", script, "sh"]);
    let inside = inside.arg(passwd).arg(group).arg(others);
    inside.arg(ctx.venvkeep([""; 0]).program()).args(args).run()
}

#[test]
fn root_sees_each_users_environments_and_what_they_should_run() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (ana, bob) = (ctx.project("proj"), ctx.project_of(Who::Other, "proj"));
    let roots = ana.venv_by_root(Maker::VenvWithoutPip).build();
    let traps = ctx.traps("all-users");
    traps.set_startup_files(&roots);
    traps.set_programs(&roots.path().join("bin"), &["python", "python3"]);
    new_in(&bob, ".venv");
    // Made under a strict umask by root: root can read it, its user cannot.
    let second = ctx.project_at(bob.path().join("second"), Who::Other);
    let strict = second.venv_by_root(Maker::VenvWithoutPip).umask(0o077).build();
    // A user's link leads root nowhere.
    symlink("/root", bob.path().join("env")).expect("root may");
    fs::create_dir(bob.path().join("linked")).expect("root may");
    symlink(ana.path().join(".venv"), bob.path().join("linked/.venv")).expect("root may");
    let before = [fingerprint(ana.path()), fingerprint(bob.path())];
    let report = with_accounts(&ctx, &["scan", "--all-users", "--json"]).code(1);
    let (found, summary) = scanned(&report);
    let told: Vec<(&str, &str)> = found
        .values()
        .map(|one| (one["user"].as_str().unwrap_or_default(), one["status"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [("bob", "healthy"), ("bob", "broken"), ("ana", "broken")], "{report}");
    assert!(codes(&found[strict.path()]).contains(&"unreadable"), "on behalf of its user: {report}");
    // A link called `env` may be anything: it is not even named.
    assert_eq!(summary["leads_nowhere"]["count"], 1, "{report}");
    let text = with_accounts(&ctx, &["scan", "--all-users"]).code(1);
    text.stdout_has("ana should run, without sudo:  venvkeep heal --all");
    before.iter().for_each(venvkeep_testkit::Fingerprint::assert_unchanged);
    traps.assert_untouched();
    assert!(!ctx.home(Who::User).join(".local/state").exists(), "root writes nothing into a home");
    ctx.venvkeep(["scan", "--all-users"]).run().code(2).stderr_has("sudo venvkeep scan --all-users");
}

#[test]
fn on_a_terminal_lines_fit_and_the_home_is_a_tilde() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("src");
    new_in(&project, "short/.venv");
    let long = "customers/of the north/backend/services/authentication and billing/.venv";
    new_in(&project, long);
    let shown = |columns: &str, args: &[&str]| {
        let script = "stty rows 40 cols \"$1\" && shift && exec \"$@\"";
        let shell = ctx.program(Who::User, "sh").args(["-c", script, "sh", columns]);
        let scan = shell.arg(ctx.venvkeep([""; 0]).program()).arg("scan").args(args);
        let output = scan.run_typing(&[]);
        // Without colours, and without what progress wrote over itself.
        let plain: Vec<String> = output.stdout.split(['\r', '\n']).map(without_escapes).collect();
        (output.success(), plain)
    };
    let (narrow, lines) = shown("80", &[]);
    assert!(narrow.stdout.contains('\u{1b}'), "colours on a terminal: {narrow}");
    let of_environments: Vec<&String> = lines.iter().filter(|line| line.contains("~/src/")).collect();
    assert_eq!(of_environments.len(), 2, "{narrow}");
    assert!(of_environments.iter().all(|line| line.chars().count() <= 80), "{narrow}");
    assert!(of_environments.iter().any(|line| line.contains('…') && line.ends_with("/.venv")), "{narrow}");
    for (columns, args) in [("200", &[][..]), ("80", &["-v"])] {
        let (wide, lines) = shown(columns, args);
        assert!(lines.iter().any(|line| line.ends_with(&format!("~/src/{long}"))), "{wide}");
    }
}

pub(crate) fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = escape.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | '?'));
        rest = rest.get(1..).unwrap_or_default();
    }
    plain + rest
}

/// With few open files or threads it finds less or says that it could not look; it never finds what is not there.
#[test]
fn want_of_descriptors_or_threads_is_no_finding() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let envs: Vec<PathBuf> = (0..6)
        .map(|number| {
            let env = project.venv_by_owner(Maker::VenvWithoutPip).at(format!("p{number}/.venv"));
            env.packages(["pure-one"]).build().path().components().collect()
        })
        .collect();
    let limited = |limit: String| {
        let scan = ctx.program(Who::User, "prlimit").arg(limit).arg(ctx.venvkeep([""; 0]).program());
        scan.args(["scan", "--json"]).arg(project.path()).run()
    };
    for files in [16, 24, 32, 48, 64, 128] {
        let report = limited(format!("--nofile={files}:{files}"));
        let (found, summary) = scanned(&report);
        assert!(found.values().all(|one| one["status"] == "healthy"), "{files} files: {report}");
        let refused = summary["not_looked_into"]["count"].as_u64().unwrap_or_default();
        assert!(found.len() == envs.len() || refused > 0, "{files} files: {report}");
    }
    for threads in [2, 3, 5, 9] {
        // Other tests run as the same user and count too: it may fail, and must not hang.
        let report = limited(format!("--nproc={threads}:{threads}"));
        if report.status.success() {
            assert_eq!(scanned(&report).0.len(), envs.len(), "{threads} threads: {report}");
        }
    }
    // A soft limit alone is no hindrance.
    let report = limited("--nofile=24:4096".to_owned()).success();
    assert_eq!(scanned(&report).0.len(), envs.len(), "{report}");
}

#[test]
fn each_environment_is_found_once_and_a_kept_tree_in_another_is_none() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    let outer = new_in(&project, "outer/.venv");
    let inner = new_in(&project, "outer/.venv/src/inner/.venv");
    fs::create_dir(project.path().join("linked")).expect("root may");
    symlink("../outer/.venv/src/inner/.venv", project.path().join("linked/.venv")).expect("root may");
    ctx.program(Who::Root, "chown")
        .args(["-hR", "12345:12345"])
        .arg(project.path().join("linked"))
        .run()
        .success();
    project.venvkeep(["heal", "--force"]).arg(&inner).run().success();
    let report = project.venvkeep(["scan", "--json", "."]).run().success();
    let (found, summary) = scanned(&report);
    assert_eq!(found.keys().collect::<Vec<_>>(), [&outer, &inner], "{report}");
    assert_eq!(summary["found"], 2, "{report}");
    // Both broken: the inner one first, then the outer one, which carries it along.
    for env in [&outer, &inner] {
        fs::remove_file(env.join("pyvenv.cfg")).expect("root may");
    }
    fs::create_dir_all(outer.join("bin")).expect("it is there");
    project.venvkeep(["heal", "--all", "."]).run().success().stdout_has("2 healed");
    let report = project.venvkeep(["scan", "--json", "."]).run().success();
    assert_eq!(scanned(&report).0.len(), 2, "{report}");
}

#[test]
fn what_only_a_link_leads_to_is_not_healed_with_all() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (inside, outside) = (ctx.project("inside"), ctx.project("outside"));
    let far = new_in(&outside, "far/.venv");
    fs::remove_file(far.join("pyvenv.cfg")).expect("root may");
    let link = inside.path().join(".venv");
    symlink(&far, &link).expect("root may");
    ctx.program(Who::Root, "chown").args(["-h", "12345:12345"]).arg(&link).run().success();
    let report = inside.venvkeep(["heal", "--all", "."]).run().code(1);
    report.stdout_has("outside of what was searched").stdout_has(&format!("venvkeep heal {}", far.display()));
    assert!(!far.join("pyvenv.cfg").exists());
}

#[test]
fn nobody_who_reads_is_a_reason_to_stop_and_trusted_owners_are_root_s_equals() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("home");
    for number in 0..3 {
        new_in(&project, &format!("p{number}/.venv"));
    }
    let head = ctx.program(Who::User, "sh").args(["-c", "\"$@\" | head -n 1", "sh"]);
    let head = head.arg(ctx.venvkeep([""; 0]).program()).args(["scan", "--json"]).arg(project.path()).run();
    assert_eq!(head.success().stdout.lines().count(), 1);
    // An account that is trusted like root: its environment is healed without another word. `daemon` is in every table.
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let foreign = project.venv_by_owner(Maker::VenvWithoutPip).at("foreign/.venv").build();
    ctx.program(Who::Root, "chown").args(["-R", "1:1"]).arg(foreign.path()).run().success();
    project.venvkeep(["heal", foreign.str()]).run().code(4);
    home.write(".config/venvkeep/config.toml", "trusted-owners = [\"daemon\", \"no-such-account-here\"]\n");
    project.venvkeep(["scan", "."]).run().code(1).stderr_has("no-such-account-here");
    project.venvkeep(["heal", foreign.str()]).run().success();
    // A number will do.
    home.write(".config/venvkeep/config.toml", "trusted-owners = [\"1\"]\n");
    project.venvkeep(["check", foreign.str()]).run().success().stderr_lacks("note:");
}

#[test]
fn root_goes_nowhere_in_a_users_home_that_the_user_could_not_go() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ana = ctx.project("swapped");
    let mine = new_in(&ana, "real/.venv");
    // Root's own, closed to everybody.
    let private = ctx.project_at(ctx.area().join("private"), Who::Root);
    private.venv_by_owner(Maker::VenvWithoutPip).at("real/.venv").build();
    fs::write(private.path().join("real/.venv/secret-name"), "").expect("root may");
    fs::set_permissions(private.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("root may");
    symlink(private.path().join("real"), ana.path().join("other")).expect("root may");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (real, other) = (ana.path().join("real"), ana.path().join("other"));
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(rustix::fs::CWD, &real, rustix::fs::CWD, &other, exchange)
                    .expect("both are there");
            }
        });
        for _ in 0..30 {
            let report = with_accounts(&ctx, &["scan", "--all-users", "--json"]);
            report.stdout_lacks("secret-name");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(mine.exists() || ana.path().join("other/.venv").exists());
}

#[test]
fn a_home_inside_of_another_is_its_own_users() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let inside = ctx.project_at(ctx.home(Who::Other).join("ana"), Who::User);
    fs::set_permissions(ctx.home(Who::Other), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("root may");
    let env = new_in(&inside, "proj/.venv");
    let report = with_homes(&ctx, inside.path(), &["scan", "--all-users", "--json"]).success();
    let (found, _) = scanned(&report);
    assert_eq!(found.keys().collect::<Vec<_>>(), [&env], "{report}");
    assert_eq!(found[&env]["user"], "ana", "{report}");
    assert_eq!(found[&env]["status"], "healthy", "{report}");
}
