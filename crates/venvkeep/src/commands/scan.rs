//! `venvkeep scan`.

use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use venvkeep_core::diagnose::finding::Status;
use venvkeep_core::host::credentials;
use venvkeep_core::host::traverse::Borders;
use venvkeep_core::interpreters::request::Request as PythonRequest;
use venvkeep_core::model::printable::printable;
use venvkeep_core::progress::{Event, Progress};
use venvkeep_core::scan::filter::Filter;
use venvkeep_core::scan::{self, Found, Request, Root, RootError, Tally, roots};

use crate::args::{ScanArguments, ScanFormat};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::progress::Spinner;
use crate::render::{prometheus, scan as shown};
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &ScanArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    if session.screen.json && wish.format == ScanFormat::Prometheus {
        return Err(Failure::new(Exit::Usage, "--json and --format prometheus exclude each other"));
    }
    let filter = filter(wish)?;
    let roots = if wish.all_users { all_users(session)? } else { named(&wish.roots, session)? };
    let borders = if wish.cross_device { Borders::Cross } else { Borders::Stay };
    let request = Request { roots, borders, ignored: session.ignored()? };
    let (began, now) = (Instant::now(), SystemTime::now());
    let (mut found, mut all, mut printed) = (Vec::new(), 0, Ok(()));
    let tally = search(&request, session, &mut |one| {
        all += 1;
        if !filter.fits(&one, now) {
            return;
        }
        if session.screen.json && printed.is_ok() {
            printed = session.screen.json_line(&shown::document(&one, session));
            if printed.is_err() || session.screen.is_closed() {
                session.interrupt.flag().store(true, Ordering::Relaxed);
            }
        }
        found.push(one);
    });
    printed?;
    shown::sort(&mut found);
    if session.screen.json {
        session.screen.json_line(&shown::summary(&found, all, &tally))?;
    } else if wish.format == ScanFormat::Prometheus {
        let times = (began.elapsed(), SystemTime::now());
        session.screen.result(&prometheus::document(&found, &tally, times, (&request, session)))?;
    } else {
        session.screen.result(&shown::report(&found, all, (&request, session)))?;
        for remark in shown::remarks(&tally, request.borders) {
            session.screen.note(&remark);
        }
        session.screen.note(&shown::measure(&tally, began.elapsed()));
    }
    let is_well = found.iter().all(|one| one.status() == Status::Healthy);
    Ok(if is_well { Exit::Done } else { Exit::Findings })
}

/// Finds all environments, with progress on a terminal.
pub(super) fn search(request: &Request, session: &Session<'_>, show: &mut dyn FnMut(Found)) -> Tally {
    let about = if let [root] = request.roots.as_slice() {
        printable(&root.path)
    } else {
        format!("{} directories", request.roots.len())
    };
    let spinner = Spinner::new(session.screen, &about);
    let listener = |event: Event<'_>| spinner.show(event);
    let progress = Progress::new(&listener);
    let tally = scan::scan(request, &session.caller, (&session.interrupt, progress), show);
    spinner.finish();
    tally
}

/// The directories that were named, else the home.
pub(super) fn named(paths: &[std::path::PathBuf], session: &Session<'_>) -> Result<Vec<Root>, Failure> {
    roots::named(paths, &session.caller).map_err(|error| {
        let hint = match &error {
            RootError::NoHome | RootError::NoUsers => "Name the directories to search: venvkeep scan DIR",
            RootError::NotADirectory { .. } | RootError::Io(_) => {
                "Name a directory that is there, and that you may look into."
            }
        };
        let is_mistake = !matches!(&error, RootError::Io(error) if error.is_denied());
        let exit = if is_mistake { Exit::Usage } else { Exit::Failed };
        Failure::new(exit, printable(error.to_string())).hint(hint)
    })
}

fn all_users(session: &Session<'_>) -> Result<Vec<Root>, Failure> {
    if !session.caller.viewer.is_root() {
        return Err(Failure::new(Exit::Usage, "only root may look into every user's home")
            .hint("Your own environments:  venvkeep scan")
            .hint("Everybody's, which only reads:  sudo venvkeep scan --all-users"));
    }
    roots::of_all_users().map_err(|error| Failure::new(Exit::Failed, printable(error.to_string())))
}

fn filter(wish: &ScanArguments) -> Result<Filter, Failure> {
    let python = wish.python.as_deref().map(|text| {
        PythonRequest::version(text).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("\"{}\" is no version of Python", printable(text)))
                .hint("Write 3.8, \"<3.10\" or pypy3.")
        })
    });
    let owner = wish.owner.as_deref().map(|name| {
        credentials::user_number(name)
            .or_else(|| name.parse().ok())
            .ok_or_else(|| Failure::new(Exit::Usage, format!("there is no user called {}", printable(name))))
    });
    Ok(Filter {
        codes: wish.only.clone(),
        unused_for: wish.older_than,
        python: python.transpose()?,
        owner: owner.transpose()?,
    })
}
