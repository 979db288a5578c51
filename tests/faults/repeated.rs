//! Killed again and again: each run settles what the one before left, and is killed one step later than that.

use std::os::unix::process::ExitStatusExt;

use crate::matrix::{announce, wants_all};
use crate::scenario::{self, Live, Scenario, with};

#[test]
fn heal_again_and_again() {
    with(&scenario::HEAL, exhaust);
}

#[test]
fn heal_with_two_renames_again_and_again() {
    with(&scenario::HEAL_WITH_TWO_RENAMES, exhaust);
}

#[test]
fn heal_without_exchange_again_and_again() {
    with(&scenario::HEAL_WITHOUT_EXCHANGE, exhaust);
}

#[test]
fn undo_with_two_renames_again_and_again() {
    with(&scenario::UNDO_WITH_TWO_RENAMES, exhaust);
}

#[test]
fn move_again_and_again() {
    with(&scenario::MOVE, exhaust);
}

/// From each of the steps by which the trees change places.
fn exhaust(scenario: &Scenario<'_>) {
    let swapping = scenario
        .steps
        .iter()
        .rev()
        // What is kept for the user comes after all is settled.
        .filter(|step| step.what != "start" && !step.kind().contains("the home"));
    let swapping: Vec<_> = swapping.take(if wants_all() { 12 } else { 5 }).collect();
    let mut runs = 0;
    for first in swapping {
        let _ = scenario.run(&format!("kill@{}", first.number));
        for next in 1.. {
            let what = format!("{}, killed at {} and then up to {next}", scenario.name(), first.number);
            let (run, _) = scenario.again(&format!("kill@{next}"));
            runs += 1;
            scenario.live(&what);
            scenario.assert_nothing_lost(&what);
            if run.status.signal().is_none() {
                break;
            }
            // Each round of a whole heal is the same again; what matters is how it begins.
            if !wants_all() && next == 12 {
                break;
            }
        }
        let what = format!("{}, killed at {} and again", scenario.name(), first.number);
        scenario.assert_settles(0, &what);
        assert_ne!(scenario.live(&what), Live::Nothing);
    }
    announce(&format!("{}, killed again and again: {runs} runs", scenario.name()));
}
