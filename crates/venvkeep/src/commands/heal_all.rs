//! `venvkeep heal --all`: what a scan finds unwell, healed side by side; one report.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use venvkeep_core::diagnose::finding::{Code, Finding, Remedy, Severity, Status};
use venvkeep_core::host::traverse::Borders;
use venvkeep_core::model::printable::printable;
use venvkeep_core::progress::Progress;
use venvkeep_core::report::Report;
use venvkeep_core::scan::{Found, Request};

use super::heal::{exit_of, heal_one};
use super::scan;
use crate::args::HealArguments;
use crate::elsewhere::HealCommand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
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
    let borders = if wish.cross_device { Borders::Cross } else { Borders::Stay };
    let request = Request { roots, borders, ignored: session.ignored()? };
    let (mut unwell, mut well) = (Vec::new(), 0);
    let tally = scan::search(&request, session, &mut |found| match found.status() {
        Status::Healthy => well += 1,
        Status::Degraded | Status::Broken => unwell.push(found),
    });
    sort(&mut unwell);
    let fates = heal_each(&unwell, (&request, wish), session);
    let all: Vec<(&Found, &Fate)> = unwell.iter().zip(&fates).collect();
    if session.screen.json {
        session.screen.json("heal", shown::document(&all, well, wish.dry_run))?;
    } else {
        session.screen.result(&shown::report(&all, well, (wish.dry_run, session)))?;
        for remark in crate::render::scan::remarks(&tally, borders) {
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

/// Heals what can be, several at once, each as if it had been named alone; in the order of `unwell`. One that lies inside
/// of another comes before that: a heal of the outer one stops when something in it changes meanwhile.
fn heal_each(
    unwell: &[Found],
    (request, wish): (&Request, &HealArguments),
    session: &Session<'_>,
) -> Vec<Fate> {
    let mut fates: Vec<Option<Fate>> = unwell.iter().map(|_| None).collect();
    let spinner = Spinner::new(session.screen, if wish.dry_run { "planning" } else { "healing" });
    let begun = AtomicUsize::new(0);
    for wave in waves(unwell) {
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..cores.min(MOST_AT_ONCE).min(wave.len()) {
                scope.spawn(|| {
                    while let Some(&at) = wave.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
                        spinner.count((number, unwell.len()), &printable(unwell[at].prefix.path()));
                        let fate = fate(&unwell[at], (request, wish), session);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((at, fate));
                    }
                });
            }
        });
        for (at, fate) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
            fates[at] = Some(fate);
        }
    }
    spinner.finish();
    fates.into_iter().map(|fate| fate.unwrap_or_else(|| left("its turn did not come", None))).collect()
}

/// Numbers of environments that may be healed side by side, one list after the other: those that hold no other unwell
/// one first.
fn waves(unwell: &[Found]) -> Vec<Vec<usize>> {
    let path = |at: usize| unwell[at].prefix.path();
    let mut rest: Vec<usize> = (0..unwell.len()).collect();
    let mut waves = Vec::new();
    while !rest.is_empty() {
        let holds_one =
            |at: usize| rest.iter().any(|&other| other != at && path(other).starts_with(path(at)));
        let (later, now): (Vec<usize>, Vec<usize>) = rest.iter().partition(|&&at| holds_one(at));
        waves.push(now);
        rest = later;
    }
    waves
}

fn left(why: impl Into<String>, command: Option<String>) -> Fate {
    Fate::Left { why: why.into(), command }
}

fn fate(found: &Found, (request, wish): (&Request, &HealArguments), session: &Session<'_>) -> Fate {
    if session.interrupt.requested() {
        return left("the run was interrupted before its turn", None);
    }
    let is_searched = request.roots.iter().any(|root| found.prefix.path().starts_with(&root.path));
    if let (false, Some(link)) = (is_searched, &found.through) {
        let why = format!("it lies outside of what was searched, and {} leads there", link.display());
        return left(why, Some(heal_command(found, session).command));
    }
    if let Some(fate) = not_ours_to_heal(found, session) {
        return fate;
    }
    let silent = |_: venvkeep_core::progress::Event<'_>| {};
    let healed = heal_one(&found.prefix, wish, None, (session, Progress::new(&silent)));
    Fate::Tried(healed.map(Box::new))
}

/// What is known not to come to anything, or is another tool's to do.
pub(crate) fn not_ours_to_heal(found: &Found, session: &Session<'_>) -> Option<Fate> {
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
    let command = || Some(heal_command(found, session).command);
    if let Some(site) = &found.foreseen.unlisted {
        let why = hints::not_known(&found.prefix, site);
        return Some(left(format!("{why}; its heal needs a list of what belongs into it"), command()));
    }
    let obstacle = found.findings.iter().find(|finding| finding.wants_another_place())?;
    Some(left(obstacle.message.clone(), command()))
}

/// The command for one that was found.
pub(crate) fn heal_command(found: &Found, session: &Session<'_>) -> HealCommand {
    HealCommand::new((&found.prefix, &found.findings), &found.foreseen, &session.caller)
}

fn told(remedy: &Remedy) -> (Option<String>, Option<String>) {
    match remedy {
        Remedy::Command(command) => (None, Some(command.clone())),
        Remedy::Advice(words) => (Some(words.clone()), None),
        Remedy::Heal | Remedy::Nothing => (None, None),
    }
}
