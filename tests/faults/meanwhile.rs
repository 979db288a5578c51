//! What somebody else does while a heal is at work, at exactly the worst moment.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use venvkeep_testkit::{Environment, Maker, Who, fingerprint};

use crate::scenario::{self, with};

#[test]
fn what_is_written_into_the_old_tree_stops_the_heal() {
    with(&scenario::HEAL, |scenario| {
        for name in ["notes/new.txt", "notes/todo.txt", "lib/new-1.0.dist-info"] {
            let path = scenario.ground.prefix().join(name);
            let write = || fs::write(&path, "came later").expect("root may");
            let heal = scenario.meanwhile("sync a stage itself", write);
            heal.code(3).stderr_has(name).stderr_has("untouched");
            assert!(!scenario.ground.is_unsettled(), "{name}");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), "came later");
        }
    });
}

#[test]
fn a_second_heal_names_the_first_and_changes_nothing() {
    with(&scenario::HEAL, |scenario| {
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
    });
}

#[test]
fn a_project_that_is_moved_away_is_settled_where_it_is_now() {
    with(&scenario::HEAL, |scenario| {
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
    });
}

#[test]
fn two_new_environments_at_one_place_are_one() {
    with(&scenario::MAKE, |scenario| {
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
    with(&scenario::HEAL, |scenario| {
        let probe = scenario.steps.iter().find(|step| step.what == "probe").expect("a heal probes");
        let _ = scenario.run(&format!("kill@{}", probe.number));
        fs::remove_file(scenario.ground.prefix().with_file_name(".venv.venvkeep-journal")).expect("root may");
        let report = scenario.ground.venvkeep(&["check", "--json"]).run().code(1).stdout_json();
        let findings = report["environments"][0]["findings"].as_array().cloned().unwrap_or_default();
        let finding = findings.iter().find(|finding| finding["code"] == "interrupted-heal");
        let command = finding.and_then(|finding| finding["remedy"]["command"].as_str()).unwrap_or_default();
        let remove = scenario.ground.ctx.program(Who::User, "sh").args(["-c", command]);
        remove.run().success();
        assert!(!scenario.ground.is_unsettled(), "{command}");
    });
}

#[test]
fn where_a_killed_new_left_nothing_a_heal_says_so_and_what_to_do() {
    with(&scenario::MAKE, |scenario| {
        let last =
            scenario.steps.iter().rfind(|step| step.what == "rename-free").expect("it takes its place");
        let _ = scenario.run(&format!("kill@{}", last.number));
        assert!(scenario.ground.is_unsettled());
        let run = |args: &[&str]| scenario.ground.venvkeep(args).run();
        let _ = run(&["check", ".venv"]).code(1).stdout_has("cut off while it was made");
        let _ =
            run(&["heal", "--dry-run", ".venv"]).code(4).stderr_has("cut off").stderr_has("venvkeep heal");
        assert!(scenario.ground.is_unsettled(), "a plan changes nothing");
        let healed = run(&["heal", ".venv"]).code(2).stderr_has("nothing stands").stderr_has("venvkeep new");
        healed.stderr_lacks("untouched");
        assert!(scenario.ground.names().is_empty(), "{:?}", scenario.ground.names());
        let _ = run(scenario::MAKE.command).success();
    });
}

#[test]
fn pip_that_installs_into_the_old_tree_stops_the_heal() {
    with(&scenario::HEAL, |scenario| {
        let prefix = scenario.ground.prefix();
        // From when the list is frozen until the trees change places.
        for moment in ["mkdir a stage itself", "sync a stage itself"] {
            let mut installed = None;
            let heal = scenario.meanwhile(moment, || {
                let env =
                    Environment::at(scenario.ground.ctx, prefix.clone(), Maker::VenvWithoutPip, Who::Root);
                env.install(["ns-part"]);
                installed = Some(fingerprint(&prefix));
            });
            heal.code(3).stderr_has("was changed by somebody else").stderr_has("untouched");
            installed.expect("pip has run").assert_unchanged();
            assert!(!scenario.ground.is_unsettled(), "{moment}");
            // Once more, and what has come is in the new one.
            let _ = scenario.ground.venvkeep(&["heal"]).run().success();
            let list = scenario.ground.venvkeep(&["freeze"]).run().success();
            assert!(list.stdout.contains("ns-part==1.0"), "{moment}: {list}");
        }
    });
}

#[test]
fn where_the_moved_one_neither_starts_nor_goes_the_old_one_stays() {
    with(&scenario::MOVE, |scenario| {
        let ground = &scenario.ground;
        let placed = scenario.steps.iter().find(|step| step.what == "rename-free");
        let placed = placed.expect("a move takes its place");
        ground.restore();
        let source = ground.prefix().with_file_name("source");
        let before = fingerprint(&source);
        let orders = format!("pause@{},pause@{}", placed.number, placed.number + 1);
        let stage = RefCell::new(PathBuf::new());
        let moved = ground.paused(
            &["move", "./source", ".venv"],
            &orders,
            &mut [
                (placed.number, &mut || {
                    let names = ground.names();
                    let name = names.iter().find(|name| name.starts_with(".venv.venvkeep-stage-"));
                    stage.replace(ground.prefix().with_file_name(name.expect("it is built")));
                    let python = stage.borrow().join("bin/python");
                    fs::remove_file(&python).expect("it is there");
                    symlink("/bin/true", python).expect("root may");
                }),
                // Something of its name in the way of taking it back.
                (1, &mut || fs::create_dir_all(stage.borrow().join("in the way")).expect("root may")),
            ],
        );
        moved.code(4);
        before.assert_unchanged();
        let _ = ground.venvkeep(&["prune", "--older-than", "9999d", "./source"]).run();
        before.assert_unchanged();
    });
}

#[test]
fn what_is_written_into_the_old_tree_stops_the_clone() {
    with(&scenario::CLONE, |scenario| {
        for name in ["notes/new.txt", "notes/todo.txt"] {
            let path = scenario.ground.prefix().with_file_name("source").join(name);
            let write = || fs::write(&path, "came later").expect("root may");
            let clone = scenario.meanwhile("mkdir a stage itself", write);
            clone.code(3).stderr_has(name);
            assert!(!scenario.ground.is_unsettled() && !scenario.ground.prefix().exists(), "{name}");
        }
    });
}
