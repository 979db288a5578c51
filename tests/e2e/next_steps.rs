//! What a report tells the user to do next, done: it has to help.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use venvkeep_testkit::{Context, Invocation, Maker, Output, Who};

use crate::VENVKEEP;

/// A line of the report, behind its label.
fn labelled<'o>(output: &'o Output, label: &str) -> &'o str {
    let found = output.stdout.lines().find_map(|line| line.trim_start().strip_prefix(label));
    found.expect("the report has this line").trim()
}

/// The command that stands below `What to do:`.
fn told(output: &Output) -> &str {
    let mut lines = output.stdout.lines().skip_while(|line| line.trim() != "What to do:");
    lines.nth(1).expect("the report names a command").trim()
}

/// Types it as the user.
fn typed(ctx: &Context, command: &str) -> Invocation {
    ctx.program(Who::User, "sh").args(["-c", command]).path_first(ctx.program_directory())
}

#[test]
fn ones_own_closed_file_is_opened_without_a_heal_and_brought_along_after_one() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    let data = project.write(".venv/data.json", "{}\n");
    let close = || fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).expect("root may");
    let open = format!("chmod -R u+rX -- {}", env.str());
    close();
    let check = project.venvkeep(["check"]).run().code(1).stdout_lacks("fails to import");
    let said = check.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&open), "{said}");
    typed(&ctx, &open).run().success();
    project.venvkeep(["check"]).run().success();

    close();
    let healed = project.venvkeep(["heal"]).run().code(4).stdout_lacks("sudo");
    typed(&ctx, labelled(&healed, "to get it")).run().success();
    project.venvkeep(["check"]).run().success();
    assert_eq!(fs::read_to_string(&data).expect("root may"), "{}\n");
}

#[test]
fn a_dependency_that_is_missing_comes_with_the_command_that_installs_it() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::Venv).packages(["with-deps"]).build();
    env.installer(Who::User).args(["uninstall", "--yes", "pure-one"]).run().success();
    let check = project.venvkeep(["check"]).run().code(1).stdout_has("dependency-unmet");
    let command = told(&check).to_owned();
    project.venvkeep(["heal"]).run().code(1).stdout_has(&command);
    // What is healed for another reason still lacks it, and says so.
    env.dangle_interpreter();
    let all = project.venvkeep(["heal", "--all", "."]).run().code(1);
    all.stdout_has("1 healed").stdout_has("still dependency-unmet").stdout_has(&command);
    typed(&ctx, &command).wheels_only(ctx.wheels()).run().success();
    project.venvkeep(["check"]).run().success();
}

#[test]
fn a_pip_that_reaches_no_index_is_no_newest_pip() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.write("list.txt", "six\n");
    for arguments in [&["new", "--upgrade-deps"][..], &["new", "-r", "list.txt"]] {
        let new = project.venvkeep(arguments).index_unreachable().env("PIP_RETRIES", "2");
        let refused = new.run().code(3).stderr_has("is the network up").stderr_has("nothing is left behind");
        assert_eq!(refused.stderr.matches("Retrying").count(), 1, "once says it: {refused}");
        assert!(!project.path().join(".venv").exists());
    }
}

#[test]
fn a_heal_without_its_python_says_beforehand_that_it_may_take_another() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    env.dangle_interpreter();
    let check = project.venvkeep(["check"]).run().code(1);
    let said = check.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let look = format!("venvkeep heal --dry-run {}", env.str());
    assert!(said.contains(&look), "{said}");
    typed(&ctx, &look).run().success().stdout_has("Python");
}
