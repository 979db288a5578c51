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
