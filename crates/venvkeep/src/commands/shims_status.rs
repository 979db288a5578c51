//! `venvkeep shims status`: what is installed, who else is there, and why the environment here is or is not active.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use venvkeep_core::host::fs;
use venvkeep_core::locate::{self, LocateError, link_to_it, locate};
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::facts::Kind;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::shims::status::{self, State, Status};
use venvkeep_core::shims::{self, Shell};
use venvkeep_core::store::default;
use venvkeep_core::store::trust::{self, Objection};

use super::activate::said;
use super::shims::failure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::Emphasis;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command. What is installed in part, or is not this program's, counts as a finding.
pub(crate) fn run(session: &Session<'_>) -> Result<Exit, Failure> {
    let caller = &session.caller;
    let mut all = Vec::new();
    for shell in Shell::ALL {
        all.extend(status::of(shell, caller).map_err(|error| failure(&error, Some(shell)))?);
    }
    let here = Here::of(caller, &all);
    let default = default::get(caller).ok().flatten();
    if session.screen.json {
        session.screen.json("shims", document(&all, &here, default.as_deref()))?;
    } else {
        session.screen.result(&words(&all, &here, default.as_deref(), session))?;
    }
    let well =
        |one: &Status| matches!(one.state, State::Installed | State::Absent) && one.problems.is_empty();
    Ok(if all.iter().all(well) { Exit::Done } else { Exit::Findings })
}

fn words(all: &[Status], here: &Here, default: Option<&Path>, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut say = |line: String| _ = writeln!(text, "{line}");
    for one in all {
        let install = format!("venvkeep shims install {}{}", one.shell, flags(one));
        let state = match one.state {
            State::Installed => paint.text(Emphasis::Good, "installed"),
            State::Differs => format!(
                "{} of another version, or altered; put it right:  {install}",
                paint.text(Emphasis::Warning, "installed,")
            ),
            State::Partly => {
                format!("{} put it right:  {install}", paint.text(Emphasis::Warning, "installed in part;"))
            }
            State::Absent => "not installed".to_owned(),
        };
        say(format!("{:<8}{state}", one.shell.name()));
        one.profiles.iter().for_each(|path| say(format!("        in {}", printable(path))));
        one.problems.iter().for_each(|problem| say(format!("        {}", printable(problem.to_string()))));
        if one.state == State::Installed && !one.starts_completion {
            say("        if Tab completes nothing, .zshrc lacks:  autoload -Uz compinit && compinit"
                .to_owned());
        }
        for (name, path) in &one.hooks {
            say(format!("        beside {name}, in {}", printable(path)));
        }
    }
    if let Some(path) = default {
        say(format!("default {}", printable(path)));
    }
    say(format!("here    {}", here.sentence()));
    for command in here.commands() {
        say(format!("        {}", paint.text(Emphasis::Command, command)));
    }
    text
}

fn flags(one: &Status) -> String {
    let flag = |set: bool, flag: &'static str| if set { flag } else { "" };
    flag(one.extras.sudo_guard, " --sudo-guard").to_owned() + flag(one.extras.require_venv, " --require-venv")
}

fn document(all: &[Status], here: &Here, default: Option<&Path>) -> Value {
    let shells = all.iter().map(|one| {
        let hooks =
            one.hooks.iter().map(|(name, path)| json!({ "name": name, "path": path.to_string_lossy() }));
        json!({
            "shell": one.shell.name(),
            "state": match one.state {
                State::Installed => "installed",
                State::Differs => "differs",
                State::Partly => "partly",
                State::Absent => "absent",
            },
            "profiles": one.profiles.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "sudo_guard": one.extras.sudo_guard,
            "require_venv": one.extras.require_venv,
            "problems": one.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "hooks": hooks.collect::<Vec<_>>(),
            "starts_completion": one.starts_completion,
        })
    });
    json!({
        "action": "status",
        "shells": shells.collect::<Vec<_>>(),
        "default": default.map(|path| path.to_string_lossy()),
        "here": {
            "environment": here.environment.as_ref().map(|path| path.to_string_lossy()),
            "active": here.active.as_ref().map(|path| path.to_string_lossy()),
            "why": here.sentence(),
            "command": here.commands().first(),
        },
    })
}

/// The environment that belongs to the working directory, the one that is active, and why they are what they are.
struct Here {
    environment: Option<PathBuf>,
    /// Nothing is nearer.
    is_default: bool,
    active: Option<PathBuf>,
    why: Why,
}

/// Why the environment of the working directory is or is not active.
enum Why {
    NoneHere,
    /// What stands in its place is no environment: a `.venv` file that leads nowhere, a stranger's link.
    Unclear(String),
    Active,
    ForRoot,
    /// By a variable, in a shell of this kind where the shims say so.
    SwitchedOff(Option<Shell>),
    /// The user activated another one by hand, or an outer shell did. What would keep this one from being active
    /// besides, if anything does.
    AnotherIs(PathBuf, Option<Box<Why>>),
    /// Another one was activated on the way here, and no prompt has come since.
    NoPromptYet(PathBuf),
    /// This shell has the shims: the user deactivated it.
    Deactivated,
    /// Somebody else could have made it, or could exchange it.
    Unfit(Objection),
    /// It may have come with a repository or an archive.
    NotTrusted,
    /// What stands here is a link to it, which a repository may have brought.
    Linked(PathBuf),
    /// The shell that the user logs in with has no shims.
    NoShims,
    /// It would be, in a shell that has read the shims.
    NotYet,
}

/// What keeps the shims from activating the environment, whatever shell it is.
fn untrusted(prefix: &Prefix, caller: &Caller) -> Option<Why> {
    match trust::objection(prefix, &caller.viewer) {
        Ok(Some(objection)) => Some(Why::Unfit(objection)),
        _ => trust::record_of(prefix, caller).is_none().then_some(Why::NotTrusted),
    }
}

impl Here {
    fn of(caller: &Caller, all: &[Status]) -> Self {
        let active = caller.variable("VIRTUAL_ENV").map(PathBuf::from);
        let mut without_active = caller.clone();
        without_active.variables.remove(OsStr::new("VIRTUAL_ENV"));
        let default = || locate::at(&default::get(caller).ok()??, &caller.viewer).ok();
        let (found, is_default) = match locate(None, &without_active) {
            Err(LocateError::NoneNear { .. }) => (default().ok_or(Why::NoneHere), true),
            answer => (answer.map_err(|error| Why::Unclear(printable(error.to_string()))), false),
        };
        let prefix = match found {
            Ok(prefix) => prefix,
            Err(why) => return Self { environment: None, is_default, active, why },
        };
        let link = link_to_it(None, &without_active).filter(|link| {
            let is_link = fs::lstat(link).is_ok_and(|facts| facts.kind == Kind::Link);
            is_link && !is_default
        });
        let path = prefix.path().to_owned();
        let is_same = |one: &PathBuf| fs::physical(one).is_ok_and(|physical| physical == path);
        let login = caller.variable("SHELL").and_then(|shell| Path::new(shell).file_name());
        let has_shims =
            |one: &Status| one.state != State::Absent && login == Some(OsStr::new(one.shell.name()));
        let why = match &active {
            Some(active) if is_same(active) => Why::Active,
            _ if caller.viewer.is_root() => Why::ForRoot,
            _ if caller.variable("VENVKEEP_DISABLE").is_some() => Why::SwitchedOff(shims::around(caller)),
            None if link.is_some() => Why::Linked(link.unwrap_or_default()),
            Some(active) => match untrusted(&prefix, caller) {
                None if caller.variable("VENVKEEP_ACTIVE") == Some(active.as_os_str()) => {
                    Why::NoPromptYet(active.clone())
                }
                besides => Why::AnotherIs(active.clone(), besides.map(Box::new)),
            },
            None => untrusted(&prefix, caller).unwrap_or(if shims::around(caller).is_some() {
                Why::Deactivated
            } else if all.iter().any(has_shims) {
                Why::NotYet
            } else {
                Why::NoShims
            }),
        };
        Self { environment: Some(path), is_default, active, why }
    }

    fn sentence(&self) -> String {
        let Some(environment) = &self.environment else {
            let none = match &self.why {
                Why::Unclear(why) => why,
                _ => "there is no .venv, venv or env in this directory or above it",
            };
            return match &self.active {
                Some(active) => format!("{none}; {} is active", printable(active)),
                None => none.to_owned(),
            };
        };
        let path = printable(environment);
        self.why.sentence(&if self.is_default { format!("the default, {path},") } else { path })
    }

    /// What to type where it is not active.
    fn commands(&self) -> Vec<String> {
        let named = |command: &str| match &self.environment {
            Some(path) if self.is_default && matches!(command, "venvkeep trust" | "venvkeep heal") => {
                format!("{command} {}", shell_word(path))
            }
            _ => command.to_owned(),
        };
        self.why.commands().into_iter().map(named).collect()
    }
}

impl Why {
    fn sentence(&self, path: &str) -> String {
        match self {
            Why::NoneHere | Why::Unclear(_) => path.to_owned(),
            Why::Linked(link) => {
                format!("{path} is not activated by itself: {} is a link to it", printable(link))
            }
            Why::Active => format!("{path} is active"),
            Why::ForRoot => format!("{path} is not active: for root nothing is activated by itself"),
            Why::SwitchedOff(_) => format!("{path} is not active: VENVKEEP_DISABLE is set"),
            Why::AnotherIs(active, besides) => {
                let by_hand = format!("{} was activated by hand and is left alone", printable(active));
                match besides {
                    None => format!("{path} is not active: {by_hand}"),
                    Some(why) => format!("{}. Besides, {by_hand}", why.sentence(path)),
                }
            }
            Why::NoPromptYet(active) => {
                format!("{path} is active from the next prompt on, instead of {}", printable(active))
            }
            Why::Deactivated => format!("{path} is not active: you deactivated it in this shell"),
            Why::Unfit(objection) => format!("{path} is not activated by itself: {}", said(objection)),
            Why::NotTrusted => {
                format!(
                    "{path} is not activated by itself: you did not make it here, and did not say that you trust it"
                )
            }
            Why::NoShims => format!("{path} is not active: the shell you log in with has no shims"),
            Why::NotYet => format!("{path} is activated in shells that were started with the shims"),
        }
    }

    fn commands(&self) -> Vec<&'static str> {
        match self {
            Why::SwitchedOff(Some(Shell::Fish)) => vec!["set -e VENVKEEP_DISABLE"],
            Why::SwitchedOff(_) => vec!["unset VENVKEEP_DISABLE"],
            Why::AnotherIs(_, besides) => {
                let mut commands = besides.as_ref().map(|why| why.commands()).unwrap_or_default();
                commands.push("deactivate");
                commands
            }
            Why::Deactivated | Why::Linked(_) => vec!["activate"],
            Why::Unfit(Objection::NotYours { .. }) => vec!["venvkeep heal"],
            // To trust it says what to do about what speaks against it.
            Why::Unfit(_) | Why::NotTrusted => vec!["venvkeep trust"],
            Why::NoShims => vec!["venvkeep shims install"],
            Why::NoneHere
            | Why::Unclear(_)
            | Why::Active
            | Why::ForRoot
            | Why::NotYet
            | Why::NoPromptYet(_) => Vec::new(),
        }
    }
}
