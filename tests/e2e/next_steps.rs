//! What a report tells the user to do next, done: it has to help.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

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
    // A stranger's word for what to install is nothing to be copied.
    let note = env.path().join("note");
    fs::write(&note, "").expect("root may");
    chown(&note, Some(Who::Other.uid()), None).expect("root may");
    project.venvkeep(["check"]).run().stdout_lacks(&command).stdout_has("if you know these packages");
    fs::remove_file(&note).expect("root may");
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

#[test]
fn a_write_protected_directory_of_ones_own_is_opened() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    let env = project.venv_by_owner(Maker::VenvWithoutPip).build();
    env.dangle_interpreter();
    fs::set_permissions(project.path(), fs::Permissions::from_mode(0o555)).expect("root may");
    let open = format!("chmod u+w -- {}", project.str());
    project.venvkeep(["check"]).run().code(1).stdout_has(&open).stdout_lacks("--to");
    project.venvkeep(["heal"]).run().code(3).stderr_has(&open).stderr_lacks("--to");
    typed(&ctx, &open).run().success();
    project.venvkeep(["heal"]).run().success();
}

#[test]
fn under_sudo_every_command_is_sent_back_to_its_user() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let by_sudo = |words: &[&str]| {
        let program = ctx.venvkeep_by(Who::Root, words).current_dir(project.path());
        program.under_sudo_of(Who::User).run().stderr_has("without sudo").stdout_is("")
    };
    by_sudo(&["rename", ".venv", "other"]).code(2).stderr_lacks("would belong to root");
    by_sudo(&["remove", ".venv"]).code(2).stderr_lacks("would belong to root");
    by_sudo(&["undo", ".venv"]).code(2).stderr_lacks("would belong to root");
    by_sudo(&["default", ".venv"]).code(2).stderr_lacks("venvkeep heal");
    by_sudo(&["run", ".venv", "--", "true"]).code(4).stderr_lacks("venvkeep check");
    let list = project.venvkeep(["list"]).run().success();
    list.stdout_has("proj").stdout_lacks("other");
}

#[test]
fn every_name_that_is_none_is_told_and_where_nothing_is_kept_undo_says_so() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let check = project.venvkeep(["check", "gone", ".venv", "nosuch"]).run().code(2);
    check.stderr_has("gone").stderr_has("nosuch").stderr_has("nothing was done with the others");
    project.venvkeep(["remove", ".venv"]).run().success();
    project.venvkeep(["prune", ".venv"]).run().success();
    project.venvkeep(["undo", ".venv"]).run().code(2).stderr_has("Nothing is kept there");
    project.venvkeep(["check", "/tmp"]).run().code(2).stderr_lacks("Make one here");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let freeze = project.venvkeep(["freeze", "-o", "not/there.txt"]).run().code(3);
    freeze.stderr_has("mkdir -p").stderr_lacks(".tmp").stderr_has("not/there.txt");
}

#[test]
fn what_may_not_have_been_meant_is_noted() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let new = home.venvkeep(["new", "--seed", "none"]).run().success();
    new.stderr_has("your home itself").stderr_has("venvkeep untrust");
    let project = ctx.project("proj");
    let new = |words: &[&str]| project.venvkeep(["new", "--seed", "none"]).args(words).run().success();
    new(&[]).stderr_lacks("note:").stdout_lacks("everybody");
    // A group that every system has.
    new(&["--shared", "daemon"]).stdout_has("for everybody to read").stderr_has("--shared=daemon");
}

#[test]
fn two_heals_within_a_second_keep_two_lists() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let project = ctx.project("proj");
    project.venvkeep(["new", "--seed", "none"]).run().success();
    let healed = project.venvkeep(["heal", "--force"]).run().success();
    let list = std::path::PathBuf::from(labelled(&healed, "list "));
    // The clock cannot be told to stand still: every name of the seconds to come is taken.
    let directory = list.parent().expect("it has one");
    let stamp = |ahead: u32| {
        let date =
            ctx.program(Who::User, "date").arg("-u").arg(format!("-d{ahead} seconds")).arg("+%Y%m%d-%H%M%S");
        date.run().success().stdout.trim().to_owned()
    };
    let taken: Vec<_> = (0..20).map(|ahead| directory.join(format!("{}.txt", stamp(ahead)))).collect();
    for file in &taken {
        fs::write(file, "taken\n").expect("root may");
    }
    let again = project.venvkeep(["heal", "--force"]).run().success();
    assert!(labelled(&again, "list ").ends_with("-2.txt"), "{again}");
    for file in taken {
        assert_eq!(fs::read_to_string(file).expect("root may"), "taken\n");
    }
}
