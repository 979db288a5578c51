//! What a shell finds in its environment: from the shell around it, from tmux, from an editor.

use venvkeep_testkit::{Context, Need, Who, require};

use super::{Session, Shell, shells, trusted};
use crate::VENVKEEP;

#[test]
fn a_shell_in_a_shell_knows_what_is_active_and_can_leave_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    for shell in shells() {
        // As a login shell's profile does, which puts its own directories first.
        let reordered = match shell {
            Shell::Fish => "set -gx PATH /usr/local/bin $PATH",
            _ => "PATH=/usr/local/bin:$PATH",
        };
        let nested = shell.started(&ctx.home(Who::User)).join(" ");
        let notes = Session::new(&ctx, shell).before_shim(reordered).types(&[
            "cd proj",
            "report outside",
            &nested,
            "report inside",
            "deactivate",
            "report off",
            "cd",
            "report elsewhere",
            "exit",
            "report again",
        ]);
        notes.quiet().active("outside", &environment).active("inside", &environment).inactive("off");
        notes.inactive("elsewhere").active("again", &environment);
        assert_eq!(notes.note("inside").prompt, "(proj) <P>", "{shell:?}");
    }
}

#[test]
fn what_set_a_exports_is_not_taken_for_ones_own() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    for shell in shells().into_iter().filter(|shell| *shell != Shell::Fish) {
        let nested = shell.started(&ctx.home(Who::User)).join(" ");
        for (start, ends) in [(nested.clone(), 2), (format!("exec {nested}"), 0)] {
            let mut lines = vec![
                "cd proj",
                "report outside",
                &start,
                "report inside",
                "cd",
                "report out",
                "cd other",
                "report other",
                "deactivate",
                "report off",
                "activate other",
                &start,
                "report asked",
                "deactivate",
                "cd",
                "report end",
            ];
            lines.extend(vec!["exit"; ends]);
            let notes = Session::new(&ctx, shell).before_shim("set -a").types(&lines);
            notes.quiet().active("outside", &environment).active("inside", &environment).inactive("out");
            notes.active("other", &other).inactive("off").active("asked", &other).inactive("end");
            assert_eq!(notes.note("inside").prompt, "(proj) <P>", "{shell:?}");
        }
    }
}

#[test]
fn another_shell_may_take_over() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    for other in shells().into_iter().filter(|shell| *shell != Shell::Bash) {
        // Its profile is there from this session on.
        Session::new(&ctx, other).types(&["true"]).quiet();
        let exec = format!("exec {}", other.started(&ctx.home(Who::User)).join(" "));
        for before in ["true", "set -a"] {
            let notes = Session::new(&ctx, Shell::Bash).before_shim(before).types(&[
                "cd proj",
                &exec,
                "report in",
                "cd",
                "report out",
                "cd proj",
                "deactivate",
                "report off",
            ]);
            notes.quiet().active("in", &environment).inactive("out").inactive("off");
        }
    }
}

#[test]
fn what_was_activated_on_the_way_goes_where_it_does_not_belong() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let bin = environment.join("bin");
    for shell in shells() {
        let path = format!("{}:{}:/usr/bin:/bin", bin.display(), ctx.program_directory().display());
        let session =
            Session::new(&ctx, shell).env("PATH", &path).env("VIRTUAL_ENV", &environment.to_string_lossy());
        let session = session.env("VIRTUAL_ENV_PROMPT", "proj");
        let notes = session.env("VENVKEEP_ACTIVE", &environment.to_string_lossy()).types(&["report start"]);
        notes.quiet().inactive("start");
    }
}

#[test]
fn what_somebody_activated_stays_and_can_be_left() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    let bin = environment.join("bin");
    for shell in shells() {
        // An editor's terminal, a pane of tmux: the variables, and no `deactivate`.
        let path = format!("{}:{}:/usr/bin:/bin", bin.display(), ctx.program_directory().display());
        let session =
            Session::new(&ctx, shell).env("PATH", &path).env("VIRTUAL_ENV", &environment.to_string_lossy());
        let notes = session.env("VIRTUAL_ENV_PROMPT", "(proj) ").types(&[
            "report start",
            "cd other",
            "report respected",
            "deactivate",
            "report off",
            "cd",
            "cd other",
            "report on",
        ]);
        notes.quiet().active("start", &environment).active("respected", &environment).inactive("off");
        notes.active("on", &other);
        assert_eq!(notes.note("start").prompt, "(proj) <P>", "{shell:?}");
    }
}

#[test]
fn a_stale_variable_hinders_nothing() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (_, idle) = trusted(&ctx, "idle");
    for shell in shells() {
        let session = Session::new(&ctx, shell).env("VIRTUAL_ENV", "/nowhere/.venv");
        session.types(&["report start", "cd proj", "report in"]).inactive("start").active("in", &environment);
        // There, and not on PATH: what uv reads. It is there again afterwards.
        let session = Session::new(&ctx, shell).env("VIRTUAL_ENV", &idle.to_string_lossy());
        let notes = session.types(&["report start", "cd proj", "report in", "cd", "report out"]);
        notes.quiet().active("in", &environment);
        assert_eq!(notes.note("start"), notes.note("out"));
        assert_eq!(notes.note("out").active(), Some(idle.as_path()));
    }
}

/// A tmux of this test's own, and the bash that is to run in its panes, as commands.
fn tmux_and_bash(ctx: &Context) -> (String, String) {
    let home = ctx.home(Who::User);
    let tmux = format!("tmux -S {}/tmux -f /dev/null", home.display());
    (tmux, Shell::Bash.started(&home).join(" "))
}

#[test]
fn a_pane_of_tmux_starts_afresh() {
    if !require(&[Need::Program("tmux")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (tmux, bash) = tmux_and_bash(&ctx);
    let notes = Session::new(&ctx, Shell::Bash).types(&[
        "cd proj",
        "report outside",
        &format!("{tmux} new-session -d -c \"$HOME\" {bash}"),
        &format!("{tmux} send-keys 'report home; cd proj' Enter 'report proj' Enter '{tmux} wait-for -S done' Enter"),
        &format!("{tmux} wait-for done; {tmux} kill-server"),
    ]);
    notes.active("outside", &environment).inactive("home").active("proj", &environment);
}

#[test]
fn in_a_pane_of_tmux_what_somebody_activated_can_be_left() {
    if !require(&[Need::Program("tmux")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, environment) = trusted(&ctx, "proj");
    let (tmux, bash) = tmux_and_bash(&ctx);
    let notes = Session::new(&ctx, Shell::Bash).types(&[
        &Shell::Bash.activation(&environment),
        &format!("{tmux} new-session -d -c \"$HOME\" {bash}"),
        &format!("{tmux} send-keys 'report pane; deactivate' Enter 'report off' Enter '{tmux} wait-for -S done' Enter"),
        &format!("{tmux} wait-for done; {tmux} kill-server"),
    ]);
    notes.active("pane", &environment).inactive("off");
    assert_eq!(notes.note("pane").prompt, "(proj) <P>");
}
