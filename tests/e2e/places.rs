//! Every place where an environment may stand: odd paths, links, copies, and places where nothing can be moved aside.
//! There the message names the way out as a command, and the tests run that command as it is printed.
//!
//! | place | where |
//! |---|---|
//! | spaces, quotes, unicode, 200 characters | here |
//! | line break, colon, not UTF-8 | here: refused, with `--to` as the way out |
//! | copied; made through a link; a `.venv` that is a link | here; moved in `reuse` |
//! | a directory of root's, a sticky one | here; by a `--to` of the user's own in `elsewhere` |
//! | a mount point, on another file system or the same; a lower layer of an overlay | here |

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Environment, Maker, Mount, Output, Project, Who, fingerprint, owners};

use crate::VENVKEEP;
use crate::support::{
    Before, accounted, assert_healed, assert_works, finding_codes, first_environment, lines, names_in,
};

const PACKAGES: [&str; 4] = ["with-deps[more]", "with-scripts", "Odd.Name_x", "ns-part"];

/// The command with `--to` in what was said.
fn way_out(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("venvkeep heal --to ")).unwrap_or_default();
    assert!(!line.is_empty(), "no way out is named: {said}");
    line[line.find("venvkeep heal").unwrap_or_default()..].to_owned()
}

/// Runs a printed command line as a user who pastes it would, and gives the new environment's path.
fn paste(ctx: &Context, project: &Project<'_>, command: &str) -> PathBuf {
    let command = command.replacen("venvkeep heal", "\"$VENVKEEP\" heal --json --offline", 1);
    let program = project.venvkeep([""; 0]);
    let shell = ctx.program(Who::User, "bash").args(["-c", &command]).current_dir(project.path());
    let report = shell.env("VENVKEEP", program.program()).run().success();
    accounted(&report);
    PathBuf::from(first_environment(&report)["path"].as_str().unwrap_or_default())
}

/// The heal is refused and changes nothing; `check` and the refusal name the same command, and that heals.
fn heals_elsewhere(ctx: &Context, project: &Project<'_>, path: &Path) -> (Output, PathBuf) {
    let before = fingerprint(project.path());
    let told = project.venvkeep([OsStr::new("check"), path.as_os_str()]).run();
    let refused =
        project.venvkeep([OsStr::new("heal"), OsStr::new("--force"), path.as_os_str()]).run().code(3);
    before.assert_same_but_for_times(&fingerprint(project.path()));
    let command = way_out(&refused.stderr);
    // What only trying tells, the check does not know.
    if told.stdout.contains("--to") {
        assert_eq!(way_out(&told.stdout), command);
    }
    let new = paste(ctx, project, &command);
    assert_eq!(owners(&new).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
    ctx.venvkeep([OsStr::new("check"), new.as_os_str()]).run().success();
    let with_scripts = ctx.program(Who::User, new.join("bin/with-scripts"));
    with_scripts.run().success().stdout_is("with-scripts works\n");
    (refused, new)
}

#[test]
fn odd_paths() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let long = ["deep"; 40].join("/");
    for name in ["a b", "it's \"quoted\" $HOME `x` \\n", "größe 🐍 ключ", &long] {
        let project = ctx.project(name);
        let env = project.venv_by_root(Maker::VenvWithoutPip).packages(PACKAGES).build();
        let before = Before::of(&env);
        let heal = project.venvkeep(["heal", "--offline", "--json"]).index_unreachable();
        assert_healed(&ctx, &project, &env, &before, &heal.run().success());
        let show = ". .venv/bin/activate && command -v with-scripts && with-scripts";
        let shell = ctx.program(Who::User, "bash").args(["-c", show]).current_dir(project.path());
        let expected = format!("{}\nwith-scripts works\n", env.bin("with-scripts").display());
        shell.run().success().stdout_is(&expected);
        project.venvkeep(["undo"]).run().success();
        let fetched = project.venvkeep(["heal", "--from", "index", "--discard", "--json"]);
        accounted(&fetched.wheels_only(ctx.wheels()).run().success());
        assert_works(&ctx, &env);
    }
}

/// `python -m venv` makes the first of them; the others come about by renaming.
#[test]
fn paths_that_no_script_can_name_are_refused_and_heal_elsewhere() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for (name, why) in [(&b"new\nline"[..], "line break"), (b"co:lon", "colon"), (b"n\xffo", "UTF-8")] {
        let made = ctx.project("plain");
        let env = made.venv_by_root(Maker::VenvWithoutPip).packages(["with-scripts"]).build();
        let frozen = env.freeze();
        let project = ctx.project_at(ctx.home(Who::User).join(OsStr::from_bytes(name)), Who::User);
        let env = env.move_to(project.path().join(".venv"));
        let (refused, new) = heals_elsewhere(&ctx, &project, env.path());
        refused.stderr_has(why).stderr_has("Rename the directory").stderr_lacks("\u{fffd}");
        let freeze = ctx.venvkeep([OsStr::new("freeze"), new.as_os_str()]).run().success();
        assert_eq!(lines(&freeze), frozen);
    }
}

#[test]
fn a_copy_is_healed_and_the_original_left_alone() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let original = ctx.project("original");
    let env = original.venv_by_root(Maker::VenvWithoutPip).packages(PACKAGES).build();
    let project = ctx.project("copy");
    ctx.program(Who::User, "cp").args(["-a", env.str(), project.str()]).run().success();
    let before = fingerprint(env.path());
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    assert_eq!(finding_codes(&report).into_iter().collect::<Vec<_>>(), ["moved"], "{report}");
    accounted(&project.venvkeep(["heal", "--offline", "--json"]).index_unreachable().run().success());
    before.assert_unchanged();

    fs::rename(original.path(), ctx.home(Who::User).join("away")).unwrap();
    let copy = Environment::at(&ctx, project.path().join(".venv"), Maker::VenvWithoutPip, Who::User);
    assert_works(&ctx, &copy);
    project.venvkeep(["check"]).run().success();
}

#[test]
fn behind_a_link_the_environment_is_healed_and_the_link_stays() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, real) = (ctx.project("proj"), ctx.project("envs"));
    // The way to the environment goes through a link when it is made, and it bakes that in.
    let through = ctx.home(Who::User).join("through");
    symlink(real.path(), &through).unwrap();
    let env = real.venv_by_root(Maker::VenvWithoutPip).at(through.join("mine")).packages(PACKAGES).build();
    symlink("../envs/mine", project.path().join(".venv")).unwrap();
    let report = project.venvkeep(["check", "--json"]).run().code(1);
    assert_eq!(finding_codes(&report).into_iter().collect::<Vec<_>>(), ["foreign-owner"], "{report}");
    let frozen = env.freeze_all();

    let link = "/proj/.venv is a link to the environment ";
    project.venvkeep(["check"]).run().code(1).stderr_has(link).stderr_has("/envs/mine");
    let heal = project.venvkeep(["heal", "--offline", "--json"]).run().success();
    accounted(&heal.stderr_has(link).stderr_has("/envs/mine"));
    let target = real.path().join("mine");
    assert_eq!(fs::read_link(project.path().join(".venv")).unwrap(), Path::new("../envs/mine"));
    assert_eq!(names_in(project.path()).len(), 1);
    assert_eq!(owners(&target).into_iter().collect::<Vec<_>>(), [Who::User.uid()]);
    assert_eq!(env.freeze_all(), frozen);
    assert_works(&ctx, &env);
    project.venvkeep(["check"]).run().success();
    project.venvkeep(["undo"]).run().success();
    assert_eq!(owners(&target).into_iter().collect::<Vec<_>>(), [0]);
}

#[test]
fn in_a_directory_of_roots() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_at(ctx.area().join("srv/an app"), Who::Root);
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-scripts"]).build();
    env.dangle_interpreter();
    let here = ctx.project("here");
    let (refused, new) = heals_elsewhere(&ctx, &here, env.path());
    refused.stderr_has("you may not write the directory around it");
    assert_eq!(new, ctx.home(Who::User).join("an-app/.venv"));
    // Once more, the place is taken and another one is named.
    let (_, new) = heals_elsewhere(&ctx, &here, env.path());
    assert_eq!(new, ctx.home(Who::User).join("an-app-2/.venv"));
}

#[test]
fn in_a_sticky_directory() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_at(ctx.area().join("shared"), Who::Root);
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-scripts"]).build();
    env.chmod(project.path(), 0o1777);
    env.dangle_interpreter();
    let here = ctx.project("here");
    let report = ctx.venvkeep(["check", env.str(), "--json"]).run().code(1);
    assert!(finding_codes(&report).contains("parent-sticky"), "{report}");
    let before = fingerprint(env.path());
    let (refused, new) = heals_elsewhere(&ctx, &here, env.path());
    refused.stderr_has("sticky");
    assert_eq!(new, ctx.home(Who::User).join("shared/.venv"));
    before.assert_unchanged();
    assert_eq!(names_in(project.path()).len(), 1, "{:?}", names_in(project.path()));
}

#[test]
fn a_mount_point() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    // A volume of its own, and a directory of the same file system: no number of a device tells of the second.
    for same_device in [false, true] {
        let project = ctx.project(if same_device { "bound" } else { "volume" });
        let place = project.path().join(".venv");
        let volume = ctx.project("data");
        let mounted = if same_device { Mount::bind(volume.path(), &place) } else { Mount::temporary(&place) };
        let Some(_mounted) = mounted else { return };
        let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-scripts"]).build();
        let report = project.venvkeep(["check", "--json"]).run().code(1);
        assert!(finding_codes(&report).contains("mount-point"), "{report}");
        let (refused, new) = heals_elsewhere(&ctx, &project, env.path());
        refused.stderr_has("mounted");
        assert_eq!(new, project.path().join("venv"));
    }
}

#[test]
fn a_lower_layer_of_an_overlay() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let place = ctx.home(Who::User).join("image");
    // The image's layers have the path that the container sees.
    let project = ctx.project_at(place.join("app"), Who::User);
    let env = project.venv_by_root(Maker::VenvWithoutPip).packages(["with-scripts"]).build();
    let Some(_mounted) = Mount::overlay(&place) else { return };
    let (refused, new) = heals_elsewhere(&ctx, &project, env.path());
    refused.stderr_has("lower layer");
    assert_eq!(new, project.path().join("venv"));
    assert_eq!(names_in(project.path()).len(), 2, "{:?}", names_in(project.path()));
    // What the heal made is no lower layer's: it moves.
    fs::write(new.join("pyvenv.cfg"), "").unwrap();
    ctx.venvkeep(["heal", "--offline", new.to_str().unwrap()]).run().success();
}
