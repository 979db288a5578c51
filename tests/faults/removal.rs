//! `remove` ends without an environment, so it has a matrix of its own: the tree is live or kept, and never both, neither
//! or in part.

use std::os::unix::process::ExitStatusExt;

use venvkeep_testkit::{Context, Fingerprint, Need, require};

use crate::VENVKEEP;
use crate::ground::{Disk, Ground, Step};
use crate::matrix::{announce, faults};
use crate::scenario;

const REMOVE: &[&str] = &["remove", ".venv"];
/// Takes the lock, which settles; there may be nothing to look for.
const SETTLE: &[&str] = &["prune", "--older-than", "9999d", ".venv"];

#[test]
fn remove() {
    if !require(&[Need::Uv]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let Some(ground) = Ground::new(&ctx, Disk::Usual, scenario::removable) else { return };
    let whole = ground.live().expect("it is laid out");
    let (run, steps) = ground.faulty(REMOVE, "");
    run.success();
    assert!(steps.len() > 3, "the program was built without fault points");
    assert!(!is_live(&ground, &whole, "undisturbed"));
    let all: Vec<&Step> = steps.iter().collect();
    let chosen = faults(&all);
    for (step, way) in &chosen {
        let what = format!("remove, {way} at {} {} {}", step.number, step.what, step.path.display());
        ground.restore();
        let (run, _) = ground.faulty(REMOVE, &format!("{way}@{}", step.number));
        let live = is_live(&ground, &whole, &what);
        match *way {
            "kill" | "abort" => assert!(run.status.signal().is_some(), "{what}: {run}"),
            _ => assert_eq!(run.status.code(), Some(if live { 3 } else { 0 }), "{what}: {run}"),
        }
        for _ in 0..2 {
            ground.venvkeep(SETTLE).run().success();
            assert!(!ground.is_unsettled(), "{what}: {:?}", ground.names());
            assert_eq!(is_live(&ground, &whole, &what), live, "{what}: settling moves nothing");
        }
        if live {
            ground.venvkeep(REMOVE).run().success();
        }
        ground.venvkeep(&["undo", ".venv"]).run().success();
        assert!(is_live(&ground, &whole, &what), "{what}");
    }
    announce(&format!("remove: {} steps, {} faults", steps.len(), chosen.len()));
}

/// Whether the tree is live; else it is kept.
#[track_caller]
fn is_live(ground: &Ground<'_>, whole: &Fingerprint, what: &str) -> bool {
    let trees = ground.trees();
    let is_kept = |(name, tree): &(String, Fingerprint)| name.contains("venvkeep-old") && tree.is_same(whole);
    let kept = trees.iter().filter(|tree| is_kept(tree)).count();
    let live = ground.live();
    assert!(live.as_ref().is_none_or(|live| live.is_same(whole)), "{what}: what is live is another one");
    assert_eq!(usize::from(live.is_some()) + kept, 1, "{what}: {:?}", ground.names());
    live.is_some()
}
