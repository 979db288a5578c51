//! `doctor --repair` and its undo: whatever fails and wherever it is cut off, what was there is never lost, and undoing
//! brings it back as it was.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Fingerprint, Invocation, Output, Who, fingerprint, tools};

use crate::VENVKEEP;
use crate::ground::{Disk, Ground, Step};
use crate::matrix::{announce, faults};

const REPAIR: &[&str] = &["doctor", "--repair"];
const UNDO: &[&str] = &["doctor", "--repair", "--undo"];

/// What is repaired, below the home.
const PLACES: [&str; 3] = [".cache/pip", ".cache/uv", ".local/lib"];

fn home(ground: &Ground<'_>) -> PathBuf {
    ground.prefix().parent().and_then(Path::parent).expect("a ground").join("home")
}

/// A cache and a library of root's, and a closed file of the user's own.
fn lay_out(ground: &Ground<'_>) {
    let home = ground.ctx.project_at(home(ground), Who::User);
    home.write(".cache/pip/http/a", "cached");
    home.write(".local/lib/python3.11/site-packages/mine.py", "VALUE = 1\n");
    symlink("mine.py", home.path().join(".local/lib/python3.11/site-packages/link.py")).expect("root may");
    let closed = home.write(".cache/uv/closed", "x");
    fs::set_permissions(closed, fs::Permissions::from_mode(0o200)).expect("root may");
    for roots in [".cache/pip", ".local/lib"] {
        ground
            .ctx
            .program(Who::Root, "chown")
            .args(["-R", "0:0"])
            .arg(home.path().join(roots))
            .run()
            .success();
    }
}

fn trees(ground: &Ground<'_>) -> Vec<Fingerprint> {
    PLACES.iter().map(|place| fingerprint(home(ground).join(place))).collect()
}

#[track_caller]
fn assert_as_before(ground: &Ground<'_>, before: &[Fingerprint], what: &str) {
    for (place, (now, then)) in PLACES.iter().zip(trees(ground).iter().zip(before)) {
        assert!(now.is_same(then), "{what}: {place} is not what it was");
    }
    for directory in [".cache", ".local"] {
        let names = fs::read_dir(home(ground).join(directory)).expect("it is there");
        let names: Vec<_> = names.map(|entry| entry.expect("its entries").file_name()).collect();
        let is_left = |name: &std::ffi::OsString| name.to_string_lossy().contains(".venvkeep-");
        assert!(!names.iter().any(is_left), "{what}: {names:?}");
    }
}

#[track_caller]
fn assert_repaired(ground: &Ground<'_>, what: &str) {
    let home = home(ground);
    let module = home.join(".local/lib/python3.11/site-packages/mine.py");
    assert_eq!(fs::read_to_string(&module).expect("a copy"), "VALUE = 1\n", "{what}");
    for mine in [module, home.join(".cache/pip"), home.join(".local/lib")] {
        assert_eq!(
            fs::metadata(&mine).expect("it is there").uid(),
            Who::User.uid(),
            "{what}: {}",
            mine.display()
        );
    }
    assert_eq!(
        fs::metadata(home.join(".cache/uv/closed")).expect("it is there").mode() & 0o777,
        0o600,
        "{what}"
    );
}

/// 0, or 2 where nothing was written down yet.
#[track_caller]
fn undo(ground: &Ground<'_>, what: &str) {
    let undone = ground.venvkeep(UNDO).run();
    assert!(matches!(undone.status.code(), Some(0 | 2)), "{what}: {undone}");
}

fn users(always: &str) {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(ground) = Ground::new(&ctx, Disk::Usual, lay_out) else { return };
    let before = trees(&ground);
    let (run, steps) = ground.faulty(REPAIR, always);
    run.success();
    assert_repaired(&ground, "undisturbed");
    let all: Vec<&Step> = steps.iter().collect();
    let chosen = faults(&all);
    for (step, way) in &chosen {
        let what = format!("repair {always}, {way} at {} {} {}", step.number, step.what, step.path.display());
        ground.restore();
        let (run, _) = ground.faulty(REPAIR, &format!("{always},{way}@{}", step.number));
        assert!(!run.stderr.contains("panicked"), "{what}: {run}");
        undo(&ground, &what);
        assert_as_before(&ground, &before, &what);
        // What was cut off is in nobody's way.
        ground.restore();
        let _ = ground.faulty(REPAIR, &format!("{always},{way}@{}", step.number));
        let again = ground.venvkeep(REPAIR).run();
        assert!(matches!(again.status.code(), Some(0)), "{what}: {again}");
        assert_repaired(&ground, &what);
    }
    let (repairs, count) = (steps.len(), chosen.len());
    ground.restore();
    ground.venvkeep(REPAIR).run().success();
    let (run, steps) = ground.faulty(UNDO, always);
    run.success();
    assert_as_before(&ground, &before, "undisturbed");
    let all: Vec<&Step> = steps.iter().collect();
    let chosen = faults(&all);
    for (step, way) in &chosen {
        let what = format!("undo {always}, {way} at {} {} {}", step.number, step.what, step.path.display());
        ground.restore();
        ground.venvkeep(REPAIR).run().success();
        let (run, _) = ground.faulty(UNDO, &format!("{always},{way}@{}", step.number));
        assert!(!run.stderr.contains("panicked"), "{what}: {run}");
        undo(&ground, &what);
        assert_as_before(&ground, &before, &what);
    }
    announce(&format!(
        "a user's repair {always}: {repairs} steps, {count} faults; its undo: {} steps, {} faults",
        steps.len(),
        chosen.len()
    ));
}

#[test]
fn a_users_repair() {
    users("");
}

#[test]
fn a_users_repair_with_two_renames() {
    users("plain-renames");
}

/// As root, with these libraries in the place of the machine's.
fn by_root(ctx: &Context, local: &Path, args: &[&str], fault: &str, trace: &Path) -> Output {
    let script = "mount --bind \"$1\" /usr/local/lib && shift && exec \"$@\"";
    let inside = ctx.program(Who::Root, "unshare").args(["--mount", "sh", "-c", script, "sh"]).arg(local);
    let program: Invocation = ctx.venvkeep(args);
    let inside = inside.args(program.words()).env("HOME", ctx.home(Who::Root));
    inside.env("VENVKEEP_FAULT_TRACE", trace).env("VENVKEEP_FAULT", fault).env("RAYON_NUM_THREADS", "1").run()
}

#[test]
fn roots_repair() {
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let ground = ctx.project_at(ctx.area().join("system"), Who::Root);
    let local = ground.path().join("lib");
    let site = local.join("python3.11/dist-packages");
    fs::create_dir_all(&site).expect("root may");
    let pip = ctx.program(Who::Root, tools::pip()).args(["install", "--quiet", "--no-index", "--target"]);
    pip.arg(&site).wheels_only(ctx.wheels()).arg("pure-one").umask(0o027).run().success();
    let before = fingerprint(&local);
    let trace = ground.path().join("trace");
    let run = |args: &[&str], fault: &str| {
        let output = by_root(&ctx, &local, args, fault, &trace);
        let steps = fs::read_to_string(&trace).unwrap_or_default();
        fs::remove_file(&trace).ok();
        (output, steps.lines().filter_map(Step::parse).collect::<Vec<Step>>())
    };
    let (done, steps) = run(REPAIR, "");
    done.success();
    assert!(steps.iter().any(|step| step.what == "chmod"), "{steps:?}");
    let all: Vec<&Step> = steps.iter().collect();
    let chosen = faults(&all);
    run(UNDO, "").0.success();
    before.assert_unchanged();
    for (step, way) in &chosen {
        let what = format!("root's repair, {way} at {} {} {}", step.number, step.what, step.path.display());
        let (failed, _) = run(REPAIR, &format!("{way}@{}", step.number));
        assert!(!failed.stderr.contains("panicked"), "{what}: {failed}");
        let (undone, _) = run(UNDO, "");
        assert!(matches!(undone.status.code(), Some(0 | 2)), "{what}: {undone}");
        before.assert_unchanged();
    }
    announce(&format!("root's repair: {} steps, {} faults", steps.len(), chosen.len()));
}
