//! What somebody else does while a heal is at work, at exactly the worst moment.

use std::fs;

use venvkeep_testkit::fingerprint;

use crate::scenario::{self, with};

#[test]
fn what_is_written_into_the_old_tree_stops_the_heal() {
    with(
        |ctx| scenario::heal(ctx, ""),
        |scenario| {
            for name in ["notes/new.txt", "notes/todo.txt", "lib/new-1.0.dist-info"] {
                let path = scenario.ground.prefix().join(name);
                let write = || fs::write(&path, "came later").expect("root may");
                let heal = scenario.meanwhile("sync a stage itself", write);
                heal.code(3).stderr_has(name).stderr_has("untouched");
                assert!(!scenario.ground.is_unsettled(), "{name}");
                assert_eq!(fs::read_to_string(&path).expect("it is there"), "came later");
            }
        },
    );
}

#[test]
fn a_second_heal_names_the_first_and_changes_nothing() {
    with(
        |ctx| scenario::heal(ctx, ""),
        |scenario| {
            scenario.ground.restore();
            let before = fingerprint(scenario.ground.prefix());
            let first = scenario.meanwhile("sync a stage itself", || {
                for command in [&["heal"][..], &["undo"], &["prune"]] {
                    let second = scenario.ground.venvkeep(command).run().code(3);
                    second.stderr_has("another venvkeep (process ").stderr_has("kill ");
                }
                let report = scenario.ground.venvkeep(&["check", "--json"]).run().code(1);
                report.stdout_has("interrupted-heal");
                before.assert_unchanged();
            });
            first.success();
        },
    );
}

#[test]
fn a_project_that_is_moved_away_is_settled_where_it_is_now() {
    with(
        |ctx| scenario::heal(ctx, ""),
        |scenario| {
            let project = scenario.ground.prefix().with_file_name("");
            let moved = project.with_file_name("moved");
            let heal = scenario.meanwhile("sync a stage itself", || {
                fs::rename(&project, &moved).expect("root may");
            });
            heal.code(3).stderr_has("untouched");
            let elsewhere = scenario.ground.ctx.venvkeep(["heal"]).current_dir(&moved);
            elsewhere.wheels_only(scenario.ground.ctx.wheels()).run().success();
            let left: Vec<_> = fs::read_dir(&moved).expect("root may").flatten().collect();
            assert_eq!(left.len(), 2, "the healed and the kept one: {left:?}");
        },
    );
}

#[test]
fn two_new_environments_at_one_place_are_one() {
    with(scenario::new, |scenario| {
        let first = scenario.meanwhile("mkdir a stage itself", || {
            let _ = scenario.ground.venvkeep(&["new", ".venv"]).run().code(3).stderr_has("another venvkeep");
        });
        first.success();
        let made = fingerprint(scenario.ground.prefix());
        let _ = scenario.ground.venvkeep(&["new", ".venv"]).run().code(2).stderr_has("taken");
        made.assert_unchanged();
    });
}

#[test]
fn a_stage_without_its_journal_is_named_with_a_command_that_works() {
    with(
        |ctx| scenario::heal(ctx, ""),
        |scenario| {
            let probe = scenario.steps.iter().find(|step| step.what == "probe").expect("a heal probes");
            let _ = scenario.run(&format!("kill@{}", probe.number));
            fs::remove_file(scenario.ground.prefix().with_file_name(".venv.venvkeep-journal"))
                .expect("root may");
            let report = scenario.ground.venvkeep(&["check", "--json"]).run().code(1).stdout_json();
            let findings = report["environments"][0]["findings"].as_array().cloned().unwrap_or_default();
            let finding = findings.iter().find(|finding| finding["code"] == "interrupted-heal");
            let command =
                finding.and_then(|finding| finding["remedy"]["command"].as_str()).unwrap_or_default();
            let remove = scenario.ground.ctx.program(venvkeep_testkit::Who::User, "sh").args(["-c", command]);
            remove.run().success();
            assert!(!scenario.ground.is_unsettled(), "{command}");
        },
    );
}
