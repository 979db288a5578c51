//! What a test requires of the machine, and what happens where it is missing.
//!
//! libtest knows no skipping at run time, and a test that silently returns looks like one that
//! passed. So each skip is printed past libtest's capture and appended to the file that
//! `tests/run` names in `VENVKEEP_TEST_SKIPS` and counts at the end.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::{OrFail, Who, tools};

/// Something that a test cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The right to run programs as other users.
    Root,
    /// The right to mount, for [`Context::small_disk`](crate::Context::small_disk), which looks itself.
    Mount,
    /// The right to make files that nobody can change (`chattr +i`), and a file system below `/tmp` that has such.
    Immutable,
    /// A program in `/usr/bin` or `/bin`.
    Program(&'static str),
    /// A Python that every user can start, by its key in [`tools::python`]. Only `system` and `pypy3`
    /// can be installed anywhere; a matrix goes through [`tools::pythons`] instead.
    Python(&'static str),
    /// The `virtualenv` that `tests/run` installs.
    Virtualenv,
    /// The `virtualenv` before version 20 that `tests/run` installs, and the Python that it knows.
    LegacyVirtualenv,
    /// The `uv` that `tests/run` installs.
    Uv,
    /// The `promtool` that `tests/run` unpacks.
    Promtool,
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Self::Root | Self::Mount => *CAN_BECOME_ANOTHER_USER,
            Self::Immutable => *CAN_FIX_FILES,
            Self::Program(name) => tools::system_program(name).is_some(),
            Self::Python(key) => tools::python(key).is_some(),
            Self::Virtualenv => tools::virtualenv().is_file(),
            Self::LegacyVirtualenv => {
                tools::legacy_virtualenv().is_file() && tools::python(tools::LEGACY_PYTHON).is_some()
            }
            Self::Uv => tools::uv().is_file(),
            Self::Promtool => tools::promtool().is_file(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Mount => f.write_str("the right to mount"),
            Self::Immutable => f.write_str("files that nobody can change"),
            Self::Program(name) => f.write_str(name),
            Self::Python(key) => write!(f, "Python {key} in {}", tools::directory().display()),
            Self::Virtualenv => write!(f, "virtualenv in {}", tools::directory().display()),
            Self::LegacyVirtualenv => {
                let place = tools::directory().display();
                write!(f, "virtualenv before 20 and Python {} in {place}", tools::LEGACY_PYTHON)
            }
            Self::Uv => write!(f, "uv in {}", tools::directory().display()),
            Self::Promtool => write!(f, "promtool in {}", tools::directory().display()),
        }
    }
}

/// Being uid 0 is not enough: in a user namespace without subordinate ids there is nobody else.
static CAN_BECOME_ANOTHER_USER: LazyLock<bool> = LazyLock::new(|| {
    rustix::process::geteuid().is_root()
        && Command::new("/bin/true")
            .uid(Who::User.uid())
            .gid(Who::User.gid())
            .stdin(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
});

static CAN_FIX_FILES: LazyLock<bool> = LazyLock::new(|| {
    let Ok(file) = tempfile::NamedTempFile::new_in("/tmp") else { return false };
    let chattr =
        |what: &str| Command::new("chattr").arg(what).arg(file.path()).stderr(Stdio::null()).status();
    chattr("+i").is_ok_and(|status| status.success()) && chattr("-i").is_ok_and(|status| status.success())
});

/// Whether all `needs` are met. Where not, the skip is printed and counted, and the test returns.
///
/// ```no_run
/// use venvkeep_testkit::{Need, require};
/// if !require(&[Need::Program("zsh")]) {
///     return;
/// }
/// ```
///
/// # Panics
/// Under `VENVKEEP_TEST_REQUIRE_ALL=1`, when something is missing.
#[must_use = "a test whose needs are not met returns at once"]
pub fn require(needs: &[Need]) -> bool {
    let Some(missing) = needs.iter().find(|need| !need.is_met()) else {
        return true;
    };
    skip(*missing);
    false
}

/// Prints and counts that the running test is skipped, or fails it.
pub(crate) fn skip(missing: Need) {
    assert!(
        std::env::var_os("VENVKEEP_TEST_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "needs {missing}, and VENVKEEP_TEST_REQUIRE_ALL=1 allows no skips"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("skipped: needs {missing} ({test})\n");
    // `print!` would be captured, and nobody reads what a passing test printed.
    io::stderr().write_all(line.as_bytes()).or_fail("write to", Path::new("stderr"));
    let Some(file) = std::env::var_os("VENVKEEP_TEST_SKIPS") else {
        return;
    };
    let file = Path::new(&file);
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut counter| counter.write_all(line.as_bytes()))
        .or_fail("count a skip in", file);
}
