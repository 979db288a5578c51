//! What has to be fetched: through `uv` where there is one, else through pip, always exact pins without dependencies.
//!
//! Installers start the stage's Python with `site`, so this happens while the stage is still clean: nothing of the
//! old tree is in it. The list goes through a private file, never on a command line, since index addresses can hold
//! passwords.

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
use crate::model::index_settings::IndexSettings;
use crate::model::interrupt::Interrupt;
use crate::model::requirements::Pin;
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
        /// The pins that its message names, else all that it was to get.
        wanted: Vec<String>,
        /// The end of what it printed: untrusted text.
        said: Vec<String>,
    },
    /// It could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Its input could not be written.
    #[error(transparent)]
    Io(#[from] IoError),
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
    let done = run(
        order,
        installer,
        (&private, stage, python),
        &mut |line| progress.tell(Event::Installer(line)),
        interrupt,
    );
    remove::tree(&private)?;
    let finished = done?;
    if finished.status.success() { Ok(()) } else { Err(unobtainable(order, installer, &finished)) }
}

fn run(
    order: &Order<'_>,
    installer: &Installer,
    (private, stage, python): (&Path, &Stage, &TrustedProgram),
    on_line: &mut dyn FnMut(&str),
    interrupt: &Interrupt,
) -> Result<Finished, InstallError> {
    let list = private.join("requirements.txt");
    let settings = settings::for_installer(installer, order);
    let pins: String = order.pins.iter().map(|pin| install_line(pin)).collect();
    fs::create_file(&list, 0o600, format!("{}{pins}", settings.requirement_options).as_bytes())?;
    let pip_conf = stage.join("pip.conf");
    if !settings.pip_conf.is_empty() {
        fs::create_file(&pip_conf, 0o600, settings.pip_conf.as_bytes())?;
    }
    let invocation = Invocation {
        program: match installer {
            Installer::Uv(uv) => uv,
            Installer::Pip { .. } => python,
        },
        arguments: arguments(installer, &list, python),
        variables: variables::for_installer(installer, order.caller, &settings),
        directory: match installer {
            // uv reads `uv.toml` and `pyproject.toml` from the working directory upwards: the project's are not the
            // user's own settings, and may come from anywhere.
            Installer::Uv(_) => Path::new("/"),
            // Relative entries in the user's own settings mean the user's working directory.
            Installer::Pip { .. } => &order.caller.cwd,
        },
        patience: None,
    };
    let finished = process::run(&invocation, interrupt, on_line);
    let lock = stage.join(".lock");
    for left in [&pip_conf, &lock] {
        // uv leaves its lock behind, writable for everybody.
        if fs::lstat_if_any(left)?.is_some() {
            fs::remove_file(left)?;
        }
    }
    Ok(finished?)
}

/// The line that has a pin installed. An editable one is installed from its project as it lies there; its `git`
/// address, which the frozen list shows, would fetch another copy.
fn install_line(pin: &Pin) -> String {
    let editable = match &pin.kind {
        crate::model::requirements::PinKind::Editable(editable) => editable.location.as_ref(),
        _ => None,
    };
    match editable {
        Some(location) => format!("-e {}\n", location.display()),
        None => format!("{}\n", pin.requirement()),
    }
}

fn arguments(installer: &Installer, list: &Path, python: &TrustedProgram) -> Vec<OsString> {
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
    let list = [OsString::from("-r"), list.into()];
    start.into_iter().chain(options.iter().map(OsString::from)).chain(list).collect()
}

/// Which pins the installer's message names; all of them where it names none, as when no index can be reached.
fn unobtainable(order: &Order<'_>, installer: &Installer, finished: &Finished) -> InstallError {
    let printed = [finished.stdout.as_slice(), finished.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&printed);
    let complaints: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !is_progress(line)).collect();
    let names = |line: &str, pin: &Pin| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
        words.any(|word| crate::model::name::PackageName::parse(word).is_ok_and(|name| name == pin.name))
    };
    let named: Vec<String> = order
        .pins
        .iter()
        .filter(|pin| complaints.iter().any(|line| is_complaint(line) && names(line, pin)))
        .map(|pin| pin.requirement())
        .collect();
    let all = || order.pins.iter().map(|pin| pin.requirement()).collect();
    let last = complaints.len().saturating_sub(12);
    InstallError::Unobtainable {
        installer: installer.name(),
        wanted: if named.is_empty() { all() } else { named },
        said: complaints[last..].iter().map(|&line| line.to_owned()).collect(),
    }
}

/// Lines that installers print while all goes well.
fn is_progress(line: &str) -> bool {
    let usual = ["Looking in", "Collecting", "Processing", "  Using cached", "Using Python", "Saved"];
    usual.iter().any(|start| line.starts_with(start))
}

fn is_complaint(line: &str) -> bool {
    let complaints =
        ["ERROR", "error", "No matching", "Because", "Failed", "failed", "not found", "no version", "×", "╰"];
    complaints.iter().any(|word| line.contains(word))
}
