//! What a user does all day: in and out of projects.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use venvkeep_testkit::{Context, Maker, Who};

use super::{Session, Shell, shells, trusted};
use crate::VENVKEEP;

/// A name with everything that a shell might read as something else.
const AWKWARD: &str = "it's \"$x\" é 🚒";

/// What makes the rest of the session write what it says on stderr into a file in the home.
fn catching_stderr(shell: Shell, home: &Path) -> String {
    let stderr = shell.quoted(&home.join("stderr").to_string_lossy());
    // fish cannot redirect itself: another one, in it.
    if shell == Shell::Fish {
        format!("{} 2>{stderr}", shell.started(home).join(" "))
    } else {
        format!("exec 2>{stderr}")
    }
}

#[test]
fn one_scenario_in_every_shell() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (first, first_env) = trusted(&ctx, AWKWARD);
    let (_, second_env) = trusted(&ctx, "second");
    fs::create_dir_all(first.path().join("sub/deep")).unwrap();
    for (shell, whole) in shells().into_iter().flat_map(|shell| [(shell, false), (shell, true)]) {
        let session = Session::new(&ctx, shell);
        let session = if whole { session.whole() } else { session };
        let awkward = shell.quoted(AWKWARD);
        let catch = catching_stderr(shell, &ctx.home(Who::User));
        let notes = session.types(&[
            catch.as_str(),
            "report start",
            &format!("cd {awkward}"),
            "report in",
            "cd sub/deep",
            "report below",
            "cd ~/second",
            "report switched",
            "cd -",
            "report back",
            "cd",
            "report out",
            "cd second",
            "deactivate || echo it failed >&2",
            "report off",
            "cd .",
            "report held",
            "activate",
            "report again",
            "cd",
            "report left",
            "activate second",
            "cd /",
            "report asked",
            "deactivate",
            "cd",
            "report end",
            if shell == Shell::Fish { "exit" } else { "true" },
        ]);
        notes.quiet();
        let start = notes.note("start");
        assert_eq!(start.prompt, "<P>");
        notes.inactive("start").active("in", &first_env).active("below", &first_env);
        assert_eq!(notes.note("in").prompt, "(itsx) <P>");
        assert_eq!(notes.note("in").environment["VIRTUAL_ENV_PROMPT"], "itsx");
        notes.active("switched", &second_env).active("back", &first_env).active("again", &second_env);
        notes.active("asked", &second_env);
        assert_eq!(notes.note("switched").prompt, "(second) <P>");
        for name in ["out", "off", "held", "left", "end"] {
            assert_eq!(notes.note(name), start, "{shell:?} at {name}");
        }
        let said = fs::read_to_string(ctx.home(Who::User).join("stderr")).unwrap();
        let rest = ["(itsx) ", "(second) ", "<P>"].iter().fold(said, |said, one| said.replace(one, ""));
        assert_eq!(rest.trim_matches(['\n', ' ']).replace("exit", ""), "", "{shell:?}");
    }
}

#[test]
fn the_nearest_wins_up_to_home_and_by_usual_names() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (outer, outer_env) = trusted(&ctx, "outer");
    outer.venvkeep(["new", "-q", "--seed", "none", "inner/venv"]).run().success();
    outer.venvkeep(["new", "-q", "--seed", "none", "inner/env"]).run().success();
    outer.venvkeep(["new", "-q", "--seed", "none", "other/env"]).run().success();
    // Somebody else's home lies in a project of the user's: what is above HOME is not looked at.
    for shell in shells() {
        let notes = Session::new(&ctx, shell).types(&[
            "cd outer/inner",
            "report inner",
            "cd ../other",
            "report other",
            "cd ..",
            "report outer",
        ]);
        notes.quiet().active("inner", &outer.path().join("inner/venv"));
        notes.active("other", &outer.path().join("other/env")).active("outer", &outer_env);
    }
    let project = ctx.project_at(ctx.home(Who::User), Who::User);
    project.venvkeep(["new", "-q", "--seed", "none", "."]).run().success();
    fs::create_dir(project.path().join("inside")).unwrap();
    for shell in shells() {
        let inside = project.path().join("inside");
        let home = shell.export("HOME", &inside.to_string_lossy());
        let state = shell.export("XDG_STATE_HOME", &project.path().join(".local/state").to_string_lossy());
        let notes = Session::new(&ctx, shell).types(&[
            &home,
            &state,
            "cd inside",
            "report inside",
            "cd ..",
            "report above",
        ]);
        notes.inactive("inside").active("above", &project.path().join(".venv"));
    }
}

#[test]
fn a_project_behind_a_linked_directory_is_active_at_its_physical_place() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let around = ctx.project("around");
    let (project, environment) = trusted(&ctx, "around/proj");
    symlink(around.path(), ctx.home(Who::User).join("linked")).unwrap();
    symlink(project.path(), ctx.home(Who::User).join("project-link")).unwrap();
    for shell in shells() {
        let notes = Session::new(&ctx, shell).types(&[
            "cd linked/proj",
            "report in",
            "cd",
            "report out",
            "cd project-link",
            "report link",
        ]);
        notes.quiet().active("in", &environment).inactive("out").active("link", &environment);
    }
}

#[test]
fn what_the_user_changed_meanwhile_stays() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    for shell in shells() {
        let (prompt, path) = match shell {
            Shell::Fish => ("true", "set -gx PATH /mine $PATH /also"),
            _ => ("PS1=\"[$PS1]\"", "PATH=/mine:$PATH:/also"),
        };
        let notes = Session::new(&ctx, shell).types(&[
            "report start",
            "cd proj",
            path,
            prompt,
            "report in",
            "cd",
            "report out",
        ]);
        notes.quiet();
        let (start, out) = (notes.note("start"), notes.note("out"));
        assert_eq!(notes.note("in").active(), Some(environment.as_path()));
        assert_eq!(out.path(), format!("/mine:{}:/also", start.path()), "{shell:?}");
        assert_eq!(out.active(), None);
        if shell != Shell::Fish {
            assert_eq!(out.prompt, "[<P>]", "{shell:?}");
        }
    }
}

#[test]
fn an_environment_of_roots_is_named_once_and_active_once_it_is_healed() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for shell in shells() {
        let project = ctx.project(&format!("proj-{}", shell.name()));
        let env = project.venv_by_root(Maker::VenvWithoutPip).build();
        let enter = format!("cd ~/{}", project.path().file_name().unwrap().to_string_lossy());
        let notes = Session::new(&ctx, shell).types(&[
            enter.as_str(),
            "report before",
            "cd",
            &enter,
            "cd",
            &enter,
            "venvkeep heal -q",
            "report after",
            "cd",
            "report out",
            &enter,
            "venvkeep undo -q",
            "report undone",
            "venvkeep undo -q",
            "report redone",
        ]);
        let line =
            format!("venvkeep: {} belongs to root, not to you; to make it yours: venvkeep heal", env.str());
        assert_eq!(notes.times(&line), 1, "{}", notes.shown);
        assert_eq!(notes.times("venvkeep:"), 1, "{}", notes.shown);
        notes.inactive("before").active("after", env.path()).inactive("out");
        notes.inactive("undone").active("redone", env.path());
    }
}

#[test]
fn the_notice_can_be_silenced_and_all_of_it_turned_off() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("of-root");
    project.venv_by_root(Maker::VenvWithoutPip).build();
    let (_, environment) = trusted(&ctx, "proj");
    for shell in shells() {
        let notes =
            Session::new(&ctx, shell).env("VENVKEEP_QUIET", "1").types(&["cd of-root", "report quiet"]);
        notes.quiet().inactive("quiet");
        let off = shell.export("VENVKEEP_DISABLE", "1");
        let on = if shell == Shell::Fish { "set -e VENVKEEP_DISABLE" } else { "unset VENVKEEP_DISABLE" };
        let lines = ["cd proj", &off, "report off", "venvkeep shims status", on, "report on"];
        let notes = Session::new(&ctx, shell).env("NO_COLOR", "1").types(&lines);
        notes.inactive("off").active("on", &environment);
        assert!(
            notes.shown.stdout.contains(&format!("VENVKEEP_DISABLE is set\r\n        {on}\r\n")),
            "{}",
            notes.shown
        );
        let notes =
            Session::new(&ctx, shell).env("VIRTUAL_ENV_DISABLE_PROMPT", "1").types(&["cd proj", "report in"]);
        notes.active("in", &environment);
        assert_eq!(notes.note("in").prompt, "<P>");
    }
}

#[test]
fn what_venvkeep_changed_shows_at_the_next_prompt() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for shell in shells() {
        let name = format!("proj-{}", shell.name());
        let project = ctx.project(&name);
        let environment = project.path().join(".venv");
        let notes = Session::new(&ctx, shell).types(&[
            format!("cd {name}").as_str(),
            "venvkeep new -q --seed none",
            "report made",
            "venvkeep untrust -q",
            "report untrusted",
            "venvkeep trust -q",
            "report trusted",
            "venvkeep remove -q .venv",
            "report removed",
            "venvkeep undo -q .venv",
            "report returned",
            "rm -r .venv",
            "report gone",
        ]);
        notes
            .active("made", &environment)
            .inactive("untrusted")
            .active("trusted", &environment)
            .inactive("removed")
            .active("returned", &environment)
            .inactive("gone");
    }
}

#[test]
fn what_is_read_later_may_be_gone_or_another_by_then() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    ctx.project("of-root").venv_by_root(Maker::VenvWithoutPip).build();
    for shell in shells() {
        let rest = format!("~/settings/shim.{}", shell.name());
        let start = format!("source ~/settings/shim-start.{}", shell.name());
        // As after `shims uninstall`, in a shell that has not needed it so far, and in one that has.
        let gone = format!("mv {rest} ~/away");
        let notes = Session::new(&ctx, shell).types(&[
            "report start",
            gone.as_str(),
            "cd proj",
            "report in",
            "cd ~/of-root",
            "report theirs",
            "venvkeep list -q >/dev/null",
            "cd",
            "report out",
        ]);
        notes.quiet().inactive("in").inactive("theirs");
        assert_eq!(notes.note("out"), notes.note("start"), "{shell:?}");
        let notes =
            Session::new(&ctx, shell).types(&["cd proj", &gone, "report in", "deactivate", "report off"]);
        notes.quiet().active("in", &environment).inactive("off");
        // Somebody else's is not read; the user's new one is, by a shell that reads its part of it again.
        let read = format!("sed -i 's/^# ---- rare ----/echo read-{}-again/' {rest}", shell.name());
        let notes = Session::new(&ctx, shell).types(&[
            read.as_str(),
            "cd proj",
            "report in",
            "cd",
            &start,
            "cd proj",
            "report again",
            "deactivate",
            "report off",
        ]);
        notes.active("in", &environment).active("again", &environment).inactive("off");
        assert_eq!(notes.times(&format!("read-{}-again\r\n", shell.name())), 2, "{}", notes.shown);
        let other = format!("cp {rest} ~/away; rm {rest}; ln -s /etc/passwd {rest}");
        let notes = Session::new(&ctx, shell).types(&[other.as_str(), "cd proj", "report in"]);
        notes.quiet().inactive("in");
        std::fs::remove_file(ctx.home(Who::User).join(format!("settings/shim.{}", shell.name()))).unwrap();
    }
}

#[test]
fn a_second_word_is_not_ignored() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    trusted(&ctx, "other");
    for shell in shells() {
        let notes = Session::new(&ctx, shell).types(&[
            "cd proj",
            "activate proj other",
            "report still",
            "venvkeep -q activate other",
            "report there",
        ]);
        notes.active("still", &environment).active("there", &environment);
        assert_eq!(notes.times("\"other\" is one word too many"), 1, "{}", notes.shown);
        assert_eq!(
            notes.times("Type it first, with an environment or nothing behind it"),
            1,
            "{}",
            notes.shown
        );
        assert_eq!(notes.times("does not have"), 0, "the shell has the shims: {}", notes.shown);
    }
}

#[test]
fn in_a_shell_with_the_shims_the_program_speaks_of_them() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    trusted(&ctx, "around");
    for shell in shells() {
        let name = shell.name();
        let shown = |lines: &[&str]| Session::new(&ctx, shell).env("NO_COLOR", "1").types(lines).shown.stdout;
        let made = shown(&[&format!("venvkeep new --seed none {name}")]);
        assert!(made.contains(&format!("where you enter its directory: cd {name}")), "{made}");
        let here = shown(&[&format!("mkdir {name}-2; cd {name}-2"), "venvkeep new --seed none"]);
        assert!(here.contains("It is active from the next prompt on"), "{here}");
        let odd = shown(&[&format!("venvkeep new --seed none ./{name}-3/tools")]);
        assert!(odd.contains(&format!("Activate it with: activate {name}-3/tools")), "{odd}");
        let status = shown(&["cd around", "deactivate", "venvkeep shims status"]);
        assert!(status.contains("you deactivated it in this shell"), "{status}");
        let next = shown(&["cd around", &format!("cd ../{name}; venvkeep shims status")]);
        if shell == Shell::Bash {
            assert!(next.contains("is active from the next prompt on, instead of"), "{next}");
        } else {
            assert!(next.contains("/.venv is active"), "{next}");
        }
    }
}

#[test]
fn for_root_nothing_is_activated_unless_asked_for() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project_of(Who::Root, "proj");
    project.venvkeep(["new", "-q", "--seed", "none", "."]).run().success();
    let environment = project.path().join(".venv");
    assert!(!environment.join(".venvkeep").exists());
    for shell in shells() {
        let notes = Session::new(&ctx, shell).by(Who::Root).types(&[
            "cd proj",
            "report in",
            "activate .venv",
            "report asked",
            "deactivate",
            "report off",
        ]);
        notes.quiet().inactive("in").active("asked", &environment).inactive("off");
    }
}
