//! Installing what a new environment was asked for: lists as people write them, with what they depend on, and the newest
//! pip.
//!
//! Here the user names the list, so it is taken as they would take it: from their working directory, with their own
//! settings for the installer.

use std::ffi::OsString;
use std::path::Path;

use super::{InstallError, Installer, Order, missing, settings, variables};
use crate::host::fs;
use crate::host::process::{self, Invocation};
use crate::host::programs::TrustedProgram;
use crate::host::remove;
use crate::model::caller::Caller;
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::model::pylock;
use crate::progress::{Event, Progress};
use crate::rebuild::stage::Stage;

/// A list that people write, or a lock file.
const MAX_LIST: u64 = 64 * 1024 * 1024;

/// What is to be installed.
#[derive(Debug, Clone, Copy)]
pub enum Errand<'a> {
    /// What a requirements file or a lock file (PEP 751) lists.
    List(&'a Path),
    /// The newest versions of what is there under these names.
    Upgrade(&'a [String]),
    /// These requirements, each a line, without what they depend on.
    Exactly(&'a [String]),
}

/// What all errands into one stage have in common.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// What installs.
    pub installer: &'a Installer,
    /// Where.
    pub stage: &'a Stage,
    /// The stage's Python.
    pub python: &'a TrustedProgram,
    /// Who asks.
    pub caller: &'a Caller,
    /// Whether the user wants to stop.
    pub interrupt: &'a Interrupt,
}

impl Filling<'_> {
    /// Runs the installer.
    pub fn run(&self, errand: Errand<'_>, progress: Progress<'_>) -> Result<(), InstallError> {
        // 0700, because addresses in it can hold passwords; gone before the environment comes to its place.
        let private = self.stage.join(".venvkeep-install");
        fs::create_dir(&private, 0o700)?;
        let done = self.run_with(errand, &private, progress);
        remove::tree(&private)?;
        done
    }

    fn run_with(
        &self,
        errand: Errand<'_>,
        private: &Path,
        progress: Progress<'_>,
    ) -> Result<(), InstallError> {
        let order = Order { pins: Vec::new(), own_settings: IndexSettings::default(), caller: self.caller };
        let settings = settings::for_installer(self.installer, &order);
        let own = private.join("requirements.txt");
        let mut lines = settings.requirement_options.clone();
        let mut arguments = self.start();
        match errand {
            Errand::Upgrade(names) => {
                lines.extend(names.iter().map(|name| format!("{name}\n")));
                arguments.push("--upgrade".into());
                if let Installer::Pip { .. } = self.installer {
                    // What is there would do for a pip that cannot reach the index, and it would not say so.
                    arguments.push("--force-reinstall".into());
                }
            }
            Errand::Exactly(requirements) => {
                lines.extend(requirements.iter().map(|line| format!("{line}\n")));
                arguments.push("--no-deps".into());
            }
            Errand::List(list) if is_lock(list) && matches!(self.installer, Installer::Pip { .. }) => {
                lines.push_str(&locked(list)?);
                arguments.push("--no-deps".into());
            }
            Errand::List(list) => arguments.extend(["-r".into(), list.into()]),
        }
        fs::create_file(&own, 0o600, lines.as_bytes())?;
        if !lines.is_empty() {
            arguments.extend(["-r".into(), own.into()]);
        }
        let invocation = Invocation {
            program: match self.installer {
                Installer::Uv(uv) => uv,
                Installer::Pip { .. } => self.python,
            },
            arguments,
            variables: variables::for_installer(self.installer, self.caller, &settings, private),
            directory: &self.caller.cwd,
            patience: None,
        };
        let finished =
            process::run(&invocation, self.interrupt, &mut |line| progress.tell(Event::Installer(line)));
        let lock = self.stage.join(".lock");
        // uv leaves its lock behind, writable for everybody.
        if fs::lstat_if_any(&lock)?.is_some() {
            fs::remove_file(&lock)?;
        }
        let finished = finished?;
        if finished.status.success() {
            return Ok(());
        }
        let what = match errand {
            Errand::List(list) => format!("what {} lists", list.display()),
            Errand::Upgrade(names) => format!("newer versions of {}", names.join(" and ")),
            Errand::Exactly(requirements) => requirements.join(", "),
        };
        let said = missing::last_words(&finished);
        Err(InstallError::Failed { installer: self.installer.name(), what, said })
    }

    /// Bytecode would name the stage, and a hard link shares its owner and mode with other environments.
    fn start(&self) -> Vec<OsString> {
        let (start, options): (Vec<OsString>, &[&str]) = match self.installer {
            Installer::Uv(_) => (
                vec!["pip".into(), "install".into(), "--python".into(), self.python.path().into()],
                &["--link-mode", "copy", "--no-compile-bytecode", "--no-progress", "--color", "never"],
            ),
            Installer::Pip { wheel } => (
                vec!["-I".into(), wheel.join("pip").into(), "install".into()],
                &[
                    "--no-compile",
                    "--no-input",
                    "--disable-pip-version-check",
                    "--no-warn-script-location",
                    "--progress-bar=off",
                    "--no-color",
                ],
            ),
        };
        start.into_iter().chain(options.iter().map(OsString::from)).collect()
    }
}

/// `pylock.toml`, `pylock.NAME.toml` (PEP 751).
fn is_lock(list: &Path) -> bool {
    let name = list.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("pylock.") && list.extension().is_some_and(|extension| extension == "toml")
}

/// The lines of a requirements file that say the same, for a pip that reads no lock files.
fn locked(list: &Path) -> Result<String, InstallError> {
    let text = fs::read_bounded(&fs::physical(list)?, MAX_LIST)?;
    let directory = list.parent().unwrap_or(Path::new("/"));
    pylock::requirements(&String::from_utf8_lossy(&text), directory)
        .map_err(|why| InstallError::Lock { lock: list.to_owned(), why })
}
