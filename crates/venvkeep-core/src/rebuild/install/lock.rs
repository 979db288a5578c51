//! The frozen list as a lock file (PEP 751), through uv.
//!
//! Such a file names for each package where its files are and what they hash to, which installed files do not tell: it
//! takes the index. uv is given the exact pins without dependencies, a base interpreter from outside of environments,
//! and no leave to build anything, so that no code of a package runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{InstallError, Installer, Order, settings, unobtainable, variables, write_list};
use crate::host::fs;
use crate::host::process::{self, Finished, Invocation, ProcessError};
use crate::host::programs::{self, TrustedProgram};
use crate::host::remove;
use crate::interpreters::find::{FindError, find};
use crate::interpreters::request::{Release, Request};
use crate::model::caller::Caller;
use crate::model::interrupt::Interrupt;
use crate::model::pylock;
use crate::model::python_version::PythonVersion;
use crate::model::requirements::{FrozenRequirements, Pin};

/// A lock file of a thousand packages has some megabytes.
const MAX_LOCK: u64 = 64 * 1024 * 1024;

/// Why there is no lock file.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no uv.
    #[error("a pylock is written by uv, and there is no uv on your PATH that may be started")]
    NoUv,
    /// There is no interpreter to resolve for.
    #[error(transparent)]
    Interpreter(#[from] FindError),
    /// uv could not do it.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// What uv wrote is not the list.
    #[error("what uv wrote is not the list as a lock file: {0}")]
    NotTheList(String),
}

impl LockError {
    /// Whether the user's wish to stop is the reason.
    pub fn is_interrupted(&self) -> bool {
        matches!(
            self,
            Self::Interpreter(FindError::Interrupted)
                | Self::Install(InstallError::Process(ProcessError::Interrupted))
        )
    }
}

/// The text of the lock file of a list, for the Python version of its environment where that is known.
pub fn pylock(
    list: &FrozenRequirements,
    order: &Order<'_>,
    python: Option<PythonVersion>,
    interrupt: &Interrupt,
) -> Result<String, LockError> {
    let installer = Installer::choose(order.caller, None).ok_or(LockError::NoUv)?;
    let Installer::Uv(program) = &installer else { return Err(LockError::NoUv) };
    let interpreter = interpreter(python, order.caller, interrupt)?;
    let private = private_directory(order.caller).map_err(InstallError::from)?;
    let locking =
        Locking { uv: (&installer, program), order, interpreter, python, private: &private, interrupt };
    let locked = locking.run();
    // What is left in a directory of ours does no harm.
    let _ = remove::tree(&private);
    let text = locked?;
    pylock::check(&text, list).map_err(LockError::NotTheList)?;
    Ok(text)
}

/// A base interpreter of that version, else any: uv asks one what the machine is. Never the environment's.
fn interpreter(
    python: Option<PythonVersion>,
    caller: &Caller,
    interrupt: &Interrupt,
) -> Result<PathBuf, FindError> {
    let same = python.map(|version| {
        let version = vec![version.major, version.minor];
        Request::Release(Release { implementation: "cpython".to_owned(), version, free_threaded: false })
    });
    let same = same.and_then(|request| find(&request, caller, interrupt).ok());
    let base = same.map_or_else(|| find(&Request::Any, caller, interrupt), Ok)?;
    Ok(base.executable)
}

/// The list can hold addresses with passwords.
fn private_directory(caller: &Caller) -> fs::Result<PathBuf> {
    let temporary = caller.variable("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let is_safe = |path: &PathBuf| programs::trust_way(&path.join("x"), &caller.viewer).is_ok();
    let temporary = temporary.filter(is_safe);
    let temporary = temporary.unwrap_or_else(|| PathBuf::from("/tmp"));
    let place = temporary.join(format!("venvkeep-lock-{:016x}", fastrand::u64(..)));
    fs::create_dir(&place, 0o700)?;
    Ok(place)
}

struct Locking<'a> {
    uv: (&'a Installer, &'a TrustedProgram),
    order: &'a Order<'a>,
    interpreter: PathBuf,
    python: Option<PythonVersion>,
    private: &'a Path,
    interrupt: &'a Interrupt,
}

impl Locking<'_> {
    fn run(&self) -> Result<String, InstallError> {
        let finished = self.start(&self.order.pins)?;
        if finished.status.success() {
            let content = fs::read_bounded(&self.place(), MAX_LOCK)?;
            return Ok(String::from_utf8_lossy(&content).into_owned());
        }
        let try_again = &mut |pins: &[&Pin]| self.start(pins).ok();
        Err(unobtainable(self.uv.0, self.order, &finished, self.interrupt, try_again))
    }

    fn start(&self, pins: &[&Pin]) -> Result<Finished, InstallError> {
        let (installer, program) = self.uv;
        let settings = settings::for_installer(installer, self.order);
        let list = self.private.join("requirements.in");
        write_list(&list, pins, &settings)?;
        let invocation = Invocation {
            program,
            arguments: self.arguments(&list),
            variables: variables::for_installer(installer, self.order.caller, &settings, self.private),
            // As when installing: not where somebody's `uv.toml` or `.venv` lies.
            directory: Path::new("/"),
            patience: None,
        };
        Ok(process::run(&invocation, self.interrupt, &mut |_| {})?)
    }

    fn arguments(&self, list: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = [
            "pip",
            "compile",
            "--format",
            "pylock.toml",
            "--no-deps",
            "--no-build",
            "--no-header",
            "--no-annotate",
            "--no-python-downloads",
            "--no-progress",
            "--color",
            "never",
            "--quiet",
            "--python",
        ]
        .map(OsString::from)
        .into();
        arguments.push(self.interpreter.clone().into());
        if let Some(version) = self.python {
            arguments.push(format!("--python-version={}.{}", version.major, version.minor).into());
        }
        arguments.extend(["-o".into(), self.place().into(), list.into()]);
        arguments
    }

    /// uv insists on such a name.
    fn place(&self) -> PathBuf {
        self.private.join("pylock.toml")
    }
}
