//! `venvkeep list`.

use std::path::{Path, PathBuf};

use venvkeep_core::host::credentials;
use venvkeep_core::list;
use venvkeep_core::model::printable::printable;
use venvkeep_core::store::intake::{self, Taken};

use crate::args::ListArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::list as shown;
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &ListArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    if let Some(places) = &wish.import {
        import(places, session)?;
    }
    let (listed, tidied) = list::list(&session.caller);
    let kept = list::kept(&session.caller);
    if session.screen.json {
        session.screen.json("list", shown::document(&listed, (&tidied, &kept), session))?;
    } else {
        session.screen.result(&shown::report(&listed, session))?;
        for remark in shown::remarks(&listed, &tidied).into_iter().chain(shown::kept(&kept)) {
            session.screen.note(&format!("note: {remark}"));
        }
    }
    Ok(Exit::Done)
}

fn import(named: &[PathBuf], session: &Session<'_>) -> Result<(), Failure> {
    let caller = &session.caller;
    if caller.data_dir.is_none() {
        return Err(Failure::new(Exit::Failed, "there is no data directory of yours to remember them in")
            .hint("Set HOME to your home directory, or XDG_DATA_HOME."));
    }
    let places: Vec<PathBuf> = if named.is_empty() {
        intake::usual_places(caller)
    } else {
        named.iter().map(|place| caller.absolute(place)).collect()
    };
    if places.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "there is no directory of virtualenvwrapper, pew or pyenv here",
        )
        .hint("Name the directory that holds your environments or projects: venvkeep list --import DIR"));
    }
    let (mut found, mut failed) = (0, None);
    for directory in &places {
        match intake::take_in(directory, caller) {
            Ok(taken) => {
                found += taken.len();
                for (path, what) in &taken {
                    session.screen.note(&say(path, what));
                }
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed {
        let exit = if error.is_missing() { Exit::Usage } else { Exit::Failed };
        return Err(Failure::new(exit, printable(error.to_string()))
            .hint("Name a directory that holds environments or projects."));
    }
    if found == 0 {
        session.screen.note("No environment was found there: looked at it, at what it holds, and in projects one level below.");
    }
    Ok(())
}

fn say(path: &Path, taken: &Taken) -> String {
    let path = printable(path);
    match taken {
        Taken::In(name) => format!("Taken in as {}: {path}", printable(name)),
        Taken::KnownAs(name) => format!("Known as {} already: {path}", printable(name)),
        Taken::Foreign(uid) => {
            format!("Left out: {path} belongs to {}, not to you", printable(credentials::called(*uid)))
        }
    }
}
