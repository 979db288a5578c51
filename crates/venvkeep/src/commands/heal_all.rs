//! `venvkeep heal --all`: what a scan finds unwell, healed side by side; one report.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use venvkeep_core::diagnose::finding::{Code, Finding, Remedy, Severity, Status};
use venvkeep_core::host::traverse::Borders;
use venvkeep_core::model::printable::printable;
use venvkeep_core::progress::Progress;
use venvkeep_core::report::Report;
use venvkeep_core::scan::{Found, Request};

use super::heal::{exit_of, heal_one};
use super::scan;
use crate::args::HealArguments;
use crate::elsewhere::heal_command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::healed_all as shown;
use crate::render::progress::Spinner;
use crate::render::scan::sort;
use crate::request::Session;

/// No more heals at once, however many cores there are: each uses all of them for its copies, and the disk is one.
const MOST_AT_ONCE: usize = 4;

/// What became of one environment that is unwell.
pub(crate) enum Fate {
    /// It was healed, or its heal was planned, or that did not come to its end.
    Tried(Result<Box<Report>, Failure>),
    /// It was left as it is.
    Left {
        /// In words.
        why: String,
        /// What puts it right instead.
        command: Option<String>,
    },
}

/// Runs the command.
pub(super) fn run(wish: &HealArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let roots = scan::named(&wish.environments, session)?;
    let request = Request { roots, borders: Borders::Stay, ignored: session.config.ignored.clone() };
    let (mut unwell, mut well) = (Vec::new(), 0);
    let tally = scan::search(&request, session, &mut |found| match found.status() {
        Status::Healthy => well += 1,
        Status::Degraded | Status::Broken => unwell.push(found),
    });
    sort(&mut unwell);
    let fates = heal_each(&unwell, wish, session);
    let all: Vec<(&Found, &Fate)> = unwell.iter().zip(&fates).collect();
    if session.screen.json {
        session.screen.json("heal", shown::document(&all, well))?;
    } else {
        session.screen.result(&shown::report(&all, well, (wish.dry_run, session)))?;
        for remark in crate::render::scan::remarks(&tally, false) {
            session.screen.note(&remark);
        }
    }
    if session.interrupt.requested() {
        return Ok(Exit::Interrupted);
    }
    let exit = |fate: &Fate| match fate {
        Fate::Tried(Ok(report)) => exit_of(report),
        Fate::Tried(Err(failure)) => failure.exit,
        Fate::Left { .. } => Exit::Findings,
    };
    Ok(fates.iter().map(exit).max().unwrap_or(Exit::Done))
}

/// Heals what can be, several at once, each as if it had been named alone; in the order of `unwell`.
fn heal_each(unwell: &[Found], wish: &HealArguments, session: &Session<'_>) -> Vec<Fate> {
    let fates: Vec<Mutex<Option<Fate>>> = unwell.iter().map(|_| Mutex::new(None)).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let spinner = Spinner::new(session.screen, if wish.dry_run { "planning" } else { "healing" });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(MOST_AT_ONCE).min(unwell.len()) {
            scope.spawn(|| {
                while let Some(found) = unwell.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = done.load(Ordering::Relaxed) + 1;
                    spinner.count((number, unwell.len()), &printable(found.prefix.path()));
                    let fate = fate(found, wish, session);
                    done.fetch_add(1, Ordering::Relaxed);
                    let place = unwell.iter().position(|one| std::ptr::eq(one, found));
                    if let Some(Ok(mut slot)) = place.map(|at| fates[at].lock()) {
                        *slot = Some(fate);
                    }
                }
            });
        }
    });
    spinner.finish();
    let taken = fates.into_iter().map(|slot| slot.into_inner().ok().flatten());
    taken.map(|fate| fate.unwrap_or_else(|| left("the run was interrupted before its turn", None))).collect()
}

fn left(why: impl Into<String>, command: Option<String>) -> Fate {
    Fate::Left { why: why.into(), command }
}

fn fate(found: &Found, wish: &HealArguments, session: &Session<'_>) -> Fate {
    if session.interrupt.requested() {
        return left("the run was interrupted before its turn", None);
    }
    if let Some(fate) = not_ours_to_heal(found, session) {
        return fate;
    }
    let silent = |_: venvkeep_core::progress::Event<'_>| {};
    let healed = heal_one(&found.prefix, wish, None, (session, Progress::new(&silent)));
    Fate::Tried(healed.map(Box::new))
}

/// What is known not to come to anything, or is another tool's to do.
fn not_ours_to_heal(found: &Found, session: &Session<'_>) -> Option<Fate> {
    let keeper = found.findings.iter().find(|finding| finding.code == Code::ManagedElsewhere);
    if let Some(Finding { message, remedy, .. }) = keeper {
        let (words, command) = told(remedy);
        return Some(left(words.unwrap_or_else(|| message.clone()), command));
    }
    let matters = |finding: &&Finding| finding.severity > Severity::Note;
    if !found.findings.iter().filter(matters).any(|finding| finding.remedy == Remedy::Heal) {
        let worst = found.findings.iter().find(matters)?;
        let (words, command) = told(&worst.remedy);
        return Some(left(words.unwrap_or_else(|| worst.message.clone()), command));
    }
    let obstacle = found.findings.iter().find(|finding| finding.wants_another_place())?;
    let command = heal_command(&found.prefix, &found.findings, &session.caller);
    Some(left(obstacle.message.clone(), Some(command)))
}

fn told(remedy: &Remedy) -> (Option<String>, Option<String>) {
    match remedy {
        Remedy::Command(command) => (None, Some(command.clone())),
        Remedy::Advice(words) => (Some(words.clone()), None),
        Remedy::Heal | Remedy::Nothing => (None, None),
    }
}
