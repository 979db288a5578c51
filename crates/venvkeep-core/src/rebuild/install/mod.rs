//! What has to be fetched: through `uv` where there is one, else through pip, always exact pins without dependencies.
//!
//! Installers start the stage's Python with `site`, so this happens while the stage is still clean: nothing of the
//! old tree is in it. The list goes through a private file, never on a command line, since index addresses can hold
//! passwords.

pub mod fill;
pub mod lock;
mod missing;
pub mod settings;
mod variables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::stage::Stage;
use crate::host::fs::{self, IoError};
use crate::host::process::{self, Finished, Invocation, ProcessError};
use crate::host::programs::{self, TrustedProgram};
use crate::host::remove;
use crate::model::caller::Caller;
use crate::model::file_url;
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::model::requirements::{Editable, Pin, PinKind};
use crate::progress::{Event, Progress};

/// Which program installs.
#[derive(Debug, Clone)]
pub enum Installer {
    /// The `uv` found on the search path.
    Uv(TrustedProgram),
    /// pip, run from its wheel and not installed by that.
    Pip {
        /// The wheel.
        wheel: PathBuf,
    },
}

impl Installer {
    /// What users call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Uv(_) => "uv",
            Self::Pip { .. } => "pip",
        }
    }

    /// `uv` if it is on the search path (and may be started), else pip from the wheel given.
    pub fn choose(caller: &Caller, pip_wheel: Option<&Path>) -> Option<Self> {
        let uv = programs::find("uv", &caller.search_path(), &caller.viewer).map(Self::Uv);
        uv.or_else(|| pip_wheel.map(|wheel| Self::Pip { wheel: wheel.to_owned() }))
    }
}

/// What is to be installed, and by which settings.
#[derive(Debug)]
pub struct Order<'a> {
    /// The exact pins.
    pub pins: Vec<&'a Pin>,
    /// The index settings of the old environment's own `pip.conf`.
    pub own_settings: IndexSettings,
    /// Who asks.
    pub caller: &'a Caller,
}

/// Why not everything was installed. The stage is then of no use.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The installer ended with an error.
    #[error("{installer} could not get {}", .wanted.join(", "))]
    Unobtainable {
        /// What users call the installer.
        installer: &'static str,
        /// The pins that could not be had, as far as the installer tells; else all that it was to get.
        wanted: Vec<String>,
        /// The end of what it printed: untrusted text.
        said: Vec<String>,
    },
    /// The installer ended with an error over a list of the user's.
    #[error("{installer} could not install {what}")]
    Failed {
        /// What users call the installer.
        installer: &'static str,
        /// What it was to install.
        what: String,
        /// The end of what it printed: untrusted text.
        said: Vec<String>,
    },
    /// A lock file that cannot be read.
    #[error("{} is no lock file that can be installed: {why}", .lock.display())]
    Lock {
        /// The file.
        lock: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Its input could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl InstallError {
    /// Whether what the installer said tells of an index that does not answer.
    pub fn tells_of_no_network(&self) -> bool {
        match self {
            Self::Unobtainable { said, .. } | Self::Failed { said, .. } => {
                said.iter().any(|line| missing::is_unreachable(line))
            }
            _ => false,
        }
    }
}

/// Installs into the stage, whose `python` is the program given.
pub fn install(
    order: &Order<'_>,
    installer: &Installer,
    (stage, python): (&Stage, &TrustedProgram),
    interrupt: &Interrupt,
    progress: Progress<'_>,
) -> Result<(), InstallError> {
    // Inside the stage and 0700 like it, so that nobody else reads the addresses; gone before anything is verified.
    let private = stage.join(".venvkeep-install");
    fs::create_dir(&private, 0o700)?;
    let job = Job { order, installer, private: &private, stage, python, interrupt };
    let done = job.run(progress);
    remove::tree(&private)?;
    done
}

/// One installation.
struct Job<'a> {
    order: &'a Order<'a>,
    installer: &'a Installer,
    private: &'a Path,
    stage: &'a Stage,
    python: &'a TrustedProgram,
    interrupt: &'a Interrupt,
}

/// Whether a start of the installer is meant to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Yes.
    Real,
    /// It only shows what can be had; no patience for servers that do not answer.
    Trial,
}

impl Job<'_> {
    fn run(&self, progress: Progress<'_>) -> Result<(), InstallError> {
        let mut show = |line: &str| progress.tell(Event::Installer(line));
        let finished = self.start(&self.order.pins, Attempt::Real, &mut show)?;
        if finished.status.success() {
            return Ok(());
        }
        Err(unobtainable(self.installer, self.order, &finished, self.interrupt, &mut |pins| {
            self.start(pins, Attempt::Trial, &mut |_| {}).ok()
        }))
    }

    fn start(
        &self,
        pins: &[&Pin],
        attempt: Attempt,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Finished, InstallError> {
        let list = self.private.join("requirements.txt");
        let settings = settings::for_installer(self.installer, self.order);
        write_list(&list, pins, &settings)?;
        let invocation = Invocation {
            program: match self.installer {
                Installer::Uv(uv) => uv,
                Installer::Pip { .. } => self.python,
            },
            arguments: arguments(self.installer, &list, self.python, attempt),
            variables: variables::for_installer(self.installer, self.order.caller, &settings, self.private),
            directory: match self.installer {
                // uv reads `uv.toml` and `pyproject.toml` from the working directory upwards: the project's are not
                // the user's own settings, and may come from anywhere.
                Installer::Uv(_) => Path::new("/"),
                // Relative entries in the user's own settings mean the user's working directory.
                Installer::Pip { .. } => &self.order.caller.cwd,
            },
            patience: (attempt == Attempt::Trial).then_some(missing::PATIENCE),
        };
        let finished = process::run(&invocation, self.interrupt, on_line);
        let lock = self.stage.join(".lock");
        // uv leaves its lock behind, writable for everybody.
        if fs::lstat_if_any(&lock)?.is_some() {
            fs::remove_file(&lock)?;
        }
        Ok(finished?)
    }
}

/// Writes the list that an installer is given.
fn write_list(list: &Path, pins: &[&Pin], settings: &settings::Given) -> Result<(), IoError> {
    let lines: String = pins.iter().map(|pin| install_line(pin)).collect();
    fs::replace_file(list, 0o600, format!("{}{lines}", settings.requirement_options).as_bytes())
}

/// Why an installer failed: the pins that could not be had, for which it is asked again.
fn unobtainable(
    installer: &Installer,
    order: &Order<'_>,
    finished: &Finished,
    interrupt: &Interrupt,
    try_again: &mut dyn FnMut(&[&Pin]) -> Option<Finished>,
) -> InstallError {
    let wanted = missing::find(&order.pins, finished, try_again);
    if interrupt.requested() {
        return ProcessError::Interrupted.into();
    }
    InstallError::Unobtainable { installer: installer.name(), wanted, said: missing::last_words(finished) }
}

/// The line that has a pin installed, with its hashes. An editable one is installed from its project as it lies there;
/// its `git` address, which the frozen list shows, would fetch another copy. A path can hold anything, so it is written
/// as a URL, in which nothing can end the line or the word.
fn install_line(pin: &Pin) -> String {
    match &pin.kind {
        PinKind::Editable(Editable { location: Some(location), .. }) => {
            format!("-e {}\n", file_url::to_url(location))
        }
        PinKind::Editable(_) => format!("{}\n", pin.requirement()),
        PinKind::Exact(_) | PinKind::Direct { .. } => format!("{}\n", pin.lines().concat()),
    }
}

fn arguments(installer: &Installer, list: &Path, python: &TrustedProgram, attempt: Attempt) -> Vec<OsString> {
    let (start, options): (Vec<OsString>, &[&str]) = match installer {
        Installer::Uv(_) => (
            vec!["pip".into(), "install".into(), "--python".into(), python.path().into()],
            // A hard link would share its owner and mode with every other environment (field notes).
            &[
                "--no-deps",
                "--link-mode",
                "copy",
                "--no-compile-bytecode",
                "--no-progress",
                "--color",
                "never",
            ],
        ),
        Installer::Pip { wheel } => (
            vec!["-I".into(), wheel.join("pip").into(), "install".into()],
            &[
                "--no-deps",
                "--no-compile",
                "--no-input",
                "--ignore-installed",
                "--disable-pip-version-check",
                "--no-warn-script-location",
                "--progress-bar=off",
                "--no-color",
            ],
        ),
    };
    let trial: &[&str] = match (attempt, installer) {
        (Attempt::Real, _) => &[],
        (Attempt::Trial, Installer::Uv(_)) => &["--dry-run"],
        (Attempt::Trial, Installer::Pip { .. }) => &["--dry-run", "--retries", "0", "--timeout", "3"],
    };
    let list = [OsString::from("-r"), list.into()];
    start.into_iter().chain(options.iter().chain(trial).map(OsString::from)).chain(list).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Editable, Pin, install_line};
    use crate::model::name::PackageName;
    use crate::model::requirements_file;

    #[test]
    fn hashes_and_markers_reach_the_installer() {
        let line = "six==1.16.0; os_name == 'posix' --hash=sha256:aa --hash=sha256:bb\n";
        let list = requirements_file::parse(line).unwrap();
        assert_eq!(install_line(&list.pins()[0]), line);
    }

    #[test]
    fn an_editables_path_stays_one_word() {
        for (path, line) in [
            ("/a b/c", "-e file:///a%20b/c\n"),
            ("/x\n--index-url http://evil", "-e file:///x%0A--index-url%20http%3A//evil\n"),
            ("/${HOME}", "-e file:///%24%7BHOME%7D\n"),
        ] {
            let target = "git+https://x/e.git@abc#egg=e".to_owned();
            let editable =
                Editable { target, comments: vec!["# x".into()], location: Some(PathBuf::from(path)) };
            let pin = Pin::editable(PackageName::parse("e").unwrap(), editable);
            assert_eq!(install_line(&pin), line);
        }
    }
}
