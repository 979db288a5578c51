//! `doctor --repair`: what it opens and takes back, that it is exactly that, and `--undo`.

mod everybodys;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Invocation, Need, Who, fingerprint, modes, require};

use crate::VENVKEEP;
use crate::doctor::{doctor, install_for_everybody, with_code, with_mounts};

/// What changed between two looks.
fn changed(before: &BTreeMap<PathBuf, u32>, after: &BTreeMap<PathBuf, u32>) -> Vec<PathBuf> {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "nothing comes or goes");
    before.iter().filter(|(path, mode)| after[*path] != **mode).map(|(path, _)| path.clone()).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("root may");
}

fn paths(told: &Value, list: &str) -> Vec<String> {
    let list = told[list].as_array().expect("a list");
    list.iter().map(|one| one["path"].as_str().expect("a path").to_owned()).collect()
}

/// `doctor --repair` of root's, as they would type it after `sudo -H`.
fn repair(ctx: &Context, more: &[&str]) -> Invocation {
    ctx.venvkeep(["doctor", "--repair", "--json"].iter().chain(more))
}

fn importing(ctx: &Context, site: &str) -> Invocation {
    let code = format!(
        "import sys; sys.path.append('{site}'); import pure_one; print(open(pure_one.__file__).read() and 'readable')"
    );
    ctx.program(Who::User, "/usr/bin/python3").args(["-I", "-S", "-c", &code])
}

#[test]
fn root_opens_what_distributions_record_and_nothing_else_and_takes_it_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let local = ground.path().join("lib");
    let site = local.join("python3.11/dist-packages");
    fs::create_dir_all(&site).expect("root may");
    install_for_everybody(&ctx, &site, 0o027);
    // pip makes a new directory under the umask too.
    set_mode(&site, 0o750);
    // What is nobody's business: a secret beside the package, and rows that lead to it, out of the site, and through a link.
    let secret = ground.path().join("lib/python3.11/secret");
    fs::write(&secret, "s").expect("root may");
    let beside = site.join("notes.txt");
    fs::write(&beside, "n").expect("root may");
    let shared = site.join("pure_one/shared.py");
    fs::write(&shared, "x").expect("root may");
    fs::hard_link(&shared, ground.path().join("another-name")).expect("root may");
    symlink(&secret, site.join("pure_one/led.py")).expect("root may");
    for path in [&secret, &beside, &shared] {
        set_mode(path, 0o600);
    }
    let record = site.join("pure_one-1.0.dist-info/RECORD");
    let rows = fs::read_to_string(&record).expect("it is there");
    let more = "../secret,,\n/etc/shadow,,\npure_one/shared.py,,\npure_one/led.py,,\npure_one/gone.py,,\n";
    fs::write(&record, rows + more).expect("root may");

    let mounts = [(local.as_path(), "/usr/local/lib")];
    let (there, import) = ("/usr/local/lib/python3.11/dist-packages", "pure_one");
    let importing = importing(&ctx, there);
    assert!(!with_mounts(&ctx, Who::User, &mounts, &importing).status.success(), "{import} is closed");
    let found = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).code(1).stdout_json();
    let finding = with_code(&found, "packages-unreadable");
    assert!(finding[0]["remedies"].to_string().contains("doctor --repair"), "{found:#}");
    // Whoever is not root may not, and nothing is done.
    let (before, whole) = (modes(ground.path()), fingerprint(ground.path()));
    let mine = with_mounts(&ctx, Who::User, &mounts, &repair(&ctx, &[])).success().stdout_json();
    assert!(paths(&mine, "steps").is_empty(), "{mine:#}");
    let planned = with_mounts(&ctx, Who::Root, &mounts, &repair(&ctx, &["--dry-run"])).code(4).stdout_json();
    whole.assert_unchanged();

    let told = with_mounts(&ctx, Who::Root, &mounts, &repair(&ctx, &[])).code(4).stdout_json();
    let repaired = modes(ground.path());
    let real = |path: &String| local.join(Path::new(path).strip_prefix("/usr/local/lib").expect("there"));
    let mut steps: Vec<PathBuf> = paths(&told, "steps").iter().map(real).collect();
    steps.sort();
    assert_eq!(paths(&told, "steps"), paths(&planned, "steps"), "it does what the plan says");
    assert_eq!(steps, changed(&before, &repaired), "exactly what was named: {told:#}");
    assert!(steps.contains(&site.join("pure_one/__init__.py")) && steps.contains(&site), "{told:#}");
    for closed in [&secret, &beside, &shared] {
        assert_eq!(repaired[closed], 0o600, "{}", closed.display());
    }
    let left = ["notes.txt", "pure_one/shared.py"].map(|name| format!("{there}/{name}"));
    assert_eq!(paths(&told, "left"), left, "{told:#}");
    with_mounts(&ctx, Who::User, &mounts, &importing).success().stdout_has("readable");
    // A file that changed since stays; the rest is as it was.
    let metadata = site.join("pure_one-1.0.dist-info/METADATA");
    let other = fs::read_to_string(&metadata).expect("it is there") + "Keywords: changed\n";
    fs::write(&metadata, other).expect("root may");
    let back = with_mounts(&ctx, Who::Root, &mounts, &repair(&ctx, &["--undo"])).code(4).stdout_json();
    assert_eq!(paths(&back, "left"), [format!("{there}/pure_one-1.0.dist-info/METADATA")], "{back:#}");
    assert_eq!(changed(&before, &modes(ground.path())), [metadata], "{back:#}");
    assert!(!with_mounts(&ctx, Who::User, &mounts, &importing).status.success(), "closed as before");
}

#[test]
fn what_ports_installed_for_wheel_alone_is_opened_likewise() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let opt = ground.path().join("opt");
    let inside = "local/Library/Frameworks/Python.framework/Versions/3.11/lib/python3.11/site-packages";
    let site = opt.join(inside);
    fs::create_dir_all(&site).expect("root may");
    install_for_everybody(&ctx, &site, 0o022);
    for (path, _) in modes(&site) {
        set_mode(&path, if path.is_dir() { 0o750 } else { 0o640 });
    }
    let before = fingerprint(ground.path());
    let mounts = [(opt.as_path(), "/opt")];
    let importing = importing(&ctx, &format!("/opt/{inside}"));
    assert!(!with_mounts(&ctx, Who::User, &mounts, &importing).status.success(), "it is closed");
    let text = ctx.venvkeep(["doctor", "--repair"]);
    with_mounts(&ctx, Who::Root, &mounts, &text).success().stdout_has("0640 -> 0644").stdout_has("--undo");
    with_mounts(&ctx, Who::User, &mounts, &importing).success().stdout_has("readable");
    with_mounts(&ctx, Who::Root, &mounts, &repair(&ctx, &["--undo"])).success();
    before.assert_unchanged();
    with_mounts(&ctx, Who::Root, &mounts, &repair(&ctx, &["--undo"])).code(2).stderr_has("no repair");
}

#[test]
fn a_user_takes_back_caches_and_what_lies_in_their_home() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let roots = |below: &str| {
        ctx.program(Who::Root, "chown").args(["-R", "0:0"]).arg(home.path().join(below)).run().success();
    };
    home.write(".cache/pip/http-v2/a", "x");
    home.write(".local/bin/tool", "#!/bin/sh\n");
    let module = home.write(".local/lib/python3.11/site-packages/mine.py", "VALUE = 1\n");
    symlink("mine.py", module.with_file_name("link.py")).expect("root may");
    let closed = home.write(".cache/uv/closed", "x");
    let twice = home.write(".cache/uv/twice", "x");
    fs::hard_link(&twice, home.path().join("elsewhere")).expect("root may");
    set_mode(&closed, 0o200);
    set_mode(&twice, 0o200);
    roots(".cache/pip");
    roots(".local/lib");
    let before = fingerprint(home.path());
    let planned = repair(&ctx, &["--dry-run"]).run().code(4).stdout_json();
    assert_eq!(planned["outcome"], "planned");
    let text = ctx.venvkeep(["doctor", "--repair", "--dry-run"]).run().code(4);
    let text = text.stdout_has("3 entries to repair:");
    assert_eq!(text.stdout.matches("Left as it is:").count(), 1, "{text}");
    before.assert_unchanged();

    let told = repair(&ctx, &[]).run().code(4).stdout_json();
    let in_home = |below: &str| home.path().join(below).to_string_lossy().into_owned();
    assert_eq!(
        paths(&told, "steps"),
        [".cache/pip", ".cache/uv/closed", ".local/lib"].map(in_home),
        "{told:#}"
    );
    assert_eq!(paths(&told, "left"), [in_home(".cache/uv/twice")], "{told:#}");
    assert_eq!(fs::read_dir(home.path().join(".cache/pip")).expect("it is there").count(), 0);
    assert_eq!(fs::read_to_string(&module).expect("a copy"), "VALUE = 1\n");
    assert_eq!(fs::read_link(module.with_file_name("link.py")).expect("a link"), Path::new("mine.py"));
    let owner = Who::User.uid();
    assert_eq!(fs::metadata(&module).expect("a copy").uid(), owner);
    assert_eq!(fs::metadata(home.path().join(".cache/pip")).expect("a new one").uid(), owner);
    let left = doctor(&ctx).run().stdout_json();
    assert!(with_code(&left, "own-foreign").is_empty(), "{left:#}");
    let back = repair(&ctx, &["--undo"]).run().success().stdout_json();
    // The copy is named; the cache that nothing was put into is gone.
    let newer = back["newer"].as_array().expect("a list");
    assert_eq!(newer.len(), 1, "{back:#}");
    assert!(Path::new(newer[0].as_str().expect("a path")).join("python3.11").is_dir(), "{back:#}");
    for (below, uid) in [(".cache/pip/http-v2/a", 0), (".local/lib/python3.11/site-packages/mine.py", 0)] {
        assert_eq!(fs::metadata(home.path().join(below)).expect("the old one").uid(), uid, "{below}");
    }
    assert_eq!(fs::metadata(&closed).expect("it is there").mode() & 0o777, 0o200);
}

#[test]
fn what_cannot_be_copied_whole_stays() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let secret = home.write(".local/lib/python3.11/site-packages/secret.py", "x");
    ctx.program(Who::Root, "chown").args(["-R", "0:0"]).arg(home.path().join(".local/lib")).run().success();
    set_mode(&secret, 0o600);
    let before = fingerprint(home.path());
    let told = repair(&ctx, &[]).run().code(4).stdout_json();
    assert!(told["left"].to_string().contains("would lose"), "{told:#}");
    before.assert_unchanged();
    // Programs of a stranger are not made the user's.
    let (stranger, lib) = (Who::Other.uid(), home.path().join(".local/lib"));
    set_mode(&secret, 0o644);
    ctx.program(Who::Root, "chown").args(["-R", &format!("{stranger}:{stranger}")]).arg(lib).run().success();
    let told = repair(&ctx, &[]).run().code(4).stdout_json();
    assert!(told["left"].to_string().contains("neither yours nor root's"), "{told:#}");
}

/// As it happens: a hardened user's umask goes through sudo, which only ever adds to it, into what root's pip installs.
#[test]
fn the_story_with_sudo() {
    if !require(&[Need::Program("sudo")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let (uid, home) = (Who::User.uid(), ctx.home(Who::User));
    let local = ground.path().join("local");
    fs::create_dir(&local).expect("root may");
    let account = format!("ana:*:{uid}:{uid}::{}:/bin/sh\n", home.display());
    let passwd = fs::read_to_string("/etc/passwd").expect("it is there") + &account;
    let passwd = ground.write("passwd", passwd);
    let sudoers = "Defaults env_reset\nroot ALL=(ALL) ALL\nana ALL=(ALL) NOPASSWD: ALL\n";
    let sudoers = ground.write("sudoers", sudoers);
    set_mode(&sudoers, 0o440);
    let root = ctx.home(Who::Root);
    let mounts = [
        (local.as_path(), "/usr/local"),
        (passwd.as_path(), "/etc/passwd"),
        (sudoers.as_path(), "/etc/sudoers"),
        (root.as_path(), "/root"),
    ];
    let by_user = |script: &str| {
        let shell = ctx.program(Who::User, "sh").args(["-c", script]);
        with_mounts(&ctx, Who::User, &mounts, &shell)
    };
    let program = ctx.venvkeep(["doctor"]).program().display().to_string();
    let pip = "/usr/bin/python3 $(echo /usr/share/python-wheels/pip-*.whl)/pip install --quiet --no-cache-dir --no-index \
               --break-system-packages --root-user-action=ignore";
    let wheels = ctx.wheels().display();
    by_user(&format!("umask 027; sudo -H {pip} --find-links {wheels} pure-one")).success();
    let import = "/usr/bin/python3 -c 'import pure_one; print(pure_one.ONE)'";
    let empty = "/usr/bin/python3 -c 'import pure_one; print(pure_one.__path__)'";
    // Nothing says why: closed to the user, its directory is an empty namespace package, or nothing at all.
    assert!(!by_user(import).status.success() || !by_user(empty).status.success());
    let found = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).code(1).stdout_json();
    let finding = with_code(&found, "packages-unreadable");
    assert_eq!(finding.len(), 1, "{found:#}");
    assert!(finding[0]["cause"].to_string().contains("027"), "{found:#}");
    let before = modes(&local);
    let told = by_user(&format!("sudo {program} doctor --repair --json")).success().stdout_json();
    let repaired = modes(&local);
    let real = |path: &String| local.join(Path::new(path).strip_prefix("/usr/local").expect("there"));
    let mut steps: Vec<PathBuf> = paths(&told, "steps").iter().map(real).collect();
    steps.sort();
    assert_eq!(steps, changed(&before, &repaired), "{told:#}");
    by_user(import).success().stdout_has("1");
    let log = told["log"].as_str().expect("a log");
    assert!(log.starts_with("/root/.local/state/venvkeep/repairs/"), "{log}");
    by_user(&format!("sudo {program} doctor --repair --undo")).success();
    assert!(changed(&before, &modes(&local)).is_empty(), "as it was");
    assert!(!by_user(import).status.success());
}
