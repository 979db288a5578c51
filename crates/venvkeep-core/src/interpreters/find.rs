//! Chooses the interpreter that is meant.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::ask::AskError;
use super::places::{everywhere, interpreters_in, on_path};
use super::remember::ask_once;
use super::request::{Release, Request};
use crate::host::fs::{lstat, stat};
use crate::host::process::ProcessError;
use crate::host::programs::{Distrust, trust};
use crate::model::caller::Caller;
use crate::model::facts::Kind;
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::python_version::ReleaseLevel;

/// Why a candidate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It was not started.
    #[error(transparent)]
    Untrusted(#[from] Distrust),
    /// It was, in vain.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// One interpreter that was found, and what became of asking it.
#[derive(Debug)]
pub struct Candidate {
    /// Where it was found.
    pub path: PathBuf,
    /// Its answer.
    pub answer: Result<BaseInterpreter, Unusable>,
}

/// Why there is no interpreter to work with.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing found is what was asked for.
    #[error("there is no {wanted} on this machine that you can use")]
    NoneSuitable {
        /// What was asked for.
        wanted: Request,
        /// Everything that was found instead.
        found: Vec<Candidate>,
    },
    /// The one that was named cannot be used.
    #[error(transparent)]
    Named(Unusable),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The interpreter for a request. For [`Request::Any`] and a range the first `python3` that the command line would start
/// and that can be used and is in it, else the newest such one found anywhere.
pub fn find(request: &Request, caller: &Caller, interrupt: &Interrupt) -> Result<BaseInterpreter, FindError> {
    let search = Search { caller, interrupt };
    let found = match request {
        Request::Any => search.usual(|_| true)?,
        Request::Range(range) => search.usual(|it| it.version.satisfies(range))?,
        Request::Release(release) => search.first(search.called_like(release), |it| release.matches(it))?,
        Request::Name(name) => {
            let named =
                on_path(caller).into_iter().map(|dir| dir.join(name)).find(|path| lstat(path).is_ok());
            named.map(|path| search.named(&path)).transpose()?
        }
        Request::Path(path) => Some(search.named(&program_at(&caller.absolute(path)))?),
    };
    match found {
        Some(interpreter) => Ok(interpreter),
        None => Err(FindError::NoneSuitable { wanted: request.clone(), found: survey(caller, interrupt)? }),
    }
}

/// Every interpreter that can be found, in the order of the search; each file once, under the first of its names.
pub fn survey(caller: &Caller, interrupt: &Interrupt) -> Result<Vec<Candidate>, FindError> {
    let search = Search { caller, interrupt };
    let mut seen = BTreeSet::new();
    let paths = everywhere(caller).into_iter().flat_map(|dir| interpreters_in(&dir));
    paths
        .filter(|path| stat(path).is_ok_and(|facts| seen.insert((facts.device, facts.inode))))
        .map(|path| Ok(Candidate { answer: search.ask(&path)?, path }))
        .collect()
}

struct Search<'a> {
    caller: &'a Caller,
    interrupt: &'a Interrupt,
}

impl Search<'_> {
    /// The outer error is the user's wish to stop; anything else is a fact about the candidate.
    fn ask(&self, path: &Path) -> Result<Result<BaseInterpreter, Unusable>, FindError> {
        let program = match trust(path, &self.caller.viewer) {
            Ok(program) => program,
            Err(distrust) => return Ok(Err(distrust.into())),
        };
        match ask_once(&program, self.caller, self.interrupt) {
            Err(AskError::Process(ProcessError::Interrupted)) => Err(FindError::Interrupted),
            answer => Ok(answer.map_err(Unusable::from)),
        }
    }

    /// The first of the candidates that can be used and is `wanted`.
    fn first(
        &self,
        candidates: impl Iterator<Item = PathBuf>,
        wanted: impl Fn(&BaseInterpreter) -> bool,
    ) -> Result<Option<BaseInterpreter>, FindError> {
        for path in candidates {
            if let Ok(interpreter) = self.ask(&path)?
                && wanted(&interpreter)
            {
                return Ok(Some(interpreter));
            }
        }
        Ok(None)
    }

    /// What the command line would start, where that is `wanted`; else the newest that is.
    fn usual(&self, wanted: impl Fn(&BaseInterpreter) -> bool) -> Result<Option<BaseInterpreter>, FindError> {
        let on_path = on_path(self.caller).into_iter().map(|dir| dir.join("python3"));
        match self.first(on_path, &wanted)? {
            Some(interpreter) => Ok(Some(interpreter)),
            None => Ok(newest(survey(self.caller, self.interrupt)?, wanted)),
        }
    }

    fn named(&self, path: &Path) -> Result<BaseInterpreter, FindError> {
        self.ask(path)?.map_err(FindError::Named)
    }

    fn called_like(&self, release: &Release) -> impl Iterator<Item = PathBuf> {
        let may_be = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| release.may_be_called(name))
        };
        everywhere(self.caller).into_iter().flat_map(|dir| interpreters_in(&dir)).filter(may_be)
    }
}

/// A path may name the program or the directory it is installed in.
fn program_at(path: &Path) -> PathBuf {
    match stat(path) {
        Ok(facts) if facts.kind == Kind::Directory => path.join("bin/python3"),
        _ => path.to_owned(),
    }
}

/// A finished release before a preliminary one, `CPython` before the others, then by version.
fn newest(candidates: Vec<Candidate>, wanted: impl Fn(&BaseInterpreter) -> bool) -> Option<BaseInterpreter> {
    let usable = candidates.into_iter().filter_map(|candidate| candidate.answer.ok());
    usable.filter(|it| !it.free_threaded && wanted(it)).max_by_key(|it| {
        (it.version.level == ReleaseLevel::Final, it.implementation == "cpython", it.version)
    })
}

impl fmt::Display for Candidate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Ok(it) => {
                let free_threaded = if it.free_threaded { "t" } else { "" };
                let path = self.path.display();
                write!(formatter, "{} {}{free_threaded} at {path}", it.implementation_name(), it.version)
            }
            Err(why) => why.fmt(formatter),
        }
    }
}
