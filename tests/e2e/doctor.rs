//! `doctor`: what breaks environments outside of them. What it looks at of the system is mounted in the place of the
//! machine's own, in a namespace of the run's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use venvkeep_testkit::{Context, Invocation, Maker, Output, Project, Who, fingerprint, tools};

use crate::VENVKEEP;

/// The findings with a code.
pub(crate) fn with_code<'r>(report: &'r Value, code: &str) -> Vec<&'r Value> {
    let findings = report["findings"].as_array().expect("a list");
    findings.iter().filter(|finding| finding["code"] == code).collect()
}

/// Runs as `who`, with directories of the test's own in the place of the machine's.
pub(crate) fn with_mounts(ctx: &Context, who: Who, mounts: &[(&Path, &str)], program: &Invocation) -> Output {
    let (uid, home) = (who.uid(), ctx.home(who).display().to_string());
    let mount = |(number, (_, target)): (usize, &(&Path, &str))| {
        format!("mount --bind \"${}\" {target} && ", number + 1)
    };
    let script: String = mounts.iter().enumerate().map(mount).collect();
    let script = format!(
        "{script} shift {} && cd {home} && \
         exec setpriv --reuid {uid} --regid {uid} --clear-groups env HOME={home} PATH=/usr/bin:/bin \"$@\"",
        mounts.len()
    );
    let inside = ctx.program(Who::Root, "unshare").args(["--mount", "sh", "-c", &script, "sh"]);
    let inside = mounts.iter().fold(inside, |inside, (source, _)| inside.arg(source));
    inside.args(program.words()).run()
}

pub(crate) fn doctor(ctx: &Context) -> Invocation {
    ctx.venvkeep(["doctor", "--json"])
}

/// A wheel of the kit's as root's pip installs it for everybody under a umask.
pub(crate) fn install_for_everybody(ctx: &Context, site: &Path, umask: u32) {
    let pip = ctx.program(Who::Root, tools::pip()).args(["install", "--quiet", "--no-index", "--target"]);
    let pip = pip.arg(site).wheels_only(ctx.wheels()).arg("pure-one").umask(umask);
    pip.run().success();
}

#[test]
fn packages_that_nobody_can_read_are_named_with_cause_and_repair() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    // As `sudo pip install` leaves it under umask 027, in Debian's place; and MacPorts' `root:wheel`, mode 0640.
    let local = ground.path().join("local");
    let debian = local.join("python3.11/dist-packages");
    fs::create_dir_all(&debian).expect("root may");
    install_for_everybody(&ctx, &debian, 0o027);
    let opt = ground.path().join("opt");
    let ports =
        opt.join("local/Library/Frameworks/Python.framework/Versions/3.11/lib/python3.11/site-packages");
    fs::create_dir_all(&ports).expect("root may");
    install_for_everybody(&ctx, &ports, 0o022);
    for entry in ["pure_one/__init__.py", "pure_one-1.0.dist-info/METADATA"] {
        fs::set_permissions(ports.join(entry), fs::Permissions::from_mode(0o640)).expect("root may");
    }
    let mounts = [(local.as_path(), "/usr/local/lib"), (opt.as_path(), "/opt")];
    let before = fingerprint(ground.path());
    let report = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).code(1);
    before.assert_unchanged();
    let told = report.stdout_json();
    let found = with_code(&told, "packages-unreadable");
    assert_eq!(found.len(), 2, "{report}");
    let (ports_finding, debians) = if found[0]["message"].to_string().contains("/opt/local") {
        (found[0], found[1])
    } else {
        (found[1], found[0])
    };
    for finding in [ports_finding, debians] {
        assert!(finding["message"].to_string().contains("pure-one"), "{finding}");
        assert!(finding["cause"].to_string().contains("027"), "{finding}");
        assert!(finding["prevention"].to_string().contains("umask 022"), "{finding}");
    }
    assert!(ports_finding["remedies"].to_string().contains("port install py311-pure-one"), "{ports_finding}");
    // The repair touches what it names, and helps.
    let repair = debians["remedies"][0]["command"].as_str().expect("a command").to_owned();
    assert!(repair.starts_with("sudo chmod -R a+rX -- /usr/local/lib/python3.11/dist-packages/"), "{repair}");
    let import = [
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.append('/usr/local/lib/python3.11/dist-packages'); import pure_one; \
        print(open(pure_one.__file__).read() and 'readable')",
    ];
    let importing = ctx.program(Who::User, "/usr/bin/python3").args(import);
    let fails = with_mounts(&ctx, Who::User, &mounts, &importing);
    assert!(!fails.status.success(), "an empty namespace is no module: {fails}");
    let as_root = ctx.program(Who::Root, "sh").args(["-c", repair.trim_start_matches("sudo ")]);
    with_mounts(&ctx, Who::Root, &mounts, &as_root).success();
    with_mounts(&ctx, Who::User, &mounts, &importing).success().stdout_has("readable");
    let told = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).stdout_json();
    assert_eq!(with_code(&told, "packages-unreadable").len(), 1, "MacPorts' are left: {told:#}");
    // What pip put there is said, whether it can be read or not.
    assert_eq!(with_code(&told, "packages-by-pip").len(), 1, "{told:#}");
}

#[test]
fn what_pip_put_before_the_distributions_own_is_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let local = ground.path().join("local");
    let site = local.join("python3.11/dist-packages");
    fs::create_dir_all(&site).expect("root may");
    install_for_everybody(&ctx, &site, 0o022);
    let theirs = ground.path().join("dist-packages");
    fs::create_dir_all(theirs.join("pure_one-0.9.dist-info")).expect("root may");
    fs::write(theirs.join("pure_one-0.9.dist-info/INSTALLER"), "debian\n").expect("root may");
    let mounts = [(local.as_path(), "/usr/local/lib"), (theirs.as_path(), "/usr/lib/python3/dist-packages")];
    let told = with_mounts(&ctx, Who::User, &mounts, &doctor(&ctx)).code(1).stdout_json();
    let hiding = with_code(&told, "packages-shadowed");
    assert_eq!(hiding.len(), 1, "{told:#}");
    assert!(hiding[0]["remedies"].to_string().contains("pip uninstall"), "{told:#}");
    assert!(with_code(&told, "packages-unreadable").is_empty(), "{told:#}");
}

#[test]
fn caches_that_root_took_over_are_found_and_the_command_gives_them_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let cache = home.write(".cache/pip/http-v2/a/b", "x");
    ctx.program(Who::Root, "chown").args(["-R", "0:0"]).arg(home.path().join(".cache/pip")).run().success();
    home.write(".cache/uv/mine", "x");
    let told = doctor(&ctx).run().code(1).stdout_json();
    let found = with_code(&told, "own-foreign");
    assert_eq!(found.len(), 1, "{told:#}");
    assert!(found[0]["message"].to_string().contains("root"), "{told:#}");
    assert!(found[0]["cause"].to_string().contains("HOME"), "{told:#}");
    // pip says so too, and not any more afterwards.
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).build();
    let warning = "is not owned or is not writable by the current user";
    let pip =
        || ctx.program(Who::User, env.bin("pip")).args(["install", "--no-index", "no-such-thing"]).run();
    assert!(pip().stderr.contains(warning), "{}", pip());
    let command = found[0]["remedies"][0]["command"].as_str().expect("a command");
    let words = command.strip_prefix("venvkeep ").expect("ours").split(' ');
    ctx.venvkeep(words).run().success();
    assert!(!cache.exists(), "a new one is in its place");
    let told = doctor(&ctx).run().success().stdout_json();
    assert!(with_code(&told, "own-foreign").is_empty(), "{told:#}");
    assert!(!pip().stderr.contains(warning), "{}", pip());
}

#[test]
fn settings_and_lines_that_lead_astray_are_named_where_they_stand() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    doctor(&ctx).run().success();
    home.write(".config/pip/pip.conf", "[install]\nuser = true\n");
    home.write(".bashrc", "alias ls=ls\nexport PYTHONPATH=/opt/x\nsource ~/old/bin/activate\numask 077\n");
    let etc: PathBuf = home.write("etc/python.sh", "export PYTHONPATH=/opt/shared\n");
    let astray = doctor(&ctx)
        .env("PYTHONPATH", "/opt/x")
        .env("PIP_TARGET", "/opt/y")
        .env("VIRTUAL_ENV", "/gone/.venv");
    let directory = etc.parent().expect("it has one");
    let words = astray.words();
    let with_variables = ctx.program(Who::User, "env").args([
        "PYTHONPATH=/opt/x",
        "PIP_TARGET=/opt/y",
        "VIRTUAL_ENV=/gone/.venv",
        "PIP_REQUIRE_VIRTUALENV=1",
    ]);
    let with_variables = with_variables.args(words);
    let report = with_mounts(&ctx, Who::User, &[(directory, "/etc/profile.d")], &with_variables).code(1);
    let told = report.stdout_json();
    let messages = |code: &str| -> String {
        with_code(&told, code).iter().map(|one| one["message"].to_string()).collect::<Vec<_>>().join("\n")
    };
    for name in ["PYTHONPATH", "PIP_TARGET", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV"] {
        assert!(messages("variable").contains(name), "{name}: {report}");
    }
    assert!(messages("pip-setting").contains("pip.conf says user = true"), "{report}");
    let lines = messages("startup-line");
    for place in [".bashrc:2", ".bashrc:3", "/etc/profile.d/python.sh:1"] {
        assert!(lines.contains(place), "{place}: {report}");
    }
    assert!(messages("strict-umask").contains(".bashrc:4"), "{report}");
    let text =
        with_mounts(&ctx, Who::User, &[(directory, "/etc/profile.d")], &ctx.venvkeep(["doctor"])).code(1);
    text.stdout_has("venvkeep shims install").stdout_has("take the line").stdout_lacks("sudo chown");
    // A umask of this very process.
    let strict = doctor(&ctx).umask(0o077).run().code(1).stdout_json();
    assert!(
        with_code(&strict, "strict-umask").len() > with_code(&told, "strict-umask").len() - 1,
        "{strict:#}"
    );
}

#[test]
fn environments_that_are_unwell_and_trees_that_are_kept_are_counted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project: Project<'_> = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    project.venvkeep(["heal", "--force"]).run().success();
    let told = doctor(&ctx).run().success().stdout_json();
    assert_eq!(with_code(&told, "trees-kept").len(), 1, "{told:#}");
    fs::remove_file(project.path().join(".venv/pyvenv.cfg")).expect("root may");
    let told = doctor(&ctx).run().code(1).stdout_json();
    let unwell = with_code(&told, "environments-unwell");
    let command = format!("venvkeep check {}/.venv", project.str());
    assert_eq!(unwell[0]["remedies"][0]["command"], command, "{told:#}");
}

#[test]
fn what_sudo_is_told_what_pip_is_old_and_what_uv_keeps_closed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    ground.write("sudoers.d/90-hard", "# ours\nDefaults umask=0077\nDefaults env_keep += \"HOME\"\n");
    let site = ground.path().join("local/python3.11/dist-packages");
    for (name, installer) in [("pip-9.0.1", "pip"), ("pip-9.0.2", "debian")] {
        ground.write(&format!("local/python3.11/dist-packages/{name}.dist-info/INSTALLER"), installer);
    }
    let mounts = [
        (ground.path().join("sudoers.d"), "/etc/sudoers.d"),
        (ground.path().join("local"), "/usr/local/lib"),
    ];
    let mounts = mounts.each_ref().map(|(from, to)| (from.as_path(), *to));
    let told = with_mounts(&ctx, Who::Root, &mounts, &doctor(&ctx)).code(1).stdout_json();
    let sudo = with_code(&told, "sudo-setting");
    let places: Vec<_> = sudo.iter().map(|one| one["evidence"][0].as_str().expect("a place")).collect();
    assert_eq!(places, ["/etc/sudoers.d/90-hard:2", "/etc/sudoers.d/90-hard:3"], "{told:#}");
    let pips = with_code(&told, "pip-old");
    assert_eq!(pips.len(), 1, "{told:#}");
    assert!(pips[0]["message"].to_string().contains("pip 9.0.1"), "{told:#}");
    assert!(site.is_dir());
    // uv's cache, as a user's under another umask.
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let narrow = home.write(".cache/uv/archive-v0/abc/six.py", "x");
    home.write(".cache/uv/archive-v0/abc/open.py", "x");
    fs::set_permissions(&narrow, fs::Permissions::from_mode(0o600)).expect("root may");
    let told = doctor(&ctx).umask(0o022).run().stdout_json();
    let found = with_code(&told, "uv-cache-closed");
    assert_eq!((found.len(), found[0]["count"].as_u64()), (1, Some(1)), "{told:#}");
    let told = doctor(&ctx).umask(0o077).run().stdout_json();
    assert!(with_code(&told, "uv-cache-closed").is_empty(), "as the user wants it: {told:#}");
}
