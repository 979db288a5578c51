//! `venvkeep heal`.

use std::path::Path;

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Status, status};
use venvkeep_core::heal::{self, Extent, HealError, NewPlace, Request};
use venvkeep_core::host::fs;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::requirements::FrozenRequirements;
use venvkeep_core::model::requirements_file;
use venvkeep_core::model::sharing::Sharing;
use venvkeep_core::new::place::without_dots;
use venvkeep_core::plan::{ListOrigin, Network, OwnerTrust, SourceWish, WhenHealthy, Wishes};
use venvkeep_core::progress::{Event, Progress};
use venvkeep_core::report::{Outcome, Report};
use venvkeep_core::root::{AsRoot, insist_on_right_user};

use super::{environments, heal_all};
use crate::args::{FromChoice, HealArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::heal as shown;
use crate::render::progress::Spinner;
use crate::request::Session;
use venvkeep_core::model::printable::printable;

/// A requirements file is text that people write.
const MAX_LIST: u64 = 16 * 1024 * 1024;

/// Heals each environment in turn; one that fails does not stop the others.
pub(crate) fn run(wish: &HealArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    if wish.all {
        return heal_all::run(wish, session);
    }
    let list = wish.requirements.as_deref().map(|file| read_list(file, wish, session)).transpose()?;
    let prefixes = environments(&wish.environments, session)?;
    if wish.to.is_some() && prefixes.len() > 1 {
        return Err(Failure::new(Exit::Usage, "--to names one place, so only one environment can go there"));
    }
    let mut exit = Exit::Done;
    let mut documents: Vec<Value> = Vec::new();
    for prefix in &prefixes {
        let spinner = Spinner::new(session.screen, &printable(prefix.path()));
        let listener = |event: Event<'_>| spinner.show(event);
        let outcome = heal_one(prefix, wish, list.as_ref(), (session, Progress::new(&listener)));
        spinner.finish();
        exit = exit.max(match &outcome {
            Ok(report) => exit_of(report),
            Err(failure) => failure.exit,
        });
        match outcome {
            Ok(report) if session.screen.json => documents.push(shown::document(&report)),
            Ok(report) => session.screen.result(&shown::report(&report, session))?,
            Err(failure) => {
                session.screen.explain(&failure);
                documents.push(shown::document_of_failure(prefix, &failure));
            }
        }
        if session.interrupt.requested() {
            break;
        }
    }
    if session.screen.json {
        session.screen.json("heal", json!({ "environments": documents }))?;
    }
    Ok(exit)
}

pub(super) fn exit_of(report: &Report) -> Exit {
    match report.outcome {
        // What a heal cannot put right (a dependency that was never installed) is still there.
        Outcome::Healthy if status(&report.before) != Status::Healthy => Exit::Findings,
        Outcome::Healed | Outcome::Cloned | Outcome::Moved if status(&report.after) != Status::Healthy => {
            Exit::Findings
        }
        Outcome::Healed | Outcome::Cloned | Outcome::Moved | Outcome::Healthy | Outcome::Planned => {
            Exit::Done
        }
        Outcome::Failed => Exit::Failed,
        Outcome::NeedsAttention => Exit::Attention,
    }
}

/// Heals one environment.
pub(super) fn heal_one(
    prefix: &Prefix,
    wish: &HealArguments,
    list: Option<&FrozenRequirements>,
    (session, progress): (&Session<'_>, Progress<'_>),
) -> Result<Report, Failure> {
    let as_root = if wish.as_root { AsRoot::AskedFor } else { AsRoot::Refuse };
    let extent = if wish.dry_run { Extent::Plan } else { Extent::Whole };
    let to = wish.to.as_deref().map(|path| without_dots(&session.caller.absolute(path)));
    if extent == Extent::Whole {
        let made = to.as_deref().unwrap_or(prefix.path());
        insist_on_right_user(made, &session.caller, as_root)
            .map_err(|refusal| hints::wrong_user(&refusal, "heal", &[]))?;
    }
    let request = Request {
        prefix,
        wishes: wishes(wish),
        list: list.cloned(),
        python: wish.python.clone().map(Into::into),
        extent,
        place: match &to {
            Some(path) => NewPlace::Elsewhere(path),
            None if wish.discard => NewPlace::SameDiscarding,
            None => NewPlace::Same,
        },
    };
    heal::heal(&request, &session.caller, &session.interrupt, progress)
        .map_err(|error| failure(&error, prefix, session))
}

fn wishes(wish: &HealArguments) -> Wishes {
    Wishes {
        // A list or an interpreter of the user's own is reason enough, and so is what to leave out.
        when_healthy: if wish.force
            || wish.requirements.is_some()
            || wish.python.is_some()
            || wish.to.is_some()
            || wish.shared.is_some()
            || !wish.skip.is_empty()
        {
            WhenHealthy::Rebuild
        } else {
            WhenHealthy::LeaveAlone
        },
        owner_trust: if wish.trust_owner { OwnerTrust::GivenByUser } else { OwnerTrust::Required },
        list: wish.requirements.clone().map_or(ListOrigin::Environment, ListOrigin::File),
        sources: match wish.from {
            FromChoice::Auto => SourceWish::Auto,
            FromChoice::Env => SourceWish::Env,
            FromChoice::Index => SourceWish::Index,
        },
        network: if wish.offline { Network::Offline } else { Network::Allowed },
        skip: wish.skip.clone(),
        sharing: wish.shared.as_deref().map(Sharing::asked),
    }
}

fn failure(error: &HealError, prefix: &Prefix, session: &Session<'_>) -> Failure {
    hints::heal(error, prefix, &session.caller)
}

/// The list in a file; every line that is no exact pin is named.
fn read_list(
    file: &Path,
    wish: &HealArguments,
    session: &Session<'_>,
) -> Result<FrozenRequirements, Failure> {
    let path = session.caller.absolute(file);
    let unreadable = |error: fs::IoError| {
        Failure::new(Exit::Usage, printable(error.to_string()))
            .hint("Name the file that lists what to install.")
    };
    let content =
        fs::physical(&path).and_then(|path| fs::read_bounded(&path, MAX_LIST)).map_err(unreadable)?;
    let list = requirements_file::parse(&String::from_utf8_lossy(&content));
    let list = list.map_err(|error| hints::list(&error, file, wish, &session.caller))?;
    if list.pins().is_empty() {
        return Err(Failure::new(Exit::Usage, format!("{} names nothing to install", printable(file)))
            .hint("For an empty environment, make a new one: venvkeep new"));
    }
    Ok(list)
}
