//! Beside mise and starship: their hooks, as they hang them into each shell.
//!
//! Neither is in Debian. Where `VENVKEEP_TEST_MISE` and `VENVKEEP_TEST_STARSHIP` name one that every user can start, that
//! one runs; else a few lines that hook in at the same places, save the same variables and bring them back at the same
//! moments.

use std::fs;
use std::path::Path;

use venvkeep_testkit::{Context, Project, Who};

use super::{Notes, Session, Shell, chmod, shells, trusted};
use crate::VENVKEEP;

/// Brings PATH, and what else the project sets, as mise does: by what a program prints at each prompt and change of
/// directory, for the shell to run. Where there is no `mise.toml` above any more, all is as it was before.
const MISE: &str = r#"#!/bin/sh
case $1-$3 in
activate-*) ;;
hook-env-fish) set="set -gx" is=" " join=" " unset="set -e" ;;
hook-env-*) set=export is== join=: unset=unset ;;
esac
dir=$PWD
while [ -n "$dir" ] && [ ! -e "$dir/mise.toml" ]; do dir=${dir%/*}; done
if [ -n "${__MISE_DIFF-}" ] && [ "${__MISE_DIR-}" != "$dir" ]; then
    old=$(printf %s "$__MISE_DIFF" | tr : "$join")
    echo "$set PATH$is$old; $unset FROM_MISE; $unset __MISE_DIFF; $unset __MISE_DIR"
    PATH=$__MISE_DIFF __MISE_DIFF=
fi
if [ -n "$dir" ] && [ -z "${__MISE_DIFF-}" ]; then
    echo "$set __MISE_DIFF$is$PATH; $set __MISE_DIR$is$dir; $set FROM_MISE${is}1"
    echo "$set PATH$is$dir/tools$join$(printf %s "$PATH" | tr : "$join")"
fi
"#;

/// Where the imitation stands in each shell.
fn imitated(shell: Shell, mise: &Path) -> String {
    let mise = mise.display();
    match shell {
        Shell::Bash => format!(
            "_mise_hook() {{ local status=$?; eval \"$({mise} hook-env -s bash)\"; return $status; }}\n\
             cd() {{ builtin cd \"$@\" && _mise_hook; }}\n\
             PROMPT_COMMAND=\"_mise_hook${{PROMPT_COMMAND:+;$PROMPT_COMMAND}}\"; _mise_hook"
        ),
        Shell::Zsh => format!(
            "_mise_hook() {{ eval \"$({mise} hook-env -s zsh)\" }}\n\
             precmd_functions=(_mise_hook $precmd_functions); chpwd_functions=(_mise_hook $chpwd_functions); _mise_hook"
        ),
        Shell::Fish => format!(
            "function _mise_prompt --on-event fish_prompt; {mise} hook-env -s fish | source; end\n\
             function _mise_cd --on-variable PWD; {mise} hook-env -s fish | source; end"
        ),
    }
}

#[test]
fn mise_brings_nothing_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, environment) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    project.write("mise.toml", "[env]\nFROM_MISE = \"1\"\n_.path = [\"{{config_root}}/tools\"]\n");
    project.write("tools/x", "");
    let real = std::env::var_os("VENVKEEP_TEST_MISE");
    let imitation = ctx.project("imitation").write_program("mise", MISE);
    for shell in shells() {
        let hook = match &real {
            None => imitated(shell, &imitation),
            Some(mise) if shell == Shell::Fish => {
                format!("{} activate fish | source", Path::new(mise).display())
            }
            Some(mise) => format!("eval \"$({} activate {})\"", Path::new(mise).display(), shell.name()),
        };
        for (before, after) in [(hook.as_str(), ""), ("", hook.as_str())] {
            let session = Session::new(&ctx, shell).before_shim(before).after_shim(after);
            let home = ctx.home(Who::User);
            let trusted = home.to_string_lossy();
            let session = session.env("MISE_TRUSTED_CONFIG_PATHS", &trusted).env("MISE_OFFLINE", "1");
            let notes = session.types(&[
                "report start",
                "cd proj",
                "report in",
                "cd",
                "report out",
                "cd proj",
                "deactivate",
                "report off",
                "cd ../other",
                "report other",
                "cd",
                "report end",
            ]);
            let bin = environment.join("bin");
            let note = notes.note("in");
            assert_eq!(note.environment.get("FROM_MISE").map(String::as_str), Some("1"), "{}", notes.shown);
            assert_eq!(note.active(), Some(environment.as_path()), "{shell:?}");
            assert!(has(&notes, "in", &bin) && has(&notes, "in", &project.path().join("tools")));
            assert_eq!(notes.note("other").active(), Some(other.as_path()), "{shell:?}");
            assert!(has(&notes, "other", &other.join("bin")));
            for name in ["start", "out", "off", "other", "end"] {
                assert!(
                    !has(&notes, name, &bin),
                    "{shell:?} at {name} with {before:?}: {:?}",
                    notes.note(name)
                );
            }
            for name in ["out", "end"] {
                assert_eq!(lasting(&notes, name), lasting(&notes, "start"), "{shell:?} with {before:?}");
            }
        }
    }
}

fn has(notes: &Notes, name: &str, directory: &Path) -> bool {
    notes.note(name).path().split(':').any(|one| Path::new(one) == directory)
}

/// Without what mise notes for itself.
fn lasting(notes: &Notes, name: &str) -> (String, Vec<(String, String)>) {
    let note = notes.note(name);
    let own = |name: &str| name.contains("MISE");
    (note.prompt, note.environment.into_iter().filter(|(name, _)| !own(name)).collect())
}

/// What starship does at each prompt, in its own places: it makes the prompt anew by a program, shows the status of the
/// last command and the environment, and keeps to itself which `PROMPT_COMMAND` was there before.
fn starship(shell: Shell, program: &Path) -> String {
    let program = program.display();
    match shell {
        Shell::Bash => format!(
            "starship_precmd() {{ STARSHIP_CMD_STATUS=$?; eval \"${{STARSHIP_PROMPT_COMMAND-}}\"; \
             PS1=\"$({program} $STARSHIP_CMD_STATUS)\"; }}\n\
             STARSHIP_PROMPT_COMMAND=${{PROMPT_COMMAND-}}; PROMPT_COMMAND=starship_precmd"
        ),
        Shell::Zsh => format!(
            "starship_precmd() {{ STARSHIP_CMD_STATUS=$? }}; precmd_functions+=(starship_precmd)\n\
             setopt prompt_subst; PROMPT='$({program} $STARSHIP_CMD_STATUS)'"
        ),
        Shell::Fish => {
            format!("function fish_prompt; set STARSHIP $status $pipestatus; {program} $STARSHIP[1]; end")
        }
    }
}

/// The imitation's prompt, made by the real one.
const STARSHIP_CONFIG: &str = r#"
add_newline = false
format = "<${env_var.VIRTUAL_ENV_PROMPT}|$status>"
[env_var.VIRTUAL_ENV_PROMPT]
format = "$env_value"
[status]
disabled = false
success_symbol = "0"
format = "$status"
"#;

#[test]
fn starship_shows_what_is_active_and_the_last_status() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let real = std::env::var_os("VENVKEEP_TEST_STARSHIP");
    let config = ctx.project("config").write("starship.toml", STARSHIP_CONFIG);
    let imitation: Project<'_> = ctx.project("imitation");
    let program = "#!/bin/sh\nprintf '<%s|%s>' \"${VIRTUAL_ENV_PROMPT-}\" \"$1\"\n";
    let program = imitation.write_program("starship", program);
    chmod(&program, 0o755);
    for shell in shells() {
        let hook = match &real {
            None => starship(shell, &program),
            Some(real) if shell == Shell::Fish => format!("{} init fish | source", Path::new(real).display()),
            Some(real) => format!("eval \"$({} init {})\"", Path::new(real).display(), shell.name()),
        };
        let places = [(hook.as_str(), ""), ("", hook.as_str())];
        for ((before, after), tag) in places.into_iter().flat_map(|place| [(place, ""), (place, "1")]) {
            let session = Session::new(&ctx, shell).before_shim(before).after_shim(after);
            let session = session.env("STARSHIP_CONFIG", &config.to_string_lossy());
            // On a dumb terminal it does nothing.
            let session = if real.is_some() { session.env("TERM", "xterm") } else { session };
            let notes = session.env("VIRTUAL_ENV_DISABLE_PROMPT", tag).types(&[
                "report start",
                "sh -c 'exit 3'",
                "cd proj",
                "report in",
                "sh -c 'exit 4'",
                "cd",
                "sh -c 'exit 5'",
                "report out",
            ]);
            notes.quiet().active("in", &environment);
            let (start, out) = (notes.note("start"), notes.note("out"));
            assert_eq!(start.environment, out.environment, "{shell:?}");
            for shown in ["<|0>", "<|3>", "<proj|0>", "<proj|4>", "<|5>"] {
                assert!(
                    notes.times(shown) >= 1,
                    "{shell:?} never showed {shown} with {before:?}: {}",
                    notes.shown
                );
            }
            assert_eq!(notes.times("<proj|5>"), 0, "{}", notes.shown);
        }
    }
    assert!(fs::read_dir(imitation.path()).unwrap().count() == 1);
}
