//! SIGKILL at random moments. `tests/run --kills N` says how many; the seed is printed, and `VENVKEEP_TEST_SEED` repeats
//! it as far as the machine's load allows.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::matrix::announce;
use crate::scenario::{self, Live, Scenario, with};

/// In the default run; enough to see that the test works.
const FEW: u64 = 8;

#[test]
fn no_kill_breaks_an_environment() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let rounds = number("VENVKEEP_TEST_KILLS").unwrap_or(FEW);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let seed = number("VENVKEEP_TEST_SEED").unwrap_or(now);
    with(&scenario::CLONE, |scenario| kill(scenario, rounds / 2, seed + 3));
    with(&scenario::MOVE, |scenario| kill(scenario, rounds / 2, seed + 4));
    // Half of them where names are exchanged, a quarter with two renames, a quarter in an undo.
    with(&scenario::HEAL, |scenario| kill(scenario, rounds - rounds / 2, seed));
    with(&scenario::HEAL_WITH_TWO_RENAMES, |scenario| kill(scenario, rounds / 4, seed + 1));
    with(&scenario::UNDO, |scenario| kill(scenario, rounds / 2 - rounds / 4, seed + 2));
}

fn kill(scenario: &Scenario<'_>, rounds: u64, seed: u64) {
    let started = Instant::now();
    let _ = scenario.run("");
    let whole = started.elapsed();
    let mut random = seed;
    let (mut at_work, mut new) = (0, 0);
    for round in 0..rounds {
        // Knuth's MMIX generator: its upper bits are random enough for a time.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        let time = whole.mul_f64(part * 1.1);
        let what = format!("{}, killed after {time:?} (seed {seed}, round {round})", scenario.name());
        at_work += u64::from(scenario.killed_after(time));
        new += u64::from(scenario.live(&what) == Live::New);
        scenario.assert_nothing_lost(&what);
        scenario.assert_check_names_it(&what);
        scenario.assert_settles(usize::try_from(round).unwrap_or(0), &what);
    }
    assert!(whole > Duration::ZERO);
    announce(&format!(
        "{}: {rounds} kills within {whole:?} (seed {seed}): {at_work} hit it at work, {new} found the new tree live, none broke one",
        scenario.name()
    ));
}
