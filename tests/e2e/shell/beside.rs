//! Beside other things that want the same variables: activation scripts, direnv, prompts, the user's own settings.

use std::fs;
use std::path::Path;

use venvkeep_testkit::{Context, Maker, Need, Who, require};

use super::{Notes, Session, Shell, shells, trusted};
use crate::VENVKEEP;

/// Python's own script for fish cannot bring back a prompt of the user's in fish before 3.1.
fn loses_prompt(shell: Shell) -> bool {
    shell == Shell::Fish && shell.is_another()
}

#[test]
fn an_activation_by_hand_is_respected_and_its_end_too() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let by_hand = ctx.project("by-hand").venv_by_owner(Maker::VenvWithoutPip).build();
    for shell in shells().into_iter().filter(|shell| !loses_prompt(*shell)) {
        let by_hand_line = shell.activation(by_hand.path());
        let notes = Session::new(&ctx, shell).types(&[
            "report start",
            by_hand_line.as_str(),
            "cd proj",
            "report respected",
            "deactivate",
            "report off",
            "cd .",
            "report still",
            "cd",
            "cd proj",
            "report on",
            // Over one that was activated on the way.
            by_hand_line.as_str(),
            "report over",
            "deactivate",
            "report again",
            "cd",
            "report end",
        ]);
        notes.quiet().active("respected", by_hand.path()).inactive("off").inactive("still");
        notes.active("on", &environment).active("over", by_hand.path()).inactive("again");
        for name in ["off", "again", "end"] {
            assert_eq!(notes.note(name), notes.note("start"), "{shell:?} at {name}");
        }
    }
}

#[test]
fn the_same_environment_by_its_own_script_is_there_once() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    for maker in [None, Some(Maker::VenvWithoutPip)] {
        for shell in shells().into_iter().filter(|shell| maker.is_none() || !loses_prompt(*shell)) {
            let name = format!("proj-{}-{}", shell.name(), maker.is_some());
            let environment = match maker {
                None => trusted(&ctx, &name).1,
                Some(maker) => {
                    let env = ctx.project(&name).venv_by_owner(maker).build();
                    ctx.run(["trust", env.str()]).success();
                    env.path().to_owned()
                }
            };
            let script = shell.activation(&environment);
            let notes = Session::new(&ctx, shell).types(&[
                "report start",
                &format!("cd {name}"),
                &script,
                "report twice",
                "deactivate",
                "report off",
                "cd",
                &format!("cd {name}"),
                &format!("{script}; deactivate"),
                "report both",
                "cd",
                "report end",
            ]);
            notes.quiet().active("twice", &environment);
            for name in ["off", "both", "end"] {
                assert_eq!(notes.note(name), notes.note("start"), "{shell:?} at {name}: {}", notes.shown);
            }
        }
    }
}

/// What a session under these settings shows of a visit.
fn visit(ctx: &Context, shell: Shell, before: &str, after: &str) -> Notes {
    let lines =
        ["report start", "cd proj", "report in", "cd", "report out", "sh -c 'exit 7'", "echo \"status $?\""];
    let lines =
        lines.map(|line| if shell == Shell::Fish { line.replace("$?", "$status") } else { line.to_owned() });
    Session::new(ctx, shell).before_shim(before).after_shim(after).types(&lines)
}

#[test]
fn the_users_own_settings_hold() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let status = r#"printf "%s;" "$?" >>"$HOME/statuses""#;
    let all = [
        (Shell::Bash, "set -u", ""),
        (Shell::Bash, "", "set -u"),
        (Shell::Bash, "set -a", "set +a"),
        (Shell::Bash, "set -f -o noclobber", "IFS=/v."),
        (Shell::Bash, "shopt -s failglob nullglob nocasematch extglob", ""),
        (Shell::Bash, "alias venvkeep='venvkeep -q' activate=true deactivate=false", ""),
        (Shell::Bash, "set -o posix", "set +o posix"),
        (Shell::Bash, &format!("PROMPT_COMMAND='{status}'"), ""),
        (Shell::Bash, &format!("PROMPT_COMMAND='{status}; '"), ""),
        (Shell::Bash, &format!("PROMPT_COMMAND=('{status}' true)"), ""),
        (Shell::Bash, "", &format!("PROMPT_COMMAND=\"$PROMPT_COMMAND;true\"; PROMPT_COMMAND+=('{status}')")),
        (Shell::Zsh, "setopt no_unset", ""),
        (Shell::Zsh, "setopt ksh_arrays sh_word_split glob_subst", ""),
        (Shell::Zsh, "setopt extended_glob no_match warn_create_global noclobber", ""),
        (Shell::Zsh, "setopt warn_nested_var", ""),
        (Shell::Zsh, "setopt ignore_braces", "unsetopt ignore_braces"),
        (Shell::Zsh, "setopt ignore_close_braces", "unsetopt ignore_close_braces"),
        (Shell::Zsh, "setopt sh_glob", ""),
        (Shell::Zsh, "alias venvkeep='venvkeep -q' activate=true deactivate=false", ""),
        (Shell::Zsh, "typeset -U path", ""),
        (Shell::Zsh, "setopt prompt_subst", ""),
        (Shell::Fish, "set -g fish_user_paths /users/own", ""),
    ];
    let here = shells();
    for (shell, before, after) in all.iter().filter(|(shell, ..)| here.contains(shell)) {
        // bash runs all of an array from version 5.1 on.
        if shell.is_another() && (before.contains("=(") || after.contains("=(")) {
            continue;
        }
        let statuses = ctx.home(Who::User).join("statuses");
        fs::remove_file(&statuses).ok();
        let notes = visit(&ctx, *shell, before, after);
        notes.quiet().active("in", &environment);
        assert_eq!(notes.note("start"), notes.note("out"), "{before} {after}");
        assert!(notes.times("status 7") >= 1, "{before} {after}: {}", notes.shown);
        if before.contains("statuses") || after.contains("statuses") {
            let seen = fs::read_to_string(&statuses).unwrap_or_default();
            assert!(seen.contains("7;"), "{before} {after}: PROMPT_COMMAND saw {seen}");
        }
    }
}

#[test]
fn a_shell_that_ends_at_errors_does_not_end_here() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    for shell in shells().into_iter().filter(|shell| *shell != Shell::Fish) {
        let notes = Session::new(&ctx, shell).types(&[
            "set -eu",
            "report start",
            "cd proj",
            "report in",
            "cd",
            "report out",
            "cd proj",
            "deactivate",
            "cd .",
            "report off",
        ]);
        notes.quiet().active("in", &environment).inactive("out").inactive("off");
    }
}

#[test]
fn an_interruption_and_the_directory_stack() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, first) = trusted(&ctx, "first");
    let (_, second) = trusted(&ctx, "second");
    for shell in shells() {
        let interrupt = if shell == Shell::Fish { "kill -INT $fish_pid" } else { "kill -INT $$" };
        let notes = Session::new(&ctx, shell).types(&[
            "cd first",
            interrupt,
            "report first",
            "pushd ~/second >/dev/null",
            "report second",
            "popd >/dev/null",
            "report back",
            interrupt,
            "cd",
            "report out",
        ]);
        notes.active("first", &first).active("second", &second).active("back", &first).inactive("out");
    }
}

#[test]
fn a_deactivation_says_nothing_whatever_is_warned_about() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    for (shell, before) in [
        (Shell::Bash, "alias deactivate='echo alias of mine' activate='echo alias of mine'"),
        (Shell::Zsh, "alias deactivate='echo alias of mine' activate='echo alias of mine'"),
        (Shell::Zsh, "setopt warn_nested_var warn_create_global"),
    ] {
        if !shells().contains(&shell) {
            continue;
        }
        // Its own script does not parse under such an alias.
        let by_hand = format!("unalias activate deactivate; {}", shell.activation(&other));
        let notes = Session::new(&ctx, shell).before_shim(before).types(&[
            "report start",
            "cd proj",
            "venvkeep deactivate",
            "report off",
            by_hand.as_str(),
            "venvkeep activate proj",
            "report on",
            "venvkeep deactivate",
            "report end",
        ]);
        notes.quiet().active("on", &environment);
        assert_eq!(notes.times("alias of mine"), 0, "{}", notes.shown);
        for name in ["off", "end"] {
            assert_eq!(
                notes.note(name),
                notes.note("start"),
                "{shell:?} {before} at {name}: {}",
                notes.shown
            );
        }
    }
}

#[test]
fn two_projects_may_differ_by_case_alone() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, lower) = trusted(&ctx, "proj");
    let (_, upper) = trusted(&ctx, "Proj");
    for shell in shells() {
        let before = if shell == Shell::Bash { "shopt -s nocasematch" } else { "true" };
        let notes = Session::new(&ctx, shell).before_shim(before).types(&[
            "report start",
            "cd proj",
            "report lower",
            "cd ../Proj",
            "report upper",
            "deactivate",
            "cd ../proj",
            "report back",
            "cd",
            "report out",
        ]);
        notes.quiet().active("lower", &lower).active("upper", &upper).active("back", &lower);
        assert_eq!(notes.note("out"), notes.note("start"));
    }
}

#[test]
fn what_the_user_has_of_the_environment_comes_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (_, idle) = trusted(&ctx, "idle");
    for shell in shells() {
        // Its programs are on PATH for good; Python's home; an idle VIRTUAL_ENV with its prompt, as uv's users set it.
        let bin = environment.join("bin");
        let own = match shell {
            Shell::Fish => format!("set -gx PATH /first {} /last $PATH", bin.display()),
            Shell::Zsh => format!("typeset -U path; PATH=/first:{}:/last:$PATH", bin.display()),
            Shell::Bash => format!("PATH=/first:{}:/last:$PATH", bin.display()),
        };
        let at_the_end = match shell {
            Shell::Fish => format!("set -gx PATH $PATH {}", bin.display()),
            Shell::Zsh => format!("typeset -U path; PATH=$PATH:{}", bin.display()),
            Shell::Bash => format!("PATH=$PATH:{}", bin.display()),
        };
        for before in [own, at_the_end] {
            let session = Session::new(&ctx, shell).before_shim(&before).env("PYTHONHOME", "/usr");
            let session =
                session.env("VIRTUAL_ENV", &idle.to_string_lossy()).env("VIRTUAL_ENV_PROMPT", "of mine");
            let notes = session.types(&["report start", "cd proj", "report in", "cd", "report out"]);
            let (start, inside, out) = (notes.note("start"), notes.note("in"), notes.note("out"));
            notes.quiet();
            assert_eq!(inside.active(), Some(environment.as_path()), "{shell:?}");
            assert_eq!(inside.environment.get("PYTHONHOME"), None, "{shell:?}");
            assert_eq!(start.environment["VIRTUAL_ENV_PROMPT"], "of mine");
            assert!(has(start.path(), &bin));
            assert_eq!(out, start, "{shell:?} with {before}");
        }
    }
}

#[test]
fn the_prompt_behind_sees_the_whole_pipeline() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    if !shells().contains(&Shell::Fish) {
        return;
    }
    let (_, environment) = trusted(&ctx, "proj");
    let prompt = "function fish_prompt; echo -n \"<$pipestatus $status>\"; echo second; end";
    // The function is the user's again, afterwards.
    let functions =
        |name: &str| format!("begin; functions fish_prompt; functions --names --all; end >~/{name}");
    let notes = Session::new(&ctx, Shell::Fish).before_shim(prompt).types(&[
        "cd proj; cd",
        &functions("before"),
        "cd proj",
        "report in",
        "sh -c 'exit 3' | sh -c 'exit 4' | true",
        "cd",
        "sh -c 'exit 5' | sh -c 'exit 6'",
        &functions("after"),
    ]);
    notes.quiet();
    // Old ones say where each was defined.
    let read = |name: &str| {
        let text = fs::read_to_string(ctx.home(Who::User).join(name)).unwrap();
        text.lines().filter(|line| !line.starts_with("# Defined")).collect::<Vec<_>>().join("\n")
    };
    assert!(read("before").contains("$pipestatus") && !read("before").contains("\n_venvkeep_fish_prompt\n"));
    assert_eq!(read("before"), read("after"));
    assert_eq!(notes.note("in").active(), Some(environment.as_path()));
    // fish knows the whole pipeline from 3.1 on.
    let whole = !Shell::Fish.is_another();
    assert!(notes.times(if whole { "(proj) <3 4 0 0>" } else { "(proj) < 0>" }) >= 1, "{}", notes.shown);
    assert!(notes.times(if whole { "<5 6 6>" } else { "< 6>" }) >= 1, "{}", notes.shown);
}

#[test]
fn direnv_brings_back_no_variable_either() {
    if !require(&[Need::Program("direnv")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    for envrc in [
        "unset VIRTUAL_ENV\n",
        "export VIRTUAL_ENV=/nowhere/.venv\n",
        "export VIRTUAL_ENV=$PWD/.venv\nPATH_add .venv/bin\n",
    ] {
        project.write(".envrc", envrc);
        for shell in shells() {
            let session =
                Session::new(&ctx, shell).before_shim(&direnv_hook(shell)).env("DIRENV_LOG_FORMAT", "");
            let notes = session.types(&[
                "report start",
                "cd proj",
                "direnv allow",
                "cd",
                "report out",
                "cd proj",
                "cd ..",
                "report again",
                "report end",
            ]);
            for name in ["out", "again", "end"] {
                let note = notes.note(name);
                assert_eq!(note, notes.note("start"), "{shell:?} at {name} with {envrc}: {}", notes.shown);
            }
            assert!(!has(notes.note("end").path(), &environment.join("bin")));
        }
    }
}

fn direnv_hook(shell: Shell) -> String {
    match shell {
        Shell::Fish => "direnv hook fish | source".to_owned(),
        _ => format!("eval \"$(direnv hook {})\"", shell.name()),
    }
}

#[test]
fn direnv_brings_nothing_back() {
    if !require(&[Need::Program("direnv")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    project.write(".envrc", "PATH_add tools\nexport FROM_ENVRC=1\n");
    for shell in shells() {
        let hook = direnv_hook(shell);
        for (before, after) in [(hook.as_str(), ""), ("", hook.as_str())] {
            let session =
                Session::new(&ctx, shell).before_shim(before).after_shim(after).env("DIRENV_LOG_FORMAT", "");
            let notes = session.types(&[
                "report start",
                "cd proj",
                "direnv allow",
                "report in",
                "cd",
                "report out",
                "cd proj",
                "report again",
                "cd ../other",
                "report other",
                "cd",
                "report end",
            ]);
            let note = notes.note("in");
            assert_eq!(note.environment.get("FROM_ENVRC").map(String::as_str), Some("1"), "{}", notes.shown);
            for name in ["in", "again"] {
                let note = notes.note(name);
                assert_eq!(note.active(), Some(environment.as_path()), "{shell:?}");
                assert!(
                    has(note.path(), &environment.join("bin"))
                        && has(note.path(), &project.path().join("tools"))
                );
            }
            assert!(
                has(notes.note("other").path(), &other.join("bin")),
                "{shell:?}: {:?}",
                notes.note("other")
            );
            for name in ["out", "other", "end"] {
                assert!(
                    !has(notes.note(name).path(), &environment.join("bin")),
                    "{shell:?} at {name} with {before:?}"
                );
            }
            assert_eq!(notes.note("end"), notes.note("start"), "{shell:?}");
        }
    }
}

fn has(path: &str, directory: &Path) -> bool {
    path.split(':').any(|one| Path::new(one) == directory)
}

#[test]
fn a_prompt_that_is_made_anew_each_time_shows_what_is_active_now() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    // As starship does it.
    let bash = "made() { PS1=\"<${VIRTUAL_ENV##*/}>\"; }; PROMPT_COMMAND=made";
    let zsh = "made() { PS1=\"<${VIRTUAL_ENV##*/}>\" }; precmd_functions+=(made)";
    for (shell, before) in [(Shell::Bash, bash), (Shell::Zsh, zsh)] {
        if !shells().contains(&shell) {
            continue;
        }
        let lines = ["report start", "cd proj", "report in", "cd", "report out"];
        let notes = Session::new(&ctx, shell)
            .before_shim(before)
            .env("VIRTUAL_ENV_DISABLE_PROMPT", "1")
            .types(&lines);
        notes.quiet().active("in", &environment);
        assert_eq!(notes.note("in").prompt, "<.venv>", "{shell:?}");
        assert_eq!(notes.note("start"), notes.note("out"), "{shell:?}");
    }
}

#[test]
fn the_guard_speaks_before_sudo_makes_what_only_root_can_change() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let tools = ctx.project("tools");
    tools.write_program("sudo", "#!/bin/sh\necho \"sudo was asked: $*\"\n");
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    for shell in shells() {
        let guard = shell.set("VENVKEEP_SUDO_GUARD", "1");
        let alias = if shell == Shell::Zsh { format!("alias sudo='sudo '\n{guard}") } else { guard };
        let warned = [
            "sudo pip install six",
            "sudo -H pip3 install six",
            "sudo python3 -m pip install six",
            "sudo python3 -m venv .venv",
            "sudo virtualenv .venv",
            "sudo uv venv",
            "sudo uv pip install six",
            "sudo /usr/bin/python3.11 -m venv x",
        ];
        let silent = [
            "sudo ls",
            "sudo apt-get install python3-pip",
            "sudo pip list",
            "sudo -u deploy pip install six",
        ];
        let redirected = "sudo pip install six 2>/dev/null";
        let lines: Vec<&str> = warned.into_iter().chain(silent).chain([redirected]).collect();
        let notes = Session::new(&ctx, shell).before_shim(&alias).env("PATH", &path).types(&lines);
        assert_eq!(notes.times("venvkeep: with sudo"), warned.len(), "{}", notes.shown);
        assert_eq!(notes.times("sudo was asked: "), lines.len(), "{}", notes.shown);
        let notes = Session::new(&ctx, shell).env("PATH", &path).types(&warned);
        assert_eq!(notes.times("venvkeep:"), 0, "{}", notes.shown);
    }
}
