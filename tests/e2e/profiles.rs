//! `venvkeep shims`: profiles are other people's work. What is put in is taken out again without a trace, and what is
//! not the user's is left alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use venvkeep_testkit::{Context, Fingerprint, Maker, Need, Project, Who, fingerprint, require};

use crate::VENVKEEP;
use crate::support::names_in;

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What Debian gives a new account.
const DEBIAN_PROFILE: &str = "if [ -n \"$BASH_VERSION\" ]; then\n    if [ -f \"$HOME/.bashrc\" ]; then\n\t. \"$HOME/.bashrc\"\n    fi\nfi\n";

/// What `conda init` writes.
const CONDA: &str = "# >>> conda initialize >>>\n# !! Contents within this block are managed by 'conda init' !!\n\
                     : conda\n# <<< conda initialize <<<\n";

/// The user's home, where profiles lie.
struct Home<'c> {
    ctx: &'c Context,
    path: PathBuf,
}

impl<'c> Home<'c> {
    fn of(ctx: &'c Context) -> Self {
        Self { ctx, path: ctx.home(Who::User) }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("it is in the home")).expect("the home is there");
        fs::write(&path, content).expect("it can be written");
        for made in path.ancestors().take_while(|&above| above != self.path) {
            chown(made, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may do that");
        }
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).expect("the profile is there")
    }

    /// Everything, with its times: a file that was written anew counts as changed.
    fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.path)
    }

    /// Files with mode, owner and content, and links; no times.
    fn contents(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![self.path.clone()];
        while let Some(directory) = waiting.pop() {
            for name in names_in(&directory) {
                let path = directory.join(name);
                let facts = fs::symlink_metadata(&path).expect("it was listed");
                let content = if facts.is_symlink() {
                    format!("{:?}", fs::read_link(&path))
                } else if facts.is_dir() {
                    if !path.ends_with(".local") {
                        waiting.push(path);
                    }
                    continue;
                } else {
                    format!("{:?}", fs::read(&path).expect("root reads it"))
                };
                found.push(format!("{} {:o} {} {content}", path.display(), facts.mode(), facts.uid()));
            }
        }
        found.sort();
        found
    }

    fn shims(&self, args: &[&str]) -> venvkeep_testkit::Invocation {
        self.ctx.venvkeep(["shims"].iter().chain(args))
    }

    /// Installed twice and uninstalled: the second time changes nothing, and at the end all is as it was.
    fn round_trip(&self, shell: &str) {
        let before = self.contents();
        self.shims(&["install", shell, "--dry-run"])
            .run()
            .success()
            .stdout_has("would ")
            .stdout_has("    # Activates");
        assert_eq!(self.contents(), before, "a dry run changes nothing");
        self.shims(&["install", shell]).run().success().stdout_has("Installed the shims");
        assert_ne!(self.contents(), before);
        let installed = self.fingerprint();
        self.shims(&["install", shell]).run().success().stdout_has("Nothing to do");
        installed.assert_unchanged();
        self.shims(&["uninstall", shell]).run().success().stdout_has("Took the shims out");
        assert_eq!(self.contents(), before);
        self.shims(&["uninstall", shell]).run().success().stdout_has("Nothing to do");
        assert!(!self.path.join(".local/share/venvkeep").exists(), "no file of ours is left");
    }
}

#[test]
fn what_is_put_in_is_taken_out_without_a_trace() {
    let profiles: [&[(&str, &[u8])]; 7] = [
        &[],
        &[(".bashrc", b"alias a=b\n"), (".profile", DEBIAN_PROFILE.as_bytes()), (".zshrc", b"alias a=b\n")],
        &[(".bashrc", b"no end"), (".bash_profile", b"no end"), (".zshrc", b"no end")],
        &[(".bashrc", b""), (".bash_login", b""), (".profile", DEBIAN_PROFILE.as_bytes()), (".zshrc", b"")],
        &[(".bashrc", b"a=1\r\nb=2\r\n"), (".profile", b"\r\n"), (".zshrc", b"a=1\r\nb=2")],
        &[(".bashrc", CONDA.as_bytes()), (".zshrc", CONDA.as_bytes()), (".bash_profile", b". ~/.bashrc")],
        &[(".bashrc", b"\xff\xfe not text\n\0"), (".zshrc", b"\xe9\n\n\n")],
    ];
    for files in profiles {
        let Some(ctx) = Context::new(VENVKEEP) else { return };
        let home = Home::of(&ctx);
        for (name, content) in files {
            home.write(name, content);
        }
        for shell in SHELLS {
            home.round_trip(shell);
        }
    }
}

#[test]
fn mode_and_link_stay() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let real = home.write("dotfiles/bash/rc", "alias a=b\n");
    fs::set_permissions(&real, Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(home.path.join("links")).unwrap();
    symlink("../dotfiles/bash/rc", home.path.join("links/rc")).unwrap();
    symlink("links/rc", home.path.join(".bashrc")).unwrap();
    home.write(".profile", DEBIAN_PROFILE);
    home.round_trip("bash");
    home.shims(&["install", "bash"]).umask(0o077).run().success();
    assert_eq!(fs::read_link(home.path.join(".bashrc")).unwrap(), Path::new("links/rc"));
    let facts = fs::symlink_metadata(&real).unwrap();
    assert_eq!((facts.mode() & 0o7777, facts.uid()), (0o600, Who::User.uid()));
    assert_eq!(names_in(&home.path.join("dotfiles/bash")).len(), 1, "nothing is left beside it");
    let shim = fs::metadata(home.path.join(".local/share/venvkeep/shims/venvkeep.bash")).unwrap();
    assert_eq!(shim.mode() & 0o7777, 0o644, "whatever the umask");
}

#[test]
fn the_profile_as_it_was_is_kept() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.write(".zshrc", "alias a=b\n");
    let report = home.shims(&["install", "zsh", "--json"]).run().success().stdout_json();
    let files = report["files"].as_array().unwrap();
    let profile = files.iter().find(|file| file["role"] == "profile").unwrap();
    assert_eq!(profile["deed"], "change");
    let backup = Path::new(profile["backup"].as_str().unwrap());
    assert_eq!(fs::read_to_string(backup).unwrap(), "alias a=b\n");
    let facts = fs::metadata(backup).unwrap();
    assert_eq!((facts.mode() & 0o7777, facts.uid()), (0o600, Who::User.uid()));
    assert!(files.iter().filter(|file| file["role"] != "profile").all(|file| file["backup"].is_null()));
}

#[test]
fn what_else_stands_in_a_profile_stays_when_the_block_changes() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.write(".zshrc", "no end");
    home.shims(&["install", "zsh"]).run().success();
    let with_more = home.read(".zshrc") + "alias later=x\n";
    home.write(".zshrc", with_more);
    home.shims(&["install", "zsh", "--sudo-guard", "--require-venv"]).run().success();
    let text = home.read(".zshrc");
    assert!(
        text.contains("VENVKEEP_SUDO_GUARD=1") && text.contains("export PIP_REQUIRE_VIRTUALENV=1"),
        "{text}"
    );
    assert!(text.starts_with("no end\n# >>>") && text.ends_with("<<<\nalias later=x\n"), "{text}");
    home.shims(&["uninstall"]).run().success();
    assert_eq!(home.read(".zshrc"), "no end\nalias later=x\n");
}

#[test]
fn zsh_is_followed_to_its_directory() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let env = home.write(".zshenv", "export ZDOTDIR=\"$HOME/.config/zsh\"\n");
    home.write(".config/zsh/.zshrc", "alias a=b\n");
    home.shims(&["install", "zsh"]).run().success().stdout_has(".config/zsh/.zshrc");
    assert!(home.read(".config/zsh/.zshrc").contains("venvkeep"));
    assert!(!home.path.join(".zshrc").exists());
    home.shims(&["uninstall"]).run().success();
    assert_eq!(home.read(".config/zsh/.zshrc"), "alias a=b\n");
    fs::write(env, "ZDOTDIR=$(readlink -f ~/dots)\n").unwrap();
    home.shims(&["install", "zsh"]).run().success().stderr_has("line 1 of ~/.zshenv sets ZDOTDIR");
}

#[test]
fn what_must_not_be_written_is_refused_and_named() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let rc = home.path.join(".zshrc");
    let refused = |said: &str| {
        let before = home.contents();
        home.shims(&["install", "zsh"]).run().code(3).stderr_has(said).stdout_is("");
        assert_eq!(home.contents(), before);
        assert!(!home.path.join(".local").exists(), "nothing at all was written");
    };

    home.write(".zshrc", "# >>> venvkeep >>>\n. shim\n");
    refused("line 1 begins venvkeep's block, but nothing ends it");
    home.shims(&["uninstall"]).run().code(3).stderr_has("but nothing ends it");

    home.write(".zshrc", "mine\n");
    fs::set_permissions(&rc, Permissions::from_mode(0o444)).unwrap();
    refused("is read-only");
    fs::set_permissions(&rc, Permissions::from_mode(0o644)).unwrap();

    chown(&rc, Some(0), Some(0)).unwrap();
    refused("belongs to user 0, not to you");
    chown(&rc, Some(Who::User.uid()), None).unwrap();

    fs::hard_link(&rc, home.path.join("other-name")).unwrap();
    refused("has other names too");
    fs::remove_file(home.path.join("other-name")).unwrap();

    fs::remove_file(&rc).unwrap();
    symlink("nowhere", &rc).unwrap();
    refused("is a link to a file that is not there");
    fs::remove_file(&rc).unwrap();

    fs::create_dir(&rc).unwrap();
    refused("is a directory, not a file");
    fs::remove_dir(&rc).unwrap();

    home.write("locked/.zshrc", "mine\n");
    symlink("locked/.zshrc", &rc).unwrap();
    fs::set_permissions(home.path.join("locked"), Permissions::from_mode(0o555)).unwrap();
    refused("you may not write in");
}

#[test]
fn root_installs_for_nobody_else() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.write(".zshrc", "mine\n");
    let before = home.contents();
    let root = || ctx.venvkeep_by(Who::Root, ["shims", "install", "zsh"]);
    root().under_sudo_of(Who::User).run().code(2).stderr_has("without sudo");
    root().under_sudo_of(Who::User).env("HOME", &home.path).run().code(2).stderr_has("without sudo");
    root().env("HOME", &home.path).run().code(3).stderr_has("no home directory of yours");
    assert_eq!(home.contents(), before);
    assert_eq!(names_in(&ctx.home(Who::Root)).len(), 0);
    root().run().success();
}

#[test]
fn the_shell_is_the_one_that_the_user_logs_in_with() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.shims(&["install"]).env("SHELL", "/usr/bin/fish").run().success().stdout_has("shims for fish");
    home.shims(&["install"]).env("SHELL", "/bin/tcsh").run().code(2).stderr_has("no shims for tcsh");
    home.shims(&["install"]).run().code(2).stderr_has("SHELL is not set");
    home.shims(&["install", "ksh"]).run().code(2);
    for shell in SHELLS {
        let shim = home.shims(&["init", shell]).run().success();
        let file = format!("shims/venvkeep.{shell}");
        assert_eq!(
            shim.stdout,
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).unwrap()
        );
    }
}

#[test]
fn status_says_what_is_there_and_why_nothing_is_active() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let project = ctx.project("proj");
    home.write(".zshrc", "eval \"$(direnv hook zsh)\"\n");
    let status = || project.venvkeep(["shims", "status"]).env("SHELL", "/bin/zsh");
    let state = |shell: usize| {
        let report = project.venvkeep(["shims", "status", "--json"]).run().stdout_json();
        report["shells"][shell]["state"].as_str().map(str::to_owned)
    };
    status().run().success().stdout_has("zsh     not installed").stdout_has("beside direnv, in");
    status().run().success().stdout_has("there is no .venv, venv or env in this directory");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    status().run().success().stdout_has("has no shims").stdout_has("venvkeep shims install");

    home.shims(&["install", "zsh", "--sudo-guard"]).run().success();
    status().run().success().stdout_has("zsh     installed\n");
    status().env("VENVKEEP_DISABLE", "1").run().success().stdout_has("VENVKEEP_DISABLE is set");
    status().env("VIRTUAL_ENV", "/elsewhere").run().success().stdout_has("/elsewhere was activated by hand");
    status().env("VIRTUAL_ENV", project.path().join(".venv")).run().success().stdout_has(".venv is active");

    let cloned = ctx.project("cloned");
    cloned.venv_by_owner(Maker::VenvWithoutPip).build();
    let here = |project: &Project<'_>| project.venvkeep(["shims", "status"]).env("SHELL", "/bin/zsh").run();
    here(&cloned)
        .success()
        .stdout_has("did not say that you trust it")
        .stdout_has("        venvkeep trust\n");
    cloned.venvkeep(["trust"]).run().success();
    here(&cloned).success().stdout_has("is activated in shells that were started with the shims");
    let of_root = ctx.project("of-root");
    of_root.venv_by_root(Maker::VenvWithoutPip).build();
    here(&of_root).success().stdout_has("belongs to user number 0").stdout_has("        venvkeep heal\n");

    home.write(".local/share/venvkeep/shims/venvkeep.zsh", "# another version\n");
    assert_eq!(state(1).as_deref(), Some("differs"));
    status().run().code(1).stdout_has("venvkeep shims install zsh --sudo-guard");
    fs::remove_file(home.path.join(".local/share/venvkeep/shims/venvkeep.zsh")).unwrap();
    assert_eq!(state(1).as_deref(), Some("partly"));
    home.shims(&["install", "zsh"]).run().success();
    assert_eq!(state(1).as_deref(), Some("installed"));
    home.write(".bashrc", "# <<< venvkeep <<<\n");
    status().run().code(1).stdout_has("line 1 ends venvkeep's block, but nothing begins it");
}

#[test]
fn the_default_environment_is_one_line_in_the_state_directory() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    symlink(project.path(), home.path.join("link")).unwrap();
    let file = home.path.join(".local/state/venvkeep/default");
    ctx.run(["default"]).success().stdout_has("There is no default environment");
    ctx.run(["default", "link/.venv"]).success().stdout_has("proj/.venv").stderr_lacks("trust");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{}/.venv\n", project.str()), "physical");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    ctx.run(["default"]).success().stdout_is(&format!("{}/.venv\n", project.str()));
    let report = ctx.run(["default", "--json"]).success().stdout_json();
    assert_eq!(report["path"].as_str(), project.path().join(".venv").to_str());

    let of_root = ctx.project_of(Who::Root, "app");
    of_root.venvkeep(["new", "--seed", "none"]).run().success();
    ctx.run(["default", of_root.str()]).code(2);
    let env = of_root.path().join(".venv");
    ctx.run(["default", env.to_str().unwrap()]).code(3).stderr_has("belongs to user 0, not to you");
    let cloned = ctx.project("cloned");
    let cloned = cloned.venv_by_owner(Maker::VenvWithoutPip).build();
    ctx.run(["default", cloned.str()]).success().stderr_has("venvkeep trust");
    ctx.run(["default", "nowhere"]).code(2).stderr_has("there is nothing at");
    ctx.run(["default", "--none"]).success().stdout_has("is not the default any more");
    assert!(!file.exists());
    ctx.run(["default", "--none"]).success();
}

#[test]
fn a_known_environment_goes_by_its_projects_name() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let new = |place: &str| {
        ctx.run(["new", "--seed", "none", place]).success();
        home.path.join(place)
    };
    let env = new("one/proj/.venv");
    let shown = env.to_str().unwrap();
    ctx.run(["check", "proj"]).success().stdout_has(shown);
    ctx.run(["freeze", "proj"]).success().stdout_is("");
    ctx.run(["prune", "proj"]).success().stdout_has("Nothing to prune");
    ctx.run(["default", "proj"]).success().stdout_has(shown);
    ctx.run(["check", "./proj"]).code(2).stderr_has("there is nothing at");
    ctx.run(["check", "other"]).code(2).stderr_has("there is nothing at");
    fs::remove_dir_all(new("gone/proj/.venv")).unwrap();
    ctx.run(["check", "proj"]).success().stdout_has(shown);
    new("two/proj/.venv");
    ctx.run(["check", "proj"])
        .code(2)
        .stderr_has("2 environments are called proj")
        .stderr_has("two/proj/.venv");
    fs::create_dir(home.path.join("app")).unwrap();
    let env = new("three/app/.venv");
    ctx.run(["check", "app"]).success().stdout_has(env.to_str().unwrap());
    // What stands here is meant before what is known elsewhere.
    new("./proj");
    ctx.run(["check", "proj"]).success().stdout_has("user/proj:");
}

/// What a shell of the user's prints, that has read its profile and finds venvkeep on PATH.
fn printed(
    ctx: &Context,
    shell: &'static str,
    args: &[&str],
    command: &str,
) -> Option<venvkeep_testkit::Output> {
    if !require(&[Need::Program(shell)]) {
        return None;
    }
    let run = ctx.program(Who::User, shell).args(args).args(["-c", command]);
    Some(run.path_first(ctx.program_directory()).run().success())
}

#[test]
fn real_shells_read_what_was_installed_and_miss_nothing_that_is_gone() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    for (shell, command, expected) in [
        ("bash", "type -t activate; complete -p venvkeep", "function\ncomplete -F _venvkeep venvkeep"),
        ("zsh", "whence -w activate _venvkeep", "activate: function\n_venvkeep: function"),
        ("fish", "type -t activate; complete -C'venvkeep shi'", "function\nshims\t"),
    ] {
        home.shims(&["install", shell]).run().success();
        for args in [&["-i"][..], &["-i", "-l"]] {
            let Some(output) = printed(&ctx, shell, args, command) else { continue };
            output.stdout_has(expected);
        }
    }
    // The files go, as when somebody removes the data directory by hand: the blocks do nothing, silently.
    fs::remove_dir_all(home.path.join(".local/share/venvkeep")).unwrap();
    for shell in SHELLS {
        for args in [&["-i"][..], &["-i", "-l"]] {
            let Some(output) = printed(&ctx, shell, args, "echo here") else { continue };
            // Without a terminal, bash says that it has no job control.
            let said: Vec<_> = output.stderr.lines().filter(|line| !line.starts_with("bash: ")).collect();
            assert_eq!((output.stdout.as_str(), said), ("here\n", Vec::new()), "{shell}");
        }
    }
    // And what reads a .profile is not always bash.
    let dash = ctx.program(Who::User, "sh").args(["-c", ". ~/.profile && echo well"]).run();
    dash.success().stdout_is("well\n");
}

#[test]
fn a_start_starts_no_program() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("strace"), Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    let starts = |shell: &str| {
        let log = home.path.join("strace");
        let calls = "trace=clone,clone3,fork,vfork,execve";
        let strace = ctx.program(Who::User, "strace").args(["-f", "-qq", "-e", calls, "-o"]).arg(&log);
        strace.args([shell, "-i", "-l", "-c", ":"]).path_first(ctx.program_directory()).run().success();
        let count = fs::read_to_string(&log).unwrap().lines().filter(|line| !line.contains("SIG")).count();
        fs::remove_file(log).unwrap();
        count
    };
    // Without one, zsh offers a new user its help.
    home.write(".zshrc", "alias a=b\n");
    for shell in SHELLS {
        // fish starts helpers of its own at its first start in a home.
        starts(shell);
        let without = starts(shell);
        home.shims(&["install", shell, "--sudo-guard", "--require-venv"]).run().success();
        assert_eq!(starts(shell), without, "{shell}");
    }
}

#[test]
fn places_with_other_names_are_quoted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let data = home.path.join("it's \"$x\" \\ é 🚒");
    for (shell, command) in [
        ("bash", "complete -p venvkeep"),
        ("zsh", "whence -v _venvkeep"),
        (
            "fish",
            "contains -- \"$XDG_DATA_HOME/venvkeep/completions\" $fish_complete_path; and echo venvkeep",
        ),
    ] {
        home.shims(&["install", shell, "--require-venv"]).env("XDG_DATA_HOME", &data).run().success();
        if !require(&[Need::Program(shell)]) {
            continue;
        }
        let command = format!("{command}; echo require=$PIP_REQUIRE_VIRTUALENV");
        let started = ctx.program(Who::User, shell).args(["-i", "-c", &command]).env("XDG_DATA_HOME", &data);
        started.run().success().stdout_has("venvkeep").stdout_has("require=1");
    }
    assert!(data.join("venvkeep/shims/venvkeep.fish").is_file());
    home.shims(&["uninstall"]).env("XDG_DATA_HOME", &data).run().success();
    assert!(!data.join("venvkeep").exists());
    let broken = home.path.join("a\nb");
    let refused = home.shims(&["install", "zsh"]).env("XDG_DATA_HOME", broken).run();
    refused.code(3).stderr_has("it has a line break or is no text");
}

/// Types into a shell on a terminal of its own, and ends when the shell has shown what it should. Where it never does,
/// the run is killed.
const TERMINAL: &str = "
import os, pty, sys
shell, typed, expected = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(shell, [shell, '-i'])
os.write(terminal, typed.encode())
seen = b''
while expected.encode() not in seen:
    seen += os.read(terminal, 4096)
";

fn typed_into(ctx: &Context, shell: &str, directory: &Path, typed: &str, expected: &str) {
    let terminal = ctx.program(Who::User, "python3").args(["-c", TERMINAL, shell, typed, expected]);
    let terminal = terminal.path_first(ctx.program_directory()).current_dir(directory);
    terminal.time_limit(Duration::from_secs(30)).run().success();
}

#[test]
fn once_installed_the_trusted_and_the_default_environment_are_active() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    home.write(".zshrc", "alias a=b\n");
    ctx.run(["new", "--seed", "none", "proj"]).success();
    ctx.run(["new", "--seed", "none", "tools"]).success();
    for shell in SHELLS {
        home.shims(&["install", shell]).run().success();
        let (in_proj, in_tools) = ("proj/.venv", "tools/.venv");
        let shows = |directory: &str, env: &str| {
            let expected = match env {
                "" => "is==".to_owned(),
                env => format!("is={}=", home.path.join(env).display()),
            };
            typed_into(&ctx, shell, &home.path.join(directory), "echo \"is=$VIRTUAL_ENV=\"\n", &expected);
        };
        shows("proj", in_proj);
        shows("", "");
        ctx.run(["default", "tools/.venv"]).success();
        shows("", in_tools);
        shows("proj", in_proj);
        ctx.run(["default", "--none"]).success();
        shows("", "");
    }
}

#[test]
fn tab_completes_commands_names_and_paths() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !require(&[Need::Program("zsh"), Need::Program("fish")]) {
        return;
    }
    let home = Home::of(&ctx);
    home.write(".zshrc", "autoload -Uz compinit && compinit -u -D\n");
    for shell in SHELLS {
        home.shims(&["install", shell]).run().success();
    }
    let record = format!("{}/projects/named-only/.venv\nnamed-only\n", home.path.display());
    home.write(".local/state/venvkeep/trusted/0123456789abcdef0123456789abcdef", record);
    home.write("projects/named-only/.venv/pyvenv.cfg", "");
    home.write("here-a/.venv/pyvenv.cfg", "");
    home.write("notes.txt", "");
    home.write("it's $(touch pwned) b/x", "");
    for (typed, completed) in [
        ("venvkeep comp", "letions "),
        ("venvkeep shims unin", "stall "),
        ("venvkeep shims install --sudo", "-guard "),
        ("venvkeep heal --from=i", "ndex "),
        ("venvkeep check na", "med-only "),
        ("venvkeep check here", "-a/"),
        ("venvkeep check it", "\\'s\\ \\$\\(touch\\ pwned\\)\\ b/"),
        ("venvkeep freeze -o no", "tes.txt "),
    ] {
        for shell in ["bash", "zsh"] {
            typed_into(&ctx, shell, &home.path, &format!("{typed}\t"), completed);
        }
    }
    let fish = |typed: &str| {
        let command = format!("complete -C'{typed}'");
        let output = printed(&ctx, "fish", &["-i"], &command);
        output.map(|output| output.stdout).unwrap_or_default()
    };
    assert!(fish("venvkeep shims unin").starts_with("uninstall\t"));
    assert!(fish("venvkeep check na").starts_with("named-only\t"));
    assert_eq!(fish("venvkeep check nothing-like-it"), "");
    assert!(fish("venvkeep check ./here").starts_with("./here-a/"));
    assert!(!home.path.join("pwned").exists());
}
