//! The default environment, in shells as a login starts them.

use std::fs;

use venvkeep_testkit::{Context, Who};

use super::{Session, shells, trusted};
use crate::VENVKEEP;

#[test]
fn it_is_active_from_login_where_nothing_nearer_is() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, tools) = trusted(&ctx, "tools");
    let (_, project) = trusted(&ctx, "proj");
    // One that is there and not trusted is nearer all the same: pip and venvkeep would speak of it.
    let (_, untrusted) = trusted(&ctx, "untrusted");
    ctx.run(["untrust", "untrusted"]).success();
    for shell in shells() {
        ctx.run(["default", "tools/.venv"]).success();
        let notes = Session::new(&ctx, shell).at_login().types(&[
            "report login",
            "cd proj",
            "report nearer",
            "cd",
            "report back",
            "cd /",
            "report root",
            "cd ~/untrusted",
            "report untrusted",
            "cd",
            "deactivate",
            "report off",
            "cd /tmp",
            "report still",
            "cd ~/proj",
            "report on",
            "cd",
            "report again",
            "venvkeep default --none -q",
            "report none",
            "venvkeep default proj/.venv -q",
            "report other",
            "venvkeep default tools/.venv -q",
            "report set",
        ]);
        notes.quiet();
        for name in ["login", "back", "root", "again", "set"] {
            notes.active(name, &tools);
        }
        for name in ["nearer", "on", "other"] {
            notes.active(name, &project);
        }
        for name in ["untrusted", "off", "still", "none"] {
            notes.inactive(name);
        }
        assert_eq!(notes.note("login").prompt, "(tools) <P>", "{shell:?}");
        assert!(untrusted.is_dir());
    }
}

#[test]
fn one_that_is_trusted_no_more_or_gone_is_not_active() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (project, tools) = trusted(&ctx, "tools");
    let file = ctx.home(Who::User).join(".local/state/venvkeep/default");
    for shell in shells() {
        ctx.run(["default", "tools/.venv"]).success();
        let notes = Session::new(&ctx, shell).at_login().types(&[
            "report login",
            "venvkeep untrust tools -q",
            "report untrusted",
            "venvkeep trust tools -q",
            "report trusted",
            "mv tools/.venv elsewhere",
            "report moved",
        ]);
        notes.active("login", &tools).inactive("untrusted").active("trusted", &tools).inactive("moved");
        Session::new(&ctx, shell).at_login().types(&["report login"]).quiet().inactive("login");
        fs::rename(ctx.home(Who::User).join("elsewhere"), project.path().join(".venv")).unwrap();
        for wrong in ["", "\n", "relative/.venv\n", "/nowhere/.venv\n", "$(touch ~/pwned)\n"] {
            fs::write(&file, wrong).unwrap();
            Session::new(&ctx, shell).at_login().types(&["report login"]).quiet().inactive("login");
        }
    }
    assert!(!ctx.home(Who::User).join("pwned").exists());
}

#[test]
fn activate_alone_brings_what_belongs_here() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, tools) = trusted(&ctx, "tools");
    let (_, project) = trusted(&ctx, "proj");
    let (_, other) = trusted(&ctx, "other");
    for shell in shells() {
        ctx.run(["default", "--none"]).success();
        let notes =
            Session::new(&ctx, shell).at_login().types(&["report start", "activate", "report nothing"]);
        notes.inactive("nothing");
        assert_eq!(notes.note("nothing"), notes.note("start"));
        assert_eq!(notes.times("or above it, and no default environment"), 1, "{}", notes.shown);
        ctx.run(["default", "tools/.venv"]).success();
        let notes = Session::new(&ctx, shell).at_login().types(&[
            // It is active already.
            "activate",
            "report already",
            // One by its name stays wherever one goes; the default comes back when it is asked for.
            "activate other",
            "report named",
            "cd proj",
            "report still",
            "deactivate",
            "report off",
            "cd",
            "report outside",
            "deactivate",
            "report none",
            "activate",
            "report back",
            // In a project that is the project's, also instead of one that was named; it goes where the project ends.
            "activate other",
            "cd proj",
            "activate",
            "report project",
            "cd",
            "report default",
            // By its own script, and then what belongs here.
            &shell.activation(&other),
            "activate",
            "report again",
            "cd /",
            "report root",
            "venvkeep shims status",
            "deactivate",
            "venvkeep shims status",
            "cd ~/proj",
            "report end",
        ]);
        notes.quiet();
        for name in ["already", "outside", "back", "default", "again", "root"] {
            notes.active(name, &tools);
        }
        for name in ["named", "still"] {
            notes.active(name, &other);
        }
        notes.active("project", &project).active("end", &project).inactive("off").inactive("none");
        assert_eq!(notes.note("again"), notes.note("already"), "{shell:?}");
        let default = format!("the default, {},", tools.display());
        assert!(notes.times(&format!("{default} is active")) == 1, "{}", notes.shown);
        assert!(notes.times(&format!("{default} is not active: you deactivated it")) == 1, "{}", notes.shown);
    }
}

/// Nothing else speaks of it: one that is not trusted any more can still be asked for, one that is gone cannot.
#[test]
fn activate_alone_brings_a_default_that_is_there() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, tools) = trusted(&ctx, "tools");
    ctx.run(["default", "tools/.venv"]).success();
    for shell in shells() {
        ctx.run(["untrust", "tools"]).success();
        let notes = Session::new(&ctx, shell).at_login().types(&["report login", "activate", "report asked"]);
        notes.quiet().inactive("login").active("asked", &tools);
        ctx.run(["trust", "tools"]).success();
        fs::rename(&tools, tools.with_extension("away")).unwrap();
        let notes = Session::new(&ctx, shell).at_login().types(&["activate", "report gone"]);
        notes.inactive("gone");
        assert_eq!(notes.times("venvkeep default --none"), 1, "{}", notes.shown);
        fs::rename(tools.with_extension("away"), &tools).unwrap();
    }
}
