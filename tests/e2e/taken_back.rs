//! What `doctor --repair` writes down, and what `--undo` makes of it: whose word it takes, and what it leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use venvkeep_testkit::{Context, Who, fingerprint};

use crate::VENVKEEP;
use crate::doctor::{doctor, with_code};

const UNDO: [&str; 3] = ["doctor", "--repair", "--undo"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("root may");
}

#[test]
fn root_takes_back_nothing_that_somebody_else_wrote_down() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("ground"), Who::Root);
    let target = ground.write("program", "#!/bin/sh\n");
    set_mode(&target, 0o640);
    let facts = fs::metadata(&target).expect("it is there");
    let modified = i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec());
    let step = |before: u32| {
        format!(
            "[{{\"kind\":\"mode\",\"path\":{target:?},\"entry\":{{\"device\":{},\"inode\":{},\"content\":[{},{modified}]}},\
             \"before\":{before},\"after\":{}}}]",
            facts.dev(),
            facts.ino(),
            facts.len(),
            0o640
        )
    };
    // A directory of root's in which anybody can make one.
    let state = ground.path().join("state");
    fs::create_dir(&state).expect("root may");
    set_mode(&state, 0o1777);
    let strangers = ctx.project_at(state.join("venvkeep/repairs"), Who::Other);
    strangers.write("20300101-000000-001.json", step(0o4777));
    let by_root = || ctx.venvkeep_by(Who::Root, UNDO).env("XDG_STATE_HOME", &state);
    assert!(!by_root().run().status.success());
    assert_eq!(mode(&target), 0o640);
    // In root's own directory, but a file of somebody else's; then root's own, with what no repair does.
    set_mode(&state, 0o755);
    for directory in ["venvkeep", "venvkeep/repairs"] {
        ctx.program(Who::Root, "chown").arg("0:0").arg(state.join(directory)).run().success();
    }
    by_root().run().code(3).stderr_has("other users could have written it");
    let log = state.join("venvkeep/repairs/20300101-000000-001.json");
    ctx.program(Who::Root, "chown").arg("0:0").arg(&log).run().success();
    by_root().run().code(3).stderr_has("what root's repair never does");
    assert_eq!(mode(&target), 0o640);
    // The same as a repair would have written it.
    fs::write(&log, step(0o600)).expect("root may");
    by_root().run().success();
    assert_eq!(mode(&target), 0o600);
}

#[test]
fn what_changed_since_is_left_and_keeps_no_older_repair_from_being_taken_back() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let (first, second) = (home.write(".cache/uv/first", "x"), home.write(".cache/uv/second", "x"));
    let repair = || ctx.venvkeep(["doctor", "--repair"]).run().success();
    set_mode(&first, 0o200);
    repair().stdout_has("Repaired 1 entry");
    set_mode(&second, 0o200);
    repair().stdout_has("Repaired 1 entry");
    fs::write(&second, "changed").expect("root may");
    ctx.venvkeep(UNDO).run().code(4).stdout_has("it changed since the repair");
    assert_eq!((mode(&first), mode(&second)), (0o600, 0o600));
    ctx.venvkeep(UNDO).run().success();
    assert_eq!((mode(&first), mode(&second)), (0o200, 0o600));
    ctx.venvkeep(UNDO).run().code(2);
    // A closed directory shows what is in it only when it is open.
    let closed = home.write(".cache/uv/closed/file", "x");
    set_mode(&closed, 0o200);
    let closed = closed.parent().expect("it has one");
    set_mode(closed, 0o000);
    repair().stdout_has("run it again");
    repair().stdout_has("Repaired 1 entry").stdout_lacks("run it again");
    ctx.venvkeep(UNDO).run().success();
    ctx.venvkeep(UNDO).run().success();
    assert_eq!(mode(closed), 0o000);
}

#[test]
fn a_strangers_program_is_to_be_looked_at_and_nothing_above_the_chosen_directory_is_moved() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let home = ctx.project_at(ctx.home(Who::User), Who::User);
    let stranger = Who::Other.uid().to_string();
    let tool = home.write(".local/bin/tool", "#!/bin/sh\n");
    ctx.program(Who::Root, "chown").arg(&stranger).arg(&tool).run().success();
    let told = doctor(&ctx).run().code(1).stdout_json();
    let finding = with_code(&told, "own-foreign");
    let text = finding[0].to_string();
    assert!(
        text.contains("ls -la --") && !text.contains("--repair") && !text.contains("sudo kept"),
        "{text}"
    );
    // Caches that the user keeps in a directory of root's.
    let shared = ctx.project_at(ctx.area().join("caches"), Who::Root);
    shared.write("pip/a", "x");
    shared.write("uv/a", "x");
    let before = fingerprint(shared.path());
    let run =
        ctx.venvkeep(["doctor", "--repair", "--json"]).env("XDG_CACHE_HOME", shared.path()).run().code(4);
    let told = run.stdout_json();
    let left: Vec<String> = told["left"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["path"].as_str().expect("a path").to_owned())
        .collect();
    let caches = ["pip", "uv"].map(|name| shared.path().join(name).display().to_string());
    assert_eq!(left[..2], caches, "{told:#}");
    before.assert_unchanged();
}
