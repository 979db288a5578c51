//! What the arguments are to be understood by: who calls, from where, with which settings. Read once, here; the
//! library gets it as a value.

use std::ffi::OsString;
use std::path::PathBuf;

use signal_hook::consts::{SIGINT, SIGTERM};
use venvkeep_core::host::{credentials, fs};
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::interrupt::Interrupt;
use venvkeep_core::model::owner::Viewer;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::store::config::{self, Config, ConfigError, Ignored};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::Screen;

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// Who calls.
    pub(crate) caller: Caller,
    /// What the user has settled in `config.toml`, or why that cannot be used.
    config: Result<Config, ConfigError>,
    /// Where results, notes and progress go.
    pub(crate) screen: &'a Screen,
    /// What the command is called.
    pub(crate) command: &'static str,
    /// Whether the user wants to stop.
    pub(crate) interrupt: Interrupt,
}

impl<'a> Session<'a> {
    /// Reads the process's surroundings.
    pub(crate) fn begin(command: &'static str, screen: &'a Screen) -> Result<Self, Failure> {
        let mut caller = caller()?;
        let config = config(&caller);
        if let Ok(config) = &config {
            caller.viewer.trusted_owners.clone_from(&config.trusted_owners);
        }
        Ok(Self { caller, config, screen, command, interrupt: Interrupt::default() })
    }

    /// Says that the settings cannot be used, for commands that do their work without them.
    pub(crate) fn note_settings(&self) {
        if let Err(error) = &self.config {
            let error = printable(error.to_string());
            self.screen.note(&format!("note: {error}; until that is put right, nothing in it counts"));
        }
    }

    /// What scan leaves out. Only who needs the settings fails where they cannot be understood: a mistake in them is no
    /// reason not to run a command in an environment; nobody is trusted by it then.
    pub(crate) fn ignored(&self) -> Result<Ignored, Failure> {
        match &self.config {
            Ok(config) => {
                for name in &config.unknown_accounts {
                    let name = printable(name);
                    self.screen.note(&format!(
                        "note: config.toml trusts {name}, an account that this machine does not have"
                    ));
                }
                Ok(config.ignored.clone())
            }
            Err(error) => {
                let failure = Failure::new(Exit::Usage, printable(error.to_string()));
                Err(match error {
                    ConfigError::Foreign { file, part } if !is_own(part, &self.caller.viewer) => {
                        let (file, part) = (shell_word(file), printable(part));
                        failure.hint(format!("{part} is not yours. Without it:  mv {file} {file}.not-mine"))
                    }
                    ConfigError::Foreign { part, .. } => {
                        failure.hint(format!("Take that away:  chmod go-w {}", shell_word(part)))
                    }
                    _ => failure
                        .hint("Correct it, or move it away.")
                        .hint("What may stand in it: docs/scan.md, \"Less of it\""),
                })
            }
        }
    }

    /// For commands that change something: from here on the first SIGINT or SIGTERM asks the work to stop and clean
    /// up. A second SIGINT ends the program at once, which is safe as well: the next run settles what it finds.
    /// Commands that only read end at the first, as any program.
    pub(crate) fn stop_cleanly(&self) -> Result<(), Failure> {
        let register = || -> std::io::Result<()> {
            let code = i32::from(Exit::Interrupted.code());
            signal_hook::flag::register_conditional_shutdown(SIGINT, code, self.interrupt.flag())?;
            signal_hook::flag::register(SIGINT, self.interrupt.flag())?;
            signal_hook::flag::register(SIGTERM, self.interrupt.flag())?;
            Ok(())
        };
        register()
            .map_err(|error| Failure::new(Exit::Failed, format!("could not listen for Ctrl-C: {error}")))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the process's environment is read")]
fn caller() -> Result<Caller, Failure> {
    let cwd = std::env::current_dir().map_err(|_| {
        Failure::new(Exit::Usage, "the directory you are in does not exist any more")
            .hint("Go to one that does: cd")
    })?;
    let variables: std::collections::BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let mut caller = Caller::new(credentials::viewer(Vec::new()), cwd, variables);
    if caller.viewer.is_root() {
        // Anybody may set the variable; it means something only where sudo could have set it.
        caller.sudo_uid = caller.variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok());
    }
    caller.home = caller.variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    caller.state_dir = own_directory(&caller, "XDG_STATE_HOME", ".local/state");
    caller.cache_dir = own_directory(&caller, "XDG_CACHE_HOME", ".cache");
    caller.data_dir = own_directory(&caller, "XDG_DATA_HOME", ".local/share");
    Ok(caller)
}

/// The user's settings: root's own only, since those of somebody else's home are not root's wish.
fn config(caller: &Caller) -> Result<Config, ConfigError> {
    match own_directory(caller, "XDG_CONFIG_HOME", ".config") {
        Some(directory) => config::read(&directory, caller.home.as_deref(), &caller.viewer),
        None => Ok(Config::default()),
    }
}

/// Our directory below one of the XDG base directories. `None` where that would put files into somebody else's home,
/// as `sudo` without `-H` does to root's caller.
fn own_directory(caller: &Caller, variable: &str, below_home: &str) -> Option<PathBuf> {
    if let Some(base) = caller.variable(variable).map(PathBuf::from).filter(|base| base.is_absolute()) {
        // Root with a variable of somebody else's (sudo -E) would lock them out of their own directory.
        let there = base.ancestors().find(|directory| fs::lstat(directory).is_ok());
        let is_fit =
            !caller.viewer.is_root() || there.is_some_and(|there| is_own_alone(there, &caller.viewer));
        return is_fit.then(|| base.join("venvkeep"));
    }
    let home = caller.home.as_ref()?;
    is_own(home, &caller.viewer).then(|| home.join(below_home).join("venvkeep"))
}

/// What stands in root's directory is acted on as root, so nobody else may put anything there: `/tmp` is root's as well.
fn is_own_alone(base: &std::path::Path, viewer: &Viewer) -> bool {
    fs::stat(base).is_ok_and(|facts| facts.uid == viewer.uid && !viewer.others_can_add(&facts))
}

fn is_own(home: &std::path::Path, viewer: &Viewer) -> bool {
    fs::stat(home).is_ok_and(|facts| facts.uid == viewer.uid)
}
