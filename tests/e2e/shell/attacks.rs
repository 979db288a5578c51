//! What others put in the way is never active, and nothing of it runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use venvkeep_testkit::{Context, Traps, Who};

use super::{Notes, Session, Shell, chmod, shells, trusted};
use crate::VENVKEEP;

/// What people, and their prompts, run.
const BAIT: [&str; 6] = ["git", "ls", "python3", "stat", "id", "cat"];

/// Goes there in every shell and runs what people run; nothing of the environment may have been started.
#[track_caller]
fn assert_never_active(ctx: &Context, place: &Path, traps: &Traps) {
    for shell in shells() {
        let enter = format!("cd {}", shell.quoted(&place.to_string_lossy()));
        let notes = Session::new(ctx, shell).types(&[
            enter.as_str(),
            "git --version >/dev/null",
            "ls >/dev/null",
            "python3 --version",
            "report in",
            "cd .",
            "cd",
            "report out",
        ]);
        notes.inactive("in").inactive("out");
        traps.assert_untouched();
    }
}

/// A trusted project in which somebody has laid traps since, to be taken elsewhere.
fn with_traps(ctx: &Context, name: &str) -> (std::path::PathBuf, Traps) {
    let (project, environment) = trusted(ctx, name);
    let traps = ctx.traps(name);
    traps.set_programs(&environment.join("bin"), &BAIT);
    (project.path().to_owned(), traps)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn run(ctx: &Context, who: Who, program: &str, args: &[&str]) {
    ctx.program(who, program).args(args).run().success();
}

#[test]
fn the_traps_would_be_sprung() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, traps) = with_traps(&ctx, "proj");
    Session::new(&ctx, Shell::Bash).types(&["cd proj", "git --version"]).quiet();
    assert_eq!(traps.sprung(), ["git"]);
}

#[test]
fn a_copy_brings_its_token_to_another_place() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let home = ctx.home(Who::User);
    let (from, copy) = (project.to_string_lossy().into_owned(), home.join("copy"));
    run(&ctx, Who::User, "cp", &["-a", &from, &copy.to_string_lossy()]);
    assert!(copy.join(".venv/.venvkeep").is_file());
    assert_never_active(&ctx, &copy, &traps);

    let archive = home.join("archive.tar").to_string_lossy().into_owned();
    run(&ctx, Who::User, "tar", &["-cf", &archive, "-C", &from, ".venv"]);
    let unpacked = ctx.project("unpacked");
    run(&ctx, Who::User, "tar", &["-xf", &archive, "-C", unpacked.str()]);
    assert_never_active(&ctx, unpacked.path(), &traps);

    // Where the trusted one stood there is now the copy, and the token is another's.
    fs::rename(&project, home.join("moved")).unwrap();
    assert_never_active(&ctx, &home.join("moved"), &traps);
}

#[test]
fn tokens_that_are_none() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let state = ctx.home(Who::User).join(".local/state/venvkeep/trusted");
    let mark = project.join(".venv/.venvkeep");
    let token = fs::read_to_string(&mark).unwrap();
    let record = fs::read(state.join(token.trim_end())).unwrap();
    // A record that lies where no token may lead.
    let outside = ctx.project_at(ctx.home(Who::User).join(".local/state/venvkeep/t"), Who::User);
    // As long as a token, so that it is refused for what it is.
    let outside_name = "abcdef0123456789abcdef01234";
    let traversal = format!("../t/{outside_name}");
    assert_eq!(traversal.len(), token.trim_end().len());
    outside.write(outside_name, &record);
    for wrong in [
        "",
        "\n",
        "0123",
        &token.to_uppercase(),
        &format!("{traversal}\n"),
        &format!("{token}and more\n"),
        &format!("{token}\n"),
        // As the program reads it.
        token.trim_end(),
        "*\n",
        "$(touch pwned)\n",
    ] {
        fs::write(&mark, wrong).unwrap();
        assert_never_active(&ctx, &project, &traps);
    }
    // Reading it whole would take the prompt away for hours, and the memory with it.
    fs::write(&mark, "x").unwrap();
    fs::File::options().write(true).open(&mark).unwrap().set_len(1 << 36).unwrap();
    assert_never_active(&ctx, &project, &traps);
    fs::remove_file(&mark).unwrap();
    symlink(state.join(token.trim_end()), &mark).unwrap();
    assert_never_active(&ctx, &project, &traps);
    // Nobody ever writes into these, and a shell that opens one waits.
    for place in [&mark, &state.join(token.trim_end()), &project.join(".venv/pyvenv.cfg")] {
        let kept = fs::read(place).unwrap();
        fs::remove_file(place).unwrap();
        run(&ctx, Who::User, "mkfifo", &[&place.to_string_lossy()]);
        assert_never_active(&ctx, &project, &traps);
        fs::remove_file(place).unwrap();
        fs::write(place, kept).unwrap();
        chown(place, Some(Who::User.uid()), None).unwrap();
    }
    fs::write(&mark, &token).unwrap();
    let notes = Session::new(&ctx, Shell::Bash).types(&["cd proj", "report in"]);
    notes.active("in", &project.join(".venv"));
}

#[test]
fn another_users_project_is_never_active() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let theirs = ctx.project_of(Who::Other, "theirs");
    let copied = theirs.path().join(".venv");
    run(&ctx, Who::Root, "cp", &["-a", &project.join(".venv").to_string_lossy(), &copied.to_string_lossy()]);
    assert_never_active(&ctx, theirs.path(), &traps);
    run(&ctx, Who::Root, "chown", &["-R", "12346:12346", &copied.to_string_lossy()]);
    assert_never_active(&ctx, theirs.path(), &traps);
    // In a project of the user's it is named, and not active.
    let mine = ctx.project("mine");
    fs::rename(&copied, mine.path().join(".venv")).unwrap();
    let notes = Session::new(&ctx, Shell::Bash).types(&["cd mine", "report in"]);
    notes.inactive("in");
    assert_eq!(notes.times("belongs to user number 12346"), 1, "{}", notes.shown);
}

#[test]
fn a_huge_file_in_the_environments_place_is_not_read() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let file = fs::File::options().write(true).open(project.write(".venv", "x")).unwrap();
    file.set_len(1 << 36).unwrap();
    for shell in shells() {
        Session::new(&ctx, shell)
            .types(&["cd proj", "report in", "cd", "report out"])
            .inactive("in")
            .inactive("out");
    }
}

#[test]
fn every_part_has_to_be_the_users() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let records = ctx.home(Who::User).join(".local/state/venvkeep/trusted");
    let token = fs::read_to_string(project.join(".venv/.venvkeep")).unwrap();
    let parts = [
        project.clone(),
        project.join(".venv"),
        project.join(".venv/bin"),
        project.join(".venv/pyvenv.cfg"),
        project.join(".venv/.venvkeep"),
        records.join(token.trim_end()),
        records,
    ];
    for part in parts {
        let mode = mode(&part);
        // Readable, so that only its owner speaks against it.
        chmod(&part, mode | 0o055);
        chown(&part, Some(Who::Other.uid()), None).unwrap();
        assert_never_active(&ctx, &project, &traps);
        chown(&part, Some(Who::User.uid()), None).unwrap();
        chmod(&part, mode);
    }
    let notes = Session::new(&ctx, Shell::Bash).types(&["cd proj", "report in"]);
    notes.active("in", &project.join(".venv"));
}

#[test]
fn where_others_may_add_names_nothing_is_trusted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let environment = project.join(".venv");
    for part in [environment.clone(), environment.join("bin")] {
        let before = mode(&part);
        chmod(&part, 0o1777);
        assert_never_active(&ctx, &project, &traps);
        let refused = ctx.run(["trust", "proj"]).code(4);
        refused.stderr_has("other users can change").stderr_has(&part.to_string_lossy());
        ctx.run(["activate", "--for-shell", "proj/.venv"]).code(4).stderr_has("other users can change");
        chmod(&part, before);
    }
    // Deeper down as well: one more module is enough.
    let site = environment.join("lib");
    chmod(&site, 0o1777);
    ctx.run(["trust", "proj"]).code(4).stderr_has("other users can change");
    ctx.run(["check", "proj/.venv"]).code(1).stdout_has("world-writable");
    ctx.run(["heal", "proj/.venv"]).code(4).stderr_has("--trust-owner");
    chmod(&site, 0o755);
    ctx.run(["trust", "proj"]).success();
}

#[test]
fn links_are_not_followed_into_an_environment() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, traps) = with_traps(&ctx, "proj");
    let linked = ctx.project("linked");
    symlink(project.join(".venv"), linked.path().join(".venv")).unwrap();
    assert_never_active(&ctx, linked.path(), &traps);
    for part in ["bin", "pyvenv.cfg"] {
        let place = project.join(".venv").join(part);
        fs::rename(&place, project.join("elsewhere")).unwrap();
        symlink(project.join("elsewhere"), &place).unwrap();
        assert_never_active(&ctx, &project, &traps);
        fs::remove_file(&place).unwrap();
        fs::rename(project.join("elsewhere"), &place).unwrap();
    }
}

#[test]
fn what_others_can_change_is_not_trusted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let around = ctx.project("around");
    let (project, environment) = trusted(&ctx, "around/proj");
    ctx.run(["untrust", project.str()]).success();
    for (place, name) in [
        (environment.join("bin"), "bin"),
        (environment.join("pyvenv.cfg"), "pyvenv.cfg"),
        (project.path().to_owned(), "proj"),
        (around.path().to_owned(), "around"),
    ] {
        let mode = mode(&place);
        chmod(&place, mode | 0o002);
        ctx.run(["trust", project.str()]).code(4).stderr_has(name).stderr_has("other users can change");
        chmod(&place, mode);
    }
    let place = environment.join("bin/activate");
    chmod(&place, 0o666);
    ctx.run(["trust", project.str()]).code(4).stderr_has("other users can change");
    chmod(&place, 0o644);
    // As in /tmp, nobody can take away in a sticky directory what is not theirs.
    chmod(around.path(), 0o1777);
    ctx.run(["trust", project.str()]).success();
    if shells().contains(&Shell::Zsh) {
        chmod(&environment.join("bin"), 0o777);
        Session::new(&ctx, Shell::Zsh).types(&["cd around/proj", "report in"]).inactive("in");
    }
}

#[test]
fn what_is_swapped_under_a_shell_is_left() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for shell in shells() {
        let around = ctx.project(&format!("around-{}", shell.name()));
        let (_, environment) = trusted(&ctx, &format!("around-{}/proj", shell.name()));
        let evil = ctx.project_at(around.path().join("evil"), Who::Other);
        let copied = evil.path().join(".venv");
        run(&ctx, Who::Root, "cp", &["-a", &environment.to_string_lossy(), &copied.to_string_lossy()]);
        run(&ctx, Who::Root, "chown", &["-R", "12346:12346", evil.str()]);
        let traps = ctx.traps(&format!("swapped-{}", shell.name()));
        traps.set_programs(&copied.join("bin"), &BAIT);
        let around = shell.quoted(&around.path().to_string_lossy());
        // The user stands for whoever could rename there.
        let notes: Notes = Session::new(&ctx, shell).types(&[
            format!("cd {around}/proj").as_str(),
            "report in",
            &format!("mv {around}/proj {around}/away; mv {around}/evil {around}/proj"),
            "git --version >/dev/null",
            "report swapped",
            &format!("cd; cd {around}/proj"),
            "git --version >/dev/null",
            "report again",
        ]);
        notes.active("in", &environment).inactive("swapped").inactive("again");
        traps.assert_untouched();
    }
}

#[test]
fn names_are_not_code() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for name in [
        "$(touch pwned)",
        "`touch pwned`",
        "%n%(?.$(touch pwned).)",
        "\\u\\$(touch pwned)",
        "a;touch pwned",
        "(touch pwned)",
    ] {
        let (_, environment) = trusted(&ctx, name);
        ctx.project(&format!("plain {name}"))
            .venvkeep(["new", "-q", "--seed", "none", "--prompt", name])
            .run()
            .success();
        for shell in shells() {
            let subst = if shell == Shell::Zsh { "setopt prompt_subst" } else { "true" };
            let notes = Session::new(&ctx, shell).types(&[
                subst,
                &format!("cd {}", shell.quoted(name)),
                "report in",
                &format!("cd ~/{}", shell.quoted(&format!("plain {name}"))),
                "report prompt",
                "cd",
                "report out",
            ]);
            notes.active("in", &environment).inactive("out");
            let prompt = notes.note("prompt").prompt;
            let shown = prompt.trim_end_matches("<P>").trim_matches([' ', '(', ')']);
            assert!(
                shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte)),
                "{prompt}"
            );
        }
    }
    let found =
        ctx.program(Who::Root, "find").args([ctx.area().to_str().unwrap(), "-name", "pwned"]).run().success();
    assert_eq!(found.stdout, "");
}

/// The first part of a shim that is read by a relative path, or whose functions a child shell inherits, finds its second
/// part by no name of the working directory.
#[test]
fn no_file_of_the_working_directory_is_read() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let hostile = ctx.project("hostile");
    hostile.venvkeep(["new", "--seed", "none"]).run().success();
    let trap = ctx.home(Who::User).join("sprung");
    let code = format!("touch {}\n", trap.display());
    for name in ["environment.bash", "venvkeep.bash", "venvkeep.zsh", "venvkeep.fish", "main.bash"] {
        hostile.write(name, &code);
    }
    for shell in shells() {
        ctx.venvkeep(["shims", "install", shell.name()]).run().success();
        let shims = ctx.home(Who::User).join(".local/share/venvkeep/shims");
        let line = format!(
            "cd {}; . ./venvkeep-start.{}; cd {}; activate",
            shims.display(),
            shell.name(),
            hostile.str()
        );
        let program = ctx.program(Who::User, shell.name()).args(["-i", "-c", &line]);
        let program = program.path_first(ctx.program_directory());
        // That it cannot be activated so is no matter here.
        let _ = program.env("VENVKEEP_QUIET", "1").run();
        assert!(!trap.exists(), "{shell:?}");
    }
    let shim = ctx.home(Who::User).join(".local/share/venvkeep/shims/venvkeep-start.bash");
    let line = format!(
        "set -a; . {}; cd {}; bash --norc -i -c 'activate; :'; bash -c 'activate; :'",
        shim.display(),
        hostile.str()
    );
    let inherited = ctx.program(Who::User, "bash").args(["--norc", "-i", "-c", &line]);
    let _ = inherited.path_first(ctx.program_directory()).run();
    assert!(!trap.exists(), "inherited functions");
}
