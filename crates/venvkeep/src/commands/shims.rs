//! `venvkeep shims`: the shell side, installed and taken away.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use venvkeep_core::shims::change::{Change, CutShort, Deed, Done, Role, ShimsError};
use venvkeep_core::shims::{self, Extras, Shell, install};

use crate::args::{InstallArguments, ShimsAction, ShimsArguments, UninstallArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::Emphasis;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(wish: &ShimsArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    match &wish.action {
        ShimsAction::Install(wish) => install(wish, session),
        ShimsAction::Uninstall(wish) => uninstall(wish, session),
        ShimsAction::Status => super::shims_status::run(session),
        ShimsAction::Init(wish) => {
            session.screen.result(shims::text(wish.shell))?;
            Ok(Exit::Done)
        }
    }
}

fn install(wish: &InstallArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let caller = &session.caller;
    let shell = match wish.shell {
        Some(shell) => shell,
        None => login_shell(session)?,
    };
    let extras = Extras { sudo_guard: wish.sudo_guard, require_venv: wish.require_venv };
    let changes = install::install(shell, extras, caller).map_err(|error| failure(&error, Some(shell)))?;
    if let Some(line) = install::unclear_zdotdir(caller).filter(|_| shell == Shell::Zsh) {
        session.screen.note(&format!(
            "note: line {line} of ~/.zshenv sets ZDOTDIR in a way that cannot be read without running it.\n\
             Where your .zshrc is another than the one named below:  ZDOTDIR=DIRECTORY venvkeep shims install zsh"
        ));
    }
    Report { verb: "install", shell: Some(shell), dry_run: wish.dry_run }.carry_out(&changes, session)
}

fn uninstall(wish: &UninstallArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let shells = wish.shell.map_or(Shell::ALL.to_vec(), |shell| vec![shell]);
    let changes =
        install::uninstall(&shells, &session.caller).map_err(|error| failure(&error, wish.shell))?;
    let role = |role: Role| changes.iter().any(|change| change.role() == role);
    if role(Role::Shim) && !role(Role::Profile) {
        session.screen.note(
            "note: none of your profiles has the lines that read the shims. They do nothing without the shims; if a profile\n\
             elsewhere has them, name its directory:  ZDOTDIR=DIRECTORY venvkeep shims uninstall (zsh), or\n\
             XDG_CONFIG_HOME=DIRECTORY venvkeep shims uninstall (fish)",
        );
    }
    Report { verb: "uninstall", shell: wish.shell, dry_run: wish.dry_run }.carry_out(&changes, session)
}

/// The shell that the user logs in with.
fn login_shell(session: &Session<'_>) -> Result<Shell, Failure> {
    let shell = session.caller.variable("SHELL").and_then(|shell| Path::new(shell).file_name());
    let known = shell.and_then(OsStr::to_str).and_then(|name| name.parse().ok());
    known.ok_or_else(|| {
        let message = match shell {
            Some(shell) => format!("there are no shims for {}, the shell you log in with", printable(shell)),
            None => "it is not known which shell you use (SHELL is not set)".to_owned(),
        };
        Failure::new(Exit::Usage, message)
            .hint("Name the shell: venvkeep shims install bash (or zsh, fish)")
            .hint("In any other: source .venv/bin/activate, as ever")
    })
}

/// What is said of an installation, done or planned.
struct Report {
    verb: &'static str,
    /// `None`: all shells.
    shell: Option<Shell>,
    dry_run: bool,
}

impl Report {
    /// Does it, unless it is only planned, and says so.
    fn carry_out(&self, changes: &[Change], session: &Session<'_>) -> Result<Exit, Failure> {
        let done = match self.done(changes, session) {
            Ok(done) => done,
            Err(CutShort { done, error }) => {
                let failure = failure(&error, self.shell);
                if done.iter().all(|one| one.deed == Deed::Leave) {
                    return Err(failure);
                }
                session.screen.note(&format!("Done before that:\n{}", self.rows(&done)));
                let again =
                    format!("What was done is harmless and stays; then again: venvkeep shims {}", self.verb);
                return Err(Failure { exit: Exit::Attention, ..failure }.hint(again));
            }
        };
        if session.screen.json {
            session.screen.json("shims", self.document(&done))?;
        } else {
            session.screen.result(&self.words(&done, session))?;
            self.show_lines(changes, session)?;
        }
        Ok(Exit::Done)
    }

    /// Who asks what would be done may want to see it.
    fn show_lines(&self, changes: &[Change], session: &Session<'_>) -> Result<(), Failure> {
        let new = |change: &&Change| self.dry_run && change.deed() != Deed::Leave;
        let Some(lines) = changes.iter().filter(new).find_map(Change::lines) else { return Ok(()) };
        let lines: Vec<&str> = lines.lines().collect();
        session.screen.result(&format!("The lines in your profile:\n    {}\n", lines.join("\n    ")))
    }

    fn done(&self, changes: &[Change], session: &Session<'_>) -> Result<Vec<Done>, CutShort> {
        if self.dry_run {
            let planned = |change: &Change| Done {
                path: change.path().to_owned(),
                role: change.role(),
                deed: change.deed(),
                backup: None,
                made: Vec::new(),
            };
            return Ok(changes.iter().map(planned).collect());
        }
        install::carry_out(changes, &session.caller)
    }

    /// One line for each file.
    fn rows(&self, done: &[Done]) -> String {
        let mut text = String::new();
        for one in done {
            let words = match (one.deed, self.dry_run) {
                (Deed::Make, false) => "made",
                (Deed::Make, true) => "would make",
                (Deed::Change, false) => "changed",
                (Deed::Change, true) => "would change",
                (Deed::Remove, false) => "removed",
                (Deed::Remove, true) => "would remove",
                (Deed::Leave, _) => "as it should be",
            };
            let what = match one.role {
                Role::Shim => "the shim",
                Role::Start => "what a new shell reads of it",
                Role::Completions => "what Tab completes",
                Role::Profile => "your profile",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {words:<16}{} ({what})", printable(&one.path));
            if let Some(backup) = &one.backup {
                let _ = writeln!(text, "  {:<16}{}", "  as it was", printable(backup));
            }
        }
        text
    }

    fn words(&self, done: &[Done], session: &Session<'_>) -> String {
        let nothing = done.iter().all(|one| one.deed == Deed::Leave);
        let mut text = self.rows(done);
        let shell = self.shell.map_or("any shell".to_owned(), |shell| shell.to_string());
        let heading = match (self.verb, nothing, self.dry_run) {
            ("install", true, _) => format!("Nothing to do: the shims for {shell} are installed"),
            (_, true, _) => format!("Nothing to do: there are no shims for {shell}"),
            ("install", false, false) => format!("Installed the shims for {shell}"),
            (_, false, false) => "Took the shims out".to_owned(),
            (_, false, true) => "Nothing is changed; without --dry-run:".to_owned(),
        };
        text.insert_str(0, &format!("{}\n", session.screen.paint().text(Emphasis::Strong, heading)));
        let start = done.iter().find(|one| one.role == Role::Start);
        match (self.verb, start) {
            _ if nothing || self.dry_run => {}
            ("install", Some(start)) => {
                let source = if self.shell == Some(Shell::Fish) { "source" } else { "." };
                let command = format!("{source} {}", shell_word(&start.path));
                let command = session.screen.paint().text(Emphasis::Command, command);
                let _ = writeln!(text, "New shells have them; for this one:  {command}");
            }
            _ => text.push_str("Shells that are open keep them until they end.\n"),
        }
        text
    }

    fn document(&self, done: &[Done]) -> Value {
        let files: Vec<Value> = done
            .iter()
            .map(|one| {
                json!({
                    "path": one.path.to_string_lossy(),
                    "role": match one.role {
                        Role::Shim => "shim",
                        Role::Start => "start",
                        Role::Completions => "completions",
                        Role::Profile => "profile",
                    },
                    "deed": match one.deed {
                        Deed::Make => "make",
                        Deed::Change => "change",
                        Deed::Remove => "remove",
                        Deed::Leave => "leave",
                    },
                    "backup": one.backup.as_ref().map(|path| path.to_string_lossy()),
                })
            })
            .collect();
        let shell = self.shell.map(Shell::name);
        json!({ "action": self.verb, "shell": shell, "dry_run": self.dry_run, "files": files })
    }
}

/// Nothing was installed or taken away: what stands in the way, and the way round it.
pub(super) fn failure(error: &ShimsError, shell: Option<Shell>) -> Failure {
    let failure = Failure::new(Exit::Failed, printable(error.to_string()));
    let by_hand = |failure: Failure| {
        let shell = shell.map_or("SHELL", Shell::name);
        failure
            .hint("Or leave it as it is, and let a file that you keep read the shim, which this prints:")
            .hint(format!("  venvkeep shims init {shell}"))
    };
    match error {
        ShimsError::UnderSudo => Failure { exit: Exit::Usage, ..failure }
            .hint("Type the command without sudo; it writes only into your home directory."),
        ShimsError::NoHome => failure.hint("Type the command as yourself, with HOME set to your own directory."),
        ShimsError::NotYours { .. } => by_hand(
            failure.hint("A file of another user's in your home usually comes from a command with sudo."),
        ),
        ShimsError::ReadOnly(path) => by_hand(failure.hint(format!(
            "If you did not protect it on purpose:  chmod u+w {}",
            shell_word(path)
        ))),
        ShimsError::Unbalanced { path, .. } => failure
            .hint(format!("Open {} and delete venvkeep's lines: those with", printable(path)))
            .hint("\"# >>> venvkeep >>>\" and \"# <<< venvkeep <<<\", and what belongs between. Then try again."),
        ShimsError::OthersCanWrite(path) => {
            failure.hint(format!("Close it to them:  chmod go-w {}", shell_word(path)))
        }
        ShimsError::GroundChanged(_) => failure.hint("Try again."),
        ShimsError::NotAFile { .. }
        | ShimsError::DanglingLink(_)
        | ShimsError::SeveralNames(_)
        | ShimsError::DirectoryReadOnly(_)
        | ShimsError::NoWord(_)
        | ShimsError::Io(_) => by_hand(failure),
    }
}
