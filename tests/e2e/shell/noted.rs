//! What the shims note, and `.venv` files.

use std::fs;

use venvkeep_testkit::{Context, Who};

use super::{Session, shells, trusted};
use crate::VENVKEEP;

#[test]
fn a_file_leads_to_a_trusted_environment_and_entering_it_is_noted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, env) = trusted(&ctx, "proj");
    let led = ctx.project("led");
    led.write(".venv", "../proj/.venv\n");
    let astray = ctx.project("led/astray");
    astray.write(".venv", "/usr\n");
    let strangers = ctx.project("strangers");
    let file = strangers.write(".venv", "../proj/.venv\n");
    std::os::unix::fs::chown(file, Some(Who::Other.uid()), None).expect("root may");
    let used = ctx.home(Who::User).join(".local/state/venvkeep/used");
    let last_used = || {
        let list = ctx.venvkeep(["list", "--json"]).run().success().stdout_json();
        list["environments"][0]["last_used"].as_str().map(str::to_owned)
    };
    for shell in shells() {
        for entry in fs::read_dir(&used).expect("trust has made it") {
            fs::remove_file(entry.expect("root may").path()).expect("root may");
        }
        assert_eq!(last_used(), None);
        let notes = Session::new(&ctx, shell).types(&[
            "cd led",
            "report led",
            "cd astray",
            "report astray",
            "cd ~/strangers",
            "report strangers",
            "cd",
        ]);
        notes.quiet().active("led", &env).inactive("astray").inactive("strangers");
        assert!(last_used().is_some(), "{shell:?}");
        assert_eq!(fs::read_dir(&used).expect("root may").count(), 1, "{shell:?}");
        // Where nothing can be noted, nothing is said.
        fs::remove_dir_all(&used).expect("root may");
        Session::new(&ctx, shell).types(&["cd led", "report led"]).quiet().active("led", &env);
        fs::create_dir(&used).expect("root may");
        std::os::unix::fs::chown(&used, Some(Who::User.uid()), Some(Who::User.gid())).expect("root may");
    }
}

#[test]
fn a_file_of_more_than_a_path_leads_nowhere_for_the_shims_and_for_the_program() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let (_, env) = trusted(&ctx, "proj");
    trusted(&ctx, "other");
    let absolute = format!("{}\r\n", env.display());
    let long = format!("{}../proj/.venv", "./".repeat(3000));
    let leads = [
        "../proj/.venv",
        "../proj/.venv\n\n",
        "\n \t../proj/.venv \r\n",
        &absolute,
        "../led-0/../proj/.venv",
    ];
    let astray = [
        "",
        " \n",
        "../proj/.venv\n../other/.venv\n",
        "../proj/.venv\n\n# a comment\n",
        "../proj/.venv\r../other/.venv",
        "../proj/.venv\0more",
        "~/proj/.venv",
        "$HOME/proj/.venv",
        &long,
    ];
    let contents: Vec<(&str, bool)> =
        leads.iter().map(|text| (*text, true)).chain(astray.iter().map(|text| (*text, false))).collect();
    let mut lines = Vec::new();
    for (number, (content, is_right)) in contents.iter().enumerate() {
        let project = ctx.project(&format!("led-{number}"));
        project.write(".venv", content);
        lines.extend([format!("cd ~/led-{number}"), format!("report led-{number}"), "cd".to_owned()]);
        let check = project.venvkeep(["check"]).run();
        assert_eq!(check.status.success(), *is_right, "{content:?}: {check}");
    }
    for shell in shells() {
        let notes = Session::new(&ctx, shell).types(&lines);
        for (number, (content, is_right)) in contents.iter().enumerate() {
            let name = format!("led-{number}");
            let active = notes.note(&name).active().map(std::path::Path::to_owned);
            assert_eq!(
                active.as_ref(),
                is_right.then_some(&env),
                "{shell:?} with {content:?}: {}",
                notes.shown
            );
        }
        notes.quiet();
    }
}
