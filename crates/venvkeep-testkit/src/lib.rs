//! Test support for venvkeep: users, environments that root really made, small wheels, fingerprints.
//!
//! The kit exists because most of what venvkeep promises shows only between two accounts: root made
//! a tree, and an unprivileged user wants it back. A [`Context`] therefore always runs programs as an
//! unprivileged user with an own home and a cleared environment, and the builders let root make
//! environments with the real tools. Nothing here is faked, so all of it needs root; where that (or
//! a program) is missing, a test is skipped, says so, and is counted. Under
//! `VENVKEEP_TEST_REQUIRE_ALL=1` it fails instead.
//!
//! ```no_run
//! use venvkeep_testkit::{Context, Maker, fingerprint};
//!
//! # let program = "venvkeep"; // in a test: env!("CARGO_BIN_EXE_venvkeep")
//! let Some(ctx) = Context::new(program) else { return };
//! let project = ctx.project("proj");
//! let env = project.venv_by_root(Maker::Venv).umask(0o077).packages(["pure-one"]).build();
//! let before = fingerprint(env.path());
//!
//! ctx.run(["check", env.str()]).code(1).stdout_has("root");
//! before.assert_unchanged();
//! ```
//!
//! What the machine must offer beyond Rust and Python (`virtualenv`, `uv`, several Pythons that every
//! user can start) is prepared by `tests/run` in one directory, see [`tools`].

#![expect(
    clippy::disallowed_methods,
    reason = "the kit prepares the ground on which the program is tested; it is not the program"
)]
#![expect(clippy::panic, reason = "a failure of the kit is a failing test")]

mod context;
mod damage;
mod disk;
mod environment;
mod fingerprint;
mod invocation;
mod mount;
mod needs;
mod terminal;
pub mod tools;
mod traps;
mod tree;
mod wheel;
mod wheelhouse;

pub use context::{Context, Project, Who};
pub use disk::SmallDisk;
pub use environment::{Environment, EnvironmentBuilder, Maker};
pub use fingerprint::{Fingerprint, fingerprint, owners};
pub use invocation::{Invocation, Output};
pub use mount::Mount;
pub use needs::{Need, require};
pub use traps::Traps;
pub use tree::{files_naming, modes};
pub use wheel::Wheel;
pub use wheelhouse::write_wheelhouse;

use std::fmt::Display;
use std::path::Path;

/// Turns a failure of the kit's own work into a failing test that names the path.
pub(crate) trait OrFail<T> {
    /// The value, or a panic that says what could not be done with `path`.
    fn or_fail(self, doing: &str, path: &Path) -> T;
}

impl<T, E: Display> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, doing: &str, path: &Path) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("cannot {doing} {}: {error}", path.display()),
        }
    }
}
