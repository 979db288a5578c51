//! Where a test can make the program fail: every step of [`super`]'s that changes the disk, and every start of a
//! program.
//!
//! Such a function announces the step right before it takes it. In the program that users get this is nothing at all.
//! Only with the feature `fault-points` the steps are counted and two variables are read: `VENVKEEP_FAULT_TRACE` names
//! a file that gets a line for each step, and `VENVKEEP_FAULT` says what happens at which of them, as
//! `kill@17,plain-renames`:
//!
//! | word | at the step with that number |
//! |---|---|
//! | `error`, `nospace`, `quota` | it is not taken, and the system's answer is `EIO`, `ENOSPC` or `EDQUOT` |
//! | `broken` | it and every step after it is answered with `EIO` |
//! | `abort`, `kill` | the program ends, without or with a chance to say so |
//! | `stop` | the program gets a SIGTERM, then the step is taken |
//! | `pause` | the program waits until the trace is gone, so that a test can do something else meanwhile |
//! | `plain-renames` (without a number) | no rename may exchange names or insist on a free one, as on older file systems |

pub(super) use imp::{has_plain_renames_only, reach, reach_in};

#[cfg(not(feature = "fault-points"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature the steps can fail")]
mod imp {
    use std::ffi::OsStr;
    use std::path::Path;

    use rustix::io::Errno;

    #[inline]
    pub(in crate::host) fn reach(_step: &'static str, _path: &Path) -> Result<(), Errno> {
        Ok(())
    }

    #[inline]
    pub(in crate::host) fn reach_in(
        _step: &'static str,
        _directory: &Path,
        _name: &OsStr,
    ) -> Result<(), Errno> {
        Ok(())
    }

    #[inline]
    pub(in crate::host) fn has_plain_renames_only() -> bool {
        false
    }
}

#[cfg(feature = "fault-points")]
mod imp {
    use std::ffi::OsStr;
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Signal, getpid, kill_process};

    /// What the variables say.
    struct Orders {
        /// Which word at which step.
        faults: Vec<(String, usize)>,
        plain_renames: bool,
        trace: Option<PathBuf>,
    }

    static ORDERS: LazyLock<Orders> = LazyLock::new(|| {
        let text = std::env::var("VENVKEEP_FAULT").unwrap_or_default();
        let faults = text.split(',').filter_map(|order| order.split_once('@'));
        Orders {
            faults: faults
                .map(|(word, step)| {
                    (word.to_owned(), step.parse().expect("a fault names its step by number"))
                })
                .collect(),
            plain_renames: text.split(',').any(|word| word == "plain-renames"),
            trace: std::env::var_os("VENVKEEP_FAULT_TRACE").map(PathBuf::from),
        }
    });

    static STEPS: AtomicUsize = AtomicUsize::new(0);

    /// Announces a step that is about to change what stands at a path; an error is taken for the step's own.
    pub(in crate::host) fn reach(step: &'static str, path: &Path) -> Result<(), Errno> {
        let number = STEPS.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(trace) = &ORDERS.trace {
            let mut trace =
                OpenOptions::new().append(true).create(true).open(trace).expect("the trace can be written");
            writeln!(trace, "{number} {step} {}", path.display()).expect("the trace can be written");
        }
        let is_due = |word: &str, at: usize| at == number || (word == "broken" && at < number);
        let mut orders = ORDERS.faults.iter().filter(|(word, at)| is_due(word, *at));
        orders.try_for_each(|(word, _)| happen(word))
    }

    /// The same, for an entry of an open directory.
    pub(in crate::host) fn reach_in(step: &'static str, directory: &Path, name: &OsStr) -> Result<(), Errno> {
        reach(step, &directory.join(name))
    }

    /// Whether renames are to be refused everything but the plain one.
    pub(in crate::host) fn has_plain_renames_only() -> bool {
        ORDERS.plain_renames
    }

    fn happen(word: &str) -> Result<(), Errno> {
        match word {
            "error" | "broken" => return Err(Errno::IO),
            "nospace" => return Err(Errno::NOSPC),
            "quota" => return Err(Errno::DQUOT),
            "abort" => std::process::abort(),
            "kill" => kill_process(getpid(), Signal::KILL).expect("a process may kill itself"),
            "stop" => kill_process(getpid(), Signal::TERM).expect("a process may stop itself"),
            "pause" => {
                while ORDERS.trace.as_ref().is_some_and(|trace| trace.exists()) {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            _ => unreachable!("{word} is no fault"),
        }
        Ok(())
    }
}
