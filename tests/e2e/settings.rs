//! `config.toml`: what cannot be used of it is said, and does not count.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use venvkeep_testkit::{Context, Who};

use crate::VENVKEEP;

#[test]
fn settings_that_cannot_be_used_are_said_once_by_every_command() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let config =
        home.write(".config/venvkeep/config.toml", "trusted-owners = []\n[scan]\nignore = [\"a/b\"]\n");
    let times = |said: &str| said.matches("config.toml").count();
    // A mistake keeps nobody from working; only who needs the settings stops.
    for words in
        [&["check"][..], &["freeze"], &["heal"], &["list"], &["pythons"], &["trust"], &["prune"], &["doctor"]]
    {
        let output = project.venvkeep(words).run();
        let output = output.stderr_has("(line 3); until that is put right, nothing in it counts");
        assert_eq!(times(&output.stderr), 1, "{output}");
        assert!(output.status.code() < Some(2), "{output}");
    }
    for words in [&["scan", "."][..], &["heal", "--all", "."]] {
        let output = project.venvkeep(words).run().code(2).stderr_has("(line 3)");
        assert_eq!(times(&output.stderr.replace("docs/scan.md", "")), 1, "{output}");
    }
    project.venvkeep(["check", "--quiet"]).run().success().stderr_lacks("config.toml");
    project
        .venvkeep(["__complete", "bash", "2", "venvkeep", "check", "p"])
        .run()
        .success()
        .stderr_lacks("config");

    // Nor do they count where others can exchange the file, by what is its own directory or by where it really lies.
    fs::write(&config, "trusted-owners = [\"daemon\"]\n").expect("root may");
    project.venvkeep(["scan", "."]).run().success();
    let place = config.parent().expect("it has one");
    let open = |directory: &Path, mode| {
        fs::set_permissions(directory, Permissions::from_mode(mode)).expect("root may");
    };
    let refused = |directory: &Path| {
        open(directory, 0o777);
        let said = format!("chmod go-w {}", directory.display());
        project.venvkeep(["scan", "."]).run().code(2).stderr_has(&said);
        project.venvkeep(["check"]).run().success().stderr_has("others than you can change");
        open(directory, 0o755);
    };
    refused(place);
    let elsewhere = home.path().join("dotfiles");
    home.write("dotfiles/settings.toml", "trusted-owners = [\"daemon\"]\n");
    fs::remove_file(&config).expect("root may");
    symlink(elsewhere.join("settings.toml"), &config).expect("root may");
    project.venvkeep(["scan", "."]).run().success();
    refused(&elsewhere);
    refused(place);
    // Somebody else's directory is not the user's to close.
    ctx.program(Who::Root, "chown").arg(Who::Other.uid().to_string()).arg(&elsewhere).run().success();
    project.venvkeep(["scan", "."]).run().code(2).stderr_has("is not yours").stderr_lacks("chmod");
}
