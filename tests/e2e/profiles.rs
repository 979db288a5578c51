//! `venvkeep shims`: profiles are other people's work. What is put in is taken out again without a trace, and what is
//! not the user's is left alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Fingerprint, Maker, Project, Who, fingerprint};

use crate::VENVKEEP;
use crate::support::names_in;

pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What Debian gives a new account.
const DEBIAN_PROFILE: &str = "if [ -n \"$BASH_VERSION\" ]; then\n    if [ -f \"$HOME/.bashrc\" ]; then\n\t. \"$HOME/.bashrc\"\n    fi\nfi\n";

/// What `conda init` writes.
const CONDA: &str = "# >>> conda initialize >>>\n# !! Contents within this block are managed by 'conda init' !!\n\
                     : conda\n# <<< conda initialize <<<\n";

/// The user's home, where profiles lie.
pub(super) struct Home<'c> {
    ctx: &'c Context,
    pub(super) path: PathBuf,
}

impl<'c> Home<'c> {
    pub(super) fn of(ctx: &'c Context) -> Self {
        Self { ctx, path: ctx.home(Who::User) }
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("it is in the home")).expect("the home is there");
        fs::write(&path, content).expect("it can be written");
        for made in path.ancestors().take_while(|&above| above != self.path) {
            chown(made, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may do that");
        }
        path
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).expect("the profile is there")
    }

    /// Everything, with its times: a file that was written anew counts as changed.
    fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.path)
    }

    /// Files with mode, owner and content, and links; no times.
    /// Directories count as well, but for those on the way to where venvkeep keeps what it knows.
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
                    let on_the_way = [".local", ".local/state", ".local/state/venvkeep"];
                    if !on_the_way.iter().any(|known| path == self.path.join(known)) {
                        found.push(format!("{} {:o} {}", path.display(), facts.mode(), facts.uid()));
                    }
                    if !path.ends_with(".local/state/venvkeep") {
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

    pub(super) fn shims(&self, args: &[&str]) -> venvkeep_testkit::Invocation {
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
        assert!(!self.path.join(".local/state/venvkeep/made-for-shims").exists());
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
fn directories_that_were_made_for_it_go_and_those_of_the_users_stay() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    let there = |name: &str| home.path.join(name).is_dir();
    let all = [".config", ".config/fish", ".config/fish/conf.d", ".local/share"];
    home.shims(&["install", "fish"]).run().success();
    assert!(all.iter().all(|name| there(name)));
    home.shims(&["uninstall"]).run().success();
    assert!(!all.iter().any(|name| there(name)), "{:?}", names_in(&home.path));
    // Empty, and the user's.
    let own = home.write(".config/fish/x", "").parent().unwrap().to_owned();
    fs::remove_file(own.join("x")).unwrap();
    home.shims(&["install", "fish"]).run().success();
    home.shims(&["install", "zsh"]).run().success();
    home.shims(&["uninstall", "fish"]).run().success();
    assert!(own.is_dir() && names_in(&own).is_empty());
    assert!(there(".local/share/venvkeep/shims"), "zsh's are there");
    // Made for the shims, and used for something else by now.
    home.shims(&["install", "fish"]).run().success();
    home.write(".config/fish/conf.d/own.fish", "true\n");
    home.shims(&["uninstall"]).run().success();
    assert_eq!(names_in(&own.join("conf.d")).into_iter().collect::<Vec<_>>(), ["own.fish"]);
    assert!(!there(".local/share"));
    // What the note names is removed only where it is an empty directory.
    home.write(
        ".local/state/venvkeep/made-for-shims",
        format!("{0}/notes\n{0}/.config\n../x\n\n", home.path.display()),
    );
    home.write("notes", "mine\n");
    home.shims(&["install", "zsh"]).run().success();
    home.shims(&["uninstall"]).run().success();
    assert!(home.path.join("notes").is_file() && there(".config"));
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
fn one_file_by_two_names_is_changed_once() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.write(".bashrc", "alias a=b\n");
    symlink(".bashrc", home.path.join(".bash_profile")).unwrap();
    home.round_trip("bash");
    home.shims(&["install", "bash"]).run().success();
    assert_eq!(home.read(".bashrc").matches("# >>> venvkeep >>>").count(), 1);
    home.shims(&["status"]).run().success().stdout_has("bash    installed\n");
}

#[test]
fn what_was_done_before_a_failure_is_said() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = Home::of(&ctx);
    home.write(".zshrc", "alias a=b\n");
    // Where the former profile should be kept.
    home.write(".local/state/venvkeep/profiles", "");
    let failed = home.shims(&["install", "zsh"]).run().code(4);
    failed
        .stderr_has("Done before that:")
        .stderr_has("shims/venvkeep.zsh (the shim)")
        .stderr_has("shims install");
    assert_eq!(home.read(".zshrc"), "alias a=b\n");
    fs::remove_file(home.path.join(".local/state/venvkeep/profiles")).unwrap();
    home.shims(&["install", "zsh"]).run().success();
    assert!(home.read(".zshrc").contains("venvkeep"));
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
    // Set where it cannot be seen afterwards, or not yet when the block was put in.
    fs::remove_file(&env).unwrap();
    let elsewhere = home.path.join("zsh");
    home.write("zsh/.zshrc", "alias a=b\n");
    home.shims(&["install", "zsh"]).run().success();
    home.shims(&["uninstall", "zsh"]).env("ZDOTDIR", &elsewhere).run().success();
    assert!(!home.path.join(".zshrc").exists());
    home.shims(&["install", "zsh"]).env("ZDOTDIR", &elsewhere).run().success();
    let without = home.shims(&["uninstall", "zsh"]).run().success();
    without
        .stderr_has("none of your profiles has the lines")
        .stderr_has("ZDOTDIR=DIRECTORY venvkeep shims uninstall");
    home.shims(&["uninstall", "zsh"]).env("ZDOTDIR", &elsewhere).run().success();
    assert_eq!(home.read("zsh/.zshrc"), "alias a=b\n");
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
    refused("belongs to root, not to you");
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
    let on_the_way =
        status().env("VIRTUAL_ENV", "/elsewhere").env("VENVKEEP_ACTIVE", "/elsewhere").run().success();
    on_the_way.stdout_has("is active from the next prompt on").stdout_lacks("by hand");

    let cloned = ctx.project("cloned");
    cloned.venv_by_owner(Maker::VenvWithoutPip).build();
    let here = |project: &Project<'_>| project.venvkeep(["shims", "status"]).env("SHELL", "/bin/zsh").run();
    here(&cloned)
        .success()
        .stdout_has("did not say that you trust it")
        .stdout_has("        venvkeep trust\n");
    // Both reasons, since the one would be there without the other.
    let both = cloned.venvkeep(["shims", "status"]).env("VIRTUAL_ENV", "/elsewhere").run().success();
    both.stdout_has("did not say that you trust it")
        .stdout_has("/elsewhere was activated by hand")
        .stdout_has("        venvkeep trust\n        deactivate\n");
    cloned.venvkeep(["trust"]).run().success();
    here(&cloned).success().stdout_has("is activated in shells that were started with the shims");
    let of_root = ctx.project("of-root");
    of_root.venv_by_root(Maker::VenvWithoutPip).build();
    here(&of_root).success().stdout_has("belongs to root").stdout_has("        venvkeep heal\n");

    let linked = ctx.project("linked");
    symlink(project.path().join(".venv"), linked.path().join(".venv")).unwrap();
    here(&linked).success().stdout_has("linked/.venv is a link to it").stdout_has("        activate\n");
    let led = ctx.project("led");
    led.write(".venv", "one\ntwo\n");
    here(&led).success().stdout_has("led/.venv is a file that does not hold the path of an environment");

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
    // A project means its environment.
    ctx.run(["default", of_root.str()]).code(3).stderr_has("belongs to root, not to you");
    let env = of_root.path().join(".venv");
    ctx.run(["default", env.to_str().unwrap()]).code(3).stderr_has("belongs to root, not to you");
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
