//! Environments made to hurt: nothing outside of them is read or written, nothing in them is started, and every
//! command comes to an end within bounds. (`trust.rs` has the traps that need no more than a look at them.)

mod daily;

use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use venvkeep_testkit::{
    Context, Environment, Invocation, Maker, Need, Output, Project, Who, fingerprint, owners, require,
};

use crate::VENVKEEP;
use crate::support::kept_tree;

/// What hangs on a pipe or reads a device to its end is killed long before this, and fails its test.
const PATIENCE: Duration = Duration::from_secs(300);

/// What no command may show, and no new environment hold.
const SECRET: &str = "s3cr3t-of-somebody-else";

/// Every command that only looks.
const LOOKS: [&[&str]; 5] =
    [&["check"], &["check", "--deep"], &["freeze"], &["freeze", "--all"], &["heal", "--dry-run"]];

/// A distribution by hand: metadata, and whatever RECORD is to say.
fn distribution(env: &Environment<'_>, name: &str, record: &str) -> PathBuf {
    let info = env.site_packages().join(format!("{name}-1.0.dist-info"));
    fs::create_dir(&info).expect("root may");
    fs::write(info.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"))
        .expect("root may");
    fs::write(info.join("INSTALLER"), "pip\n").expect("root may");
    fs::write(info.join("RECORD"), format!("{record}{name}-1.0.dist-info/RECORD,,\n")).expect("root may");
    info
}

fn special(path: &Path, kind: FileType) {
    let device = if kind == FileType::CharacterDevice { makedev(1, 5) } else { 0 };
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), device).expect("root may");
}

fn ended(command: &Invocation) -> Output {
    let output = command.clone().time_limit(PATIENCE).run();
    assert!(output.status.code().is_some_and(|code| code <= 4), "{output}");
    output
}

/// Looks with every command, then heals; the outcome of the heal.
fn look_and_heal(project: &Project<'_>) -> Output {
    for args in LOOKS {
        let output = ended(&project.venvkeep(args));
        output.stdout_lacks(SECRET).stderr_lacks(SECRET);
    }
    ended(&project.venvkeep(["heal"])).stdout_lacks(SECRET).stderr_lacks(SECRET)
}

fn contains(tree: &Path, text: &str) -> bool {
    let entries = fs::read_dir(tree).expect("root may").map(|entry| entry.expect("root may").path());
    entries.into_iter().any(|path| {
        let facts = fs::symlink_metadata(&path).expect("root may");
        (facts.is_dir() && contains(&path, text))
            || (facts.is_file()
                && fs::read(&path).expect("root may").windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

#[test]
fn rows_and_commands_that_lead_outside_touch_nothing_there() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let outside = ctx.project("outside");
    let secret = outside.write("secret.txt", SECRET);
    let before = fingerprint(outside.path());
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let rows = format!(
        "../../../../../outside/secret.txt,,\n{0},,{1}\n{0},,\n/etc/shadow,,\n/dev/zero,,\n../../../../.venv/bin/x,,\n\
         ../../../../../../../../../../../../etc/passwd,,\n..,,\n.,,\n/,,\n\"{0}/..\",,\n",
        secret.display(),
        SECRET.len()
    );
    let info = distribution(&env, "evil", &rows);
    let commands = "[console_scripts]\n../../../outside/made = os:getcwd\n/tmp/made = os:getcwd\n.. = os:getcwd\n\
                    python3 = os:getcwd\npython3.11 = os:getcwd\nfine = os:getcwd\n";
    fs::write(info.join("entry_points.txt"), commands).unwrap();
    look_and_heal(&project);
    ended(&project.venvkeep(["heal", "--skip", "evil"])).code(4);
    ended(&project.venvkeep(["undo"])).success();
    ended(&project.venvkeep(["prune"]));
    before.assert_unchanged();
    assert!(env.bin("python3").is_symlink() && !Path::new("/tmp/made").exists());
}

#[test]
fn links_are_not_followed_out_of_the_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let outside = ctx.project("outside");
    let secret = outside.write("secret.txt", format!("Name: {SECRET}\nVersion: 1\nhome = {SECRET}\n"));
    outside.write("secret.dist-info/METADATA", format!("Name: {SECRET}\nVersion: 1\n"));
    let before = fingerprint(outside.path());
    let targets: [(&str, &Path); 6] = [
        ("secret", &secret),
        ("shadow", Path::new("/etc/shadow")),
        ("above", Path::new("../../../../..")),
        ("root", Path::new("/")),
        ("circle", Path::new("circle")),
        ("nowhere", Path::new("/nowhere/at/all")),
    ];
    let places =
        ["pyvenv.cfg", "METADATA", "RECORD", "direct_url.json", "lib", "bin", "dist-info", "activate"];
    for (turn, replaced) in places.into_iter().enumerate() {
        for (name, target) in [targets[0], targets[1 + turn % 5]] {
            let project = ctx.project(&format!("{replaced}-{name}"));
            let env = project.venv_by_root(Maker::VenvWithoutPip).build();
            let info = distribution(&env, "evil", "");
            let path = match replaced {
                "pyvenv.cfg" | "lib" | "bin" => env.path().join(replaced),
                "dist-info" => env.site_packages().join("x-1.0.dist-info"),
                "activate" => env.path().join("bin/activate"),
                file => info.join(file),
            };
            if path.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
                fs::remove_dir_all(&path).unwrap();
            } else if path.exists() {
                fs::remove_file(&path).unwrap();
            }
            symlink(target, &path).unwrap();
            if ended(&project.venvkeep(["check"])).status.code() == Some(2) {
                continue;
            }
            for args in [&["freeze", "--all"][..], &["heal", "--skip", "evil"]] {
                ended(&project.venvkeep(args)).stdout_lacks(SECRET).stderr_lacks(SECRET);
            }
            assert!(!contains(env.path(), SECRET), "{replaced} {name}");
        }
    }
    before.assert_unchanged();
}

#[test]
fn the_links_that_a_user_put_in_are_carried_as_links() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("strace")]) {
        return;
    }
    let secret = ctx.project("outside").write("secret.txt", SECRET);
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let data = env.path().join("data");
    fs::create_dir(&data).unwrap();
    for (name, target) in
        [("secret", secret.as_path()), ("up", Path::new("..")), ("circle", Path::new("circle"))]
    {
        symlink(target, data.join(name)).unwrap();
    }
    let log = project.write("trace.log", "");
    let program = ctx.venvkeep(["heal"]).to_string();
    let program = program.strip_prefix("User: ").unwrap().strip_suffix(" heal").unwrap();
    let trace = ctx.program(Who::User, "strace").args(["-f", "-qq", "-e", "trace=%file,%desc", "-o"]);
    trace.arg(&log).args([program, "heal"]).current_dir(project.path()).run().success();
    for (name, target) in [("secret", secret.to_str().unwrap()), ("up", ".."), ("circle", "circle")] {
        assert_eq!(fs::read_link(data.join(name)).unwrap(), Path::new(target));
    }
    let opened = |line: &&str| line.contains("open") && line.contains("secret.txt");
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("openat"), "strace saw something");
    assert_eq!(log.lines().filter(opened).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn pipes_sockets_and_devices_are_passed_by() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let kinds =
        [("fifo", FileType::Fifo), ("device", FileType::CharacterDevice), ("socket", FileType::Socket)];
    for (name, kind) in kinds {
        for replaced in
            ["pyvenv.cfg", "pip.conf", "bin/activate", "bin/python", "bin/tool", "METADATA", "RECORD"]
        {
            let project = ctx.project(&format!("{name}-{}", replaced.replace('/', "-")));
            let env = project.venv_by_root(Maker::VenvWithoutPip).build();
            let info = distribution(&env, "odd", "");
            let path = if replaced.ends_with(char::is_uppercase) {
                info.join(replaced)
            } else {
                env.path().join(replaced)
            };
            if path.symlink_metadata().is_ok() {
                fs::remove_file(&path).unwrap();
            }
            special(&path, kind);
            ended(&project.venvkeep(["check", "--deep"]));
            ended(&project.venvkeep(["freeze", "--all"]));
            let heal = ended(&project.venvkeep(["heal", "--force", "--skip", "odd"]));
            assert_eq!(
                owners(env.path()).into_iter().collect::<Vec<_>>(),
                [Who::User.uid()],
                "{replaced}: {heal}"
            );
            ended(&project.venvkeep(["undo"])).success();
        }
    }
}

#[test]
fn an_interpreter_that_somebody_else_offers_is_not_started() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let attacker = ctx.project_of(Who::Other, "base");
    fs::set_permissions(ctx.home(Who::Other), fs::Permissions::from_mode(0o755)).unwrap();
    attacker.write("bin/.keep", "");
    let traps = ctx.traps("base");
    let bin = attacker.path().join("bin");
    traps.set_programs(&bin, &["python", "python3", "python3.11", "uv", "git"]);
    ctx.program(Who::Root, "chown").args(["-R", "12346:12346"]).arg(&bin).run().success();
    for (name, in_path) in [("named", false), ("and-first-in-path", true)] {
        let project = ctx.project(name);
        let env = project.venv_by_root(Maker::VenvWithoutPip).build();
        let config = format!("home = {0}\nexecutable = {0}/python3\nversion = 3.11.2\n", bin.display());
        fs::write(env.path().join("pyvenv.cfg"), config).unwrap();
        for link in ["python", "python3"] {
            let link = env.path().join("bin").join(link);
            fs::remove_file(&link).unwrap();
            symlink(bin.join("python3"), &link).unwrap();
        }
        for args in LOOKS.into_iter().chain([&["heal"][..]]) {
            let command = project.venvkeep(args);
            ended(&if in_path { command.path_first(&bin) } else { command });
            traps.assert_untouched();
        }
        let python = fs::canonicalize(env.bin("python")).unwrap();
        assert!(python.starts_with("/usr/bin"), "{}", python.display());
    }
}

#[test]
fn pip_is_not_led_astray_by_the_environments_pip_conf() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let traps = ctx.traps("conf");
    let elsewhere = ctx.project("elsewhere");
    elsewhere.write("bin/.keep", "");
    traps.set_programs(&elsewhere.path().join("bin"), &["python3"]);
    let trap = elsewhere.path().join("bin/python3");
    // Python ends a line at a carriage return too.
    for (number, end) in ["\n", "\r", "\n[install]\n"].into_iter().enumerate() {
        let project = ctx.project(&format!("proj{number}"));
        let env = project.venv_by_root(Maker::Venv).build().umask(0o077);
        env.install(["pure-one"]);
        let conf = format!("[global]\nproxy = http://127.0.0.1:9{end}python = {}\n", trap.display());
        fs::write(env.path().join("pip.conf"), conf).unwrap();
        ended(&project.venvkeep(["heal"]).wheels_only(ctx.wheels()));
        traps.assert_untouched();
    }
}

/// As much address space as a look at the largest of the environments below may take: an environment with a hundred
/// thousand files needs a tenth of it.
const MEMORY_KIB: u32 = 1024 * 1024;

#[test]
fn what_has_no_end_is_read_within_bounds() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let huge = distribution(&env, "huge", "");
    fs::File::options().write(true).open(huge.join("METADATA")).unwrap().set_len(1 << 30).unwrap();
    for name in ["direct_url.json", "entry_points.txt"] {
        fs::File::create(huge.join(name)).unwrap().set_len(1 << 30).unwrap();
    }
    for name in ["pyvenv.cfg", "pip.conf", "bin/activate"] {
        let file = fs::File::options().append(true).create(true).open(env.path().join(name)).unwrap();
        file.set_len(1 << 30).unwrap();
    }
    let mut rows = String::new();
    // Just below the 12 MiB that are read.
    for number in 0..400_000 {
        writeln!(rows, "package/module_{number}.py,,").unwrap();
    }
    distribution(&env, "many", &rows);
    let deeper = "import os\nfor _ in range(4000):\n    os.mkdir('d')\n    os.chdir('d')\n";
    ctx.program(Who::Root, "python3").args(["-c", deeper]).current_dir(env.site_packages()).run().success();
    for args in LOOKS.into_iter().chain([&["heal", "--skip", "huge", "--skip", "many"][..]]) {
        ended(&project.venvkeep(args).memory(MEMORY_KIB));
    }
    let frozen = ended(&project.venvkeep(["freeze"]).memory(MEMORY_KIB)).success();
    assert!(frozen.stdout.is_empty(), "what was skipped is not in the new one: {frozen}");
    let kept = kept_tree(project.path());
    let pruned = ended(&project.venvkeep(["prune"]).memory(MEMORY_KIB));
    let name = kept.file_name().unwrap().to_str().unwrap();
    assert!(!kept.exists() || pruned.to_string().contains(name), "what stays is named: {pruned}");
    // Deeper than a path can name: the test's own directory must be removed with care.
    ctx.program(Who::Root, "rm").arg("-rf").arg(project.path()).run().success();
}

/// What a terminal would obey or be deceived by.
const EVIL: &str = "e\u{1b}[2J\u{1b}]0;x\u{7}\r\u{202e}\u{2066}v\u{9b}31m\nil";

fn deceives(character: char) -> bool {
    let bidirectional = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    bidirectional || (character.is_control() && character != '\n')
}

/// Fills it with names, metadata and settings that a terminal would obey; `line` is what they have in common.
fn write_evil_everywhere(env: &Environment<'_>, line: &str) {
    let site = env.site_packages();
    let info = distribution(env, "evil", &format!("{line}.py,,\n\"{EVIL}.py\",sha256=x,\n"));
    let metadata = format!(
        "Name: evil\nVersion: 1.0{line}\nRequires-Dist: {line}\nRequires-Python: {line}\nRequires-Dist: gone{line}>1\n"
    );
    fs::write(info.join("METADATA"), metadata).expect("root may");
    fs::write(info.join("INSTALLER"), EVIL).expect("root may");
    fs::write(info.join("entry_points.txt"), format!("[console_scripts]\n{line} = {line}:{line}\n"))
        .expect("root may");
    let url = serde_json::json!({ "url": format!("file:///{EVIL}"), "dir_info": { "editable": true } });
    fs::write(info.join("direct_url.json"), url.to_string()).expect("root may");
    let config = format!(
        "home = /nowhere/{line}\nversion = {line}\nexecutable = /{line}\nprompt = {line}\nuv = {line}\n"
    );
    fs::write(env.path().join("pyvenv.cfg"), config).expect("root may");
    fs::write(env.path().join("bin").join(EVIL), format!("#!/gone/{line}/bin/python3\n")).expect("root may");
    fs::set_permissions(env.path().join("bin").join(EVIL), fs::Permissions::from_mode(0o755))
        .expect("root may");
    for name in
        [format!("{EVIL}.txt"), format!("{EVIL}.pth"), format!("{EVIL}.py"), format!("~{EVIL}-1.0.dist-info")]
    {
        fs::write(site.join(name), format!("{EVIL}\n")).expect("root may");
    }
    fs::create_dir(site.join(format!("{EVIL}-1.0.dist-info"))).expect("root may");
    fs::write(
        site.join(format!("{EVIL}-1.0.dist-info/METADATA")),
        format!("Name: {line}\nVersion: {line}\n"),
    )
    .expect("root may");
    fs::write(site.join(format!("{EVIL}.egg-link")), format!("/nowhere/{line}\n")).expect("root may");
    fs::write(site.join(std::ffi::OsStr::from_bytes(b"inv\xffalid\x1b[31m.txt")), "x").expect("root may");
    special(&env.path().join(format!("pipe{EVIL}")), FileType::Fifo);
    symlink(format!("/nowhere/{EVIL}"), env.path().join(format!("link{EVIL}"))).expect("root may");
}

#[test]
fn nothing_that_is_printed_commands_the_terminal() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project("home");
    let parent = home.path().join(EVIL.replace('\n', ""));
    let project = ctx.project_at(&parent, Who::User);
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let line = EVIL.replace(['\n', '\r'], "");
    write_evil_everywhere(&env, &line);
    fs::write(project.path().join(format!(".venv.venvkeep-old-{EVIL}")), "").unwrap();
    let commands: [&[&str]; 16] = [
        &["check"],
        &["check", "-v"],
        &["check", "--deep"],
        &["check", "--json"],
        &["freeze"],
        &["freeze", "--all"],
        &["freeze", &line],
        &["check", &line],
        &["heal", "--dry-run"],
        &["heal", "--json", "--dry-run"],
        &["heal", "-r", &line],
        &["heal", "-p", &line],
        &["heal", "-v"],
        &["heal", "-v", "--skip", "evil"],
        &["undo"],
        &["prune"],
    ];
    for args in commands {
        let output = ended(&project.venvkeep(args));
        for (stream, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            assert_eq!(text.chars().find(|&c| deceives(c)), None, "on {stream} of {args:?}: {text:?}");
        }
        if args.contains(&"--json") {
            output.stdout_json();
        }
    }
    let output = ended(&project.venvkeep(["new", &line]));
    assert!(!(output.stdout + &output.stderr).contains(deceives));
}

#[test]
fn another_name_of_the_users_own_file_stays_as_it_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let outside = ctx.project("outside");
    let project = ctx.project("proj");
    let env = project.venv_by_root(Maker::VenvWithoutPip).build();
    let info = distribution(&env, "linked", "");
    let site = env.site_packages();
    let places = [
        ("notes", site.join("notes.txt")),
        ("module", site.join("module.py")),
        ("tool", env.path().join("bin/tool")),
        ("record", info.join("RECORD.bak")),
        ("conf", env.path().join("pip.conf")),
    ];
    for (name, place) in &places {
        let file = outside.write(name, format!("#!{}/bin/python\n{name}\n", env.path().display()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o4751)).unwrap();
        fs::hard_link(&file, place).unwrap();
    }
    let before = fingerprint(outside.path());
    ended(&project.venvkeep(["heal", "--skip", "linked"])).code(4);
    before.assert_unchanged();
    fs::write(site.join("notes.txt"), "changed in the new one").unwrap();
    before.assert_unchanged();
    ended(&project.venvkeep(["undo"])).success();
    ended(&project.venvkeep(["prune"]));
    before.assert_unchanged();
}

#[test]
fn a_file_that_many_record_is_read_once() {
    if !require(&[Need::Program("strace")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    project.write(".venv/shared.bin", "what all of them record");
    let sum = ctx.program(Who::User, "python3").current_dir(env.path()).args([
        "-c",
        "import base64, hashlib; print(base64.urlsafe_b64encode(hashlib.sha256(open('shared.bin','rb').read()).digest()).decode().rstrip('='))",
    ]);
    let sum = sum.run().success().stdout.trim().to_owned();
    for number in 0..20 {
        distribution(&env, &format!("honest{number}"), &format!("../../../shared.bin,sha256={sum},\n"));
    }
    let other = "A".repeat(sum.len());
    distribution(&env, "other", &format!("../../../shared.bin,sha256={other},\n"));
    env.chown("", Who::User);
    let trace = ctx.home(Who::User).join("trace");
    let check = project.venvkeep(["check", "--deep", "--json"]);
    let strace =
        ctx.program(Who::User, "strace").args(["--follow-forks", "-e", "trace=open,openat,openat2", "-o"]);
    let report = strace.arg(&trace).args(check.words()).current_dir(project.path()).run().code(1);
    let trace = fs::read_to_string(trace).expect("strace wrote it");
    assert_eq!(trace.lines().filter(|line| line.contains("shared.bin")).count(), 1, "{trace}");
    let findings = report.stdout_json()["environments"][0]["findings"].to_string();
    assert!(findings.contains("files-altered") && findings.contains("other"), "{findings}");
    assert!(!findings.contains("honest"), "only one of them records something else: {findings}");
}
