//! The fault matrix: the program, built with the feature `fault-points`, fails at every step that changes the disk, in
//! every way, and afterwards everything is as docs/safety.md says.
//!
//! A recording run tells which steps there are. By default the first and the last step of each kind are hit;
//! `tests/run --faults` (`VENVKEEP_TEST_FAULTS=all`) hits each of them in each way. How many there were is printed.

#![expect(
    clippy::disallowed_methods,
    reason = "tests look at the disk themselves instead of trusting the code under test"
)]

mod ground;
mod kills;
mod matrix;
mod meanwhile;
mod removal;
mod repair;
mod repeated;
mod scenario;

/// The program under test, with its fault points.
const VENVKEEP: &str = env!("CARGO_BIN_EXE_venvkeep");
