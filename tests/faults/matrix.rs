//! One fault a run: each scenario, each kind of step, each way to fail.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;

use venvkeep_testkit::Output;

use crate::ground::Step;
use crate::scenario::{self, Live, Scenario, with};

/// The ways to fail, in the words of the program's fault points.
const ALL_WAYS: [&str; 6] = ["kill", "abort", "error", "nospace", "quota", "stop"];

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// Whether each step is to be hit in each way.
pub(crate) fn wants_all() -> bool {
    std::env::var("VENVKEEP_TEST_FAULTS").is_ok_and(|value| value == "all")
}

#[test]
fn heal() {
    with(&scenario::HEAL, attack);
}

#[test]
fn heal_with_two_renames() {
    with(&scenario::HEAL_WITH_TWO_RENAMES, attack);
}

#[test]
fn heal_without_exchange() {
    with(&scenario::HEAL_WITHOUT_EXCHANGE, attack);
}

/// The new one is the one of an undisturbed heal, entry by entry (`Scenario::live`), and that is for everybody.
#[test]
fn heal_shared() {
    with(&scenario::HEAL_SHARED, |scenario| {
        scenario.ground.assert_for_everybody();
        attack(scenario);
    });
}

#[test]
fn heal_relocatable() {
    with(&scenario::HEAL_RELOCATABLE, |scenario| {
        let configuration = std::fs::read_to_string(scenario.ground.prefix().join("pyvenv.cfg"));
        assert!(configuration.is_ok_and(|text| text.contains("relocatable = true")), "it stays so");
        attack(scenario);
    });
}

#[test]
fn adopt() {
    with(&scenario::ADOPT, attack);
}

#[test]
fn heal_by_fetching() {
    // The other steps are those of every heal.
    let is_installers =
        |step: &Step| step.what == "start" || step.path.to_string_lossy().contains("-install");
    with(&scenario::HEAL_BY_FETCHING, |scenario| attack_at(scenario, is_installers));
}

#[test]
fn heal_discarding() {
    with(&scenario::HEAL_DISCARDING, attack);
}

#[test]
fn heal_to() {
    with(&scenario::HEAL_TO, attack);
}

#[test]
fn undo() {
    with(&scenario::UNDO, attack);
}

#[test]
fn undo_with_two_renames() {
    with(&scenario::UNDO_WITH_TWO_RENAMES, attack);
}

#[test]
fn undo_without_exchange() {
    with(&scenario::UNDO_WITHOUT_EXCHANGE, attack);
}

#[test]
fn prune() {
    with(&scenario::PRUNE, attack);
}

#[test]
fn new() {
    with(&scenario::MAKE, attack);
}

#[test]
fn clone() {
    with(&scenario::CLONE, attack);
}

#[test]
fn r#move() {
    with(&scenario::MOVE, attack);
}

fn attack(scenario: &Scenario<'_>) {
    attack_at(scenario, |_| true);
}

fn attack_at(scenario: &Scenario<'_>, is_meant: impl Fn(&Step) -> bool) {
    let steps: Vec<&Step> = scenario.steps.iter().filter(|step| is_meant(step)).collect();
    let mut faults = faults(&steps);
    // From there on nothing works any more, as on a disk that broke.
    let breaks =
        |step: &&&Step| wants_all() || ["exchange", "rename-free", "start"].contains(&step.what.as_str());
    faults.extend(steps.iter().filter(breaks).map(|step| (*step, "broken")));
    let mut between = 0;
    for (step, way) in &faults {
        let what =
            format!("{}, {way} at {} {} {}", scenario.name(), step.number, step.what, step.path.display());
        let (run, passed) = scenario.run(&format!("{way}@{}", step.number));
        assert!(passed.len() >= step.number, "{what}: it was not reached: {run}");
        assert_ends_well(scenario, &run, way, &what);
        between += usize::from(scenario.live(&what) == Live::Nothing);
        scenario.assert_nothing_lost(&what);
        scenario.assert_check_names_it(&what);
        scenario.assert_settles(step.number, &what);
    }
    assert_eq!(
        between > 0,
        scenario.has_two_renames(),
        "{}: the moment between two renames",
        scenario.name()
    );
    let (name, steps, faults) = (scenario.name(), steps.len(), faults.len());
    announce(&format!("{name}: {steps} steps, {faults} faults, {between} between two renames"));
}

/// Every step in every way; or the first and the last of each kind, killed and refused, and one of each kind in the
/// other ways by turns.
pub(crate) fn faults<'s>(steps: &[&'s Step]) -> Vec<(&'s Step, &'static str)> {
    if wants_all() {
        return steps.iter().flat_map(|step| ALL_WAYS.map(|way| (*step, way))).collect();
    }
    let mut kinds: BTreeMap<String, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        kinds.entry(step.kind()).or_default().push(step);
    }
    let mut chosen = Vec::new();
    for (turn, of_kind) in kinds.values().enumerate() {
        let (first, last) = (of_kind[0], of_kind[of_kind.len() - 1]);
        chosen.extend([(last, "kill"), (first, "error")]);
        let ways = ["abort", "nospace", "quota", "stop"];
        chosen.push((of_kind[of_kind.len() / 2], ways[turn % ways.len()]));
        if first != last {
            chosen.push((first, "kill"));
        }
    }
    chosen
}

/// The exit code, what was said and what stands at the prefix fit together.
#[track_caller]
fn assert_ends_well(scenario: &Scenario<'_>, run: &Output, way: &str, what: &str) {
    let live = scenario.live(what);
    let killed = match way {
        "kill" => Some(SIGKILL),
        "abort" => Some(SIGABRT),
        _ => None,
    };
    if killed.is_some() {
        assert_eq!(run.status.signal(), killed, "{what}: {run}");
        return;
    }
    // What failed where nobody could do anything about it is settled by the next run.
    let says = |word: &str| run.stderr.contains(&format!("The environment is {word}"));
    match (run.status.code(), live) {
        (Some(0), Live::New) => {}
        // The work is done, and the journal could not be removed: that is a finding.
        (Some(1), Live::New) => assert!(scenario.ground.is_unsettled(), "{what}: {run}"),
        (Some(130), Live::Old) if way == "stop" => {
            assert!(!scenario.ground.is_unsettled(), "{what}: {:?}", scenario.ground.names());
        }
        (Some(3), Live::Old) => assert!(!says("the new one"), "{what}: {run}"),
        // A disk that stays broken: what was begun can be brought neither to its end nor back.
        (Some(4), Live::New | Live::Nothing) => {
            assert!(!says("untouched") && !says("restored"), "{what}: {run}");
        }
        _ => unreachable!("{what}: {live:?} is live after {run}"),
    }
}

/// Past libtest's capture: nobody reads what a passing test printed.
pub(crate) fn announce(line: &str) {
    std::io::stderr().write_all(format!("fault matrix: {line}\n").as_bytes()).expect("stderr takes it");
}
