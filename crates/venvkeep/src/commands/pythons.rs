//! `venvkeep pythons`.

use std::path::Path;

use serde_json::{Value, json};
use venvkeep_core::host::{credentials, fs};
use venvkeep_core::interpreters::find::{Candidate, FindError, find, survey};
use venvkeep_core::interpreters::request::Request;
use venvkeep_core::model::interpreter::BaseInterpreter;
use venvkeep_core::model::printable::printable;
use venvkeep_core::new::python::{Wanted, wanted};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::Emphasis;
use crate::request::Session;

/// What was found, and what `new` would make of it here.
struct Found {
    candidates: Vec<Candidate>,
    wanted: Wanted,
    chosen: Result<BaseInterpreter, FindError>,
}

/// Lists the base interpreters. Exit 1 where `new` would find none that it can use here.
pub(crate) fn run(session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    let stopped = |why: FindError| Failure::new(Exit::Interrupted, why.to_string());
    let wanted = wanted(None, &session.caller.cwd);
    let candidates = survey(&session.caller, &session.interrupt).map_err(stopped)?;
    let chosen = match find(&wanted.request, &session.caller, &session.interrupt) {
        Err(FindError::Interrupted) => return Err(stopped(FindError::Interrupted)),
        chosen => chosen,
    };
    let found = Found { candidates, wanted, chosen };
    if session.screen.json {
        session.screen.json("pythons", document(&found))?;
    } else {
        session.screen.result(&report(&found, session))?;
    }
    Ok(if found.chosen.is_ok() { Exit::Done } else { Exit::Findings })
}

impl Found {
    fn is_chosen(&self, candidate: &Candidate) -> bool {
        let same = |one: &Path, other: &Path| matches!((fs::physical(one), fs::physical(other)), (Ok(one), Ok(other)) if one == other);
        match (&self.chosen, &candidate.answer) {
            (Ok(chosen), Ok(answer)) => same(&chosen.executable, &answer.executable),
            _ => false,
        }
    }

    /// Why that one.
    fn because(&self) -> String {
        let newest = "none on your PATH suits, and it is the newest one found that does";
        match (&self.wanted.by, &self.chosen) {
            (by, Err(_)) => {
                let by = by.as_ref().map(|file| format!(", as {} asks", printable(file)));
                format!("there is no {} that you can use{}", self.wanted.request, by.unwrap_or_default())
            }
            (Some(file), _) => format!("{} asks for {}", printable(file), self.wanted.request),
            (None, Ok(_)) if self.is_first_on_path() => {
                "it is the first python3 on your PATH that can be used".to_owned()
            }
            (None, Ok(_)) => newest.to_owned(),
        }
    }

    /// Whether the search did not have to go beyond `PATH`.
    fn is_first_on_path(&self) -> bool {
        let usable = self.candidates.iter().find(|candidate| candidate.answer.is_ok());
        matches!(self.wanted.request, Request::Any) && usable.is_some_and(|first| self.is_chosen(first))
    }
}

fn owner(path: &Path) -> Option<(u32, Option<String>)> {
    let facts = fs::stat(path).ok()?;
    Some((facts.uid, credentials::user_name(facts.uid)))
}

fn title(answer: &BaseInterpreter) -> String {
    let free_threaded = if answer.free_threaded { "t" } else { "" };
    format!("{} {}{free_threaded}", answer.implementation_name(), answer.version)
}

fn report(found: &Found, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let rows: Vec<[String; 3]> = found.candidates.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (titles, paths) = (width(0), width(1));
    let lines = rows.iter().zip(&found.candidates).map(|(row, candidate)| {
        let [title, path, rest] = row;
        let is_chosen = found.is_chosen(candidate);
        let mark = if is_chosen { "*" } else { " " };
        let line = format!("{mark} {title:titles$}  {path:paths$}  {rest}");
        let line = line.trim_end();
        match &candidate.answer {
            _ if is_chosen => paint.text(Emphasis::Strong, line),
            Ok(_) => line.to_owned(),
            Err(_) => paint.text(Emphasis::Dim, line),
        }
    });
    let because = found.because();
    let conclusion = match &found.chosen {
        Ok(chosen) => {
            let (title, path) = (title(chosen), printable(&chosen.executable));
            format!("`venvkeep new` here takes {title} ({path}): {because}.")
        }
        Err(_) => format!("`venvkeep new` here finds none: {because}."),
    };
    let lines: Vec<String> = lines.chain([String::new(), conclusion, String::new()]).collect();
    lines.join("\n")
}

fn row(candidate: &Candidate) -> [String; 3] {
    let path = printable(&candidate.path);
    let whose = match owner(&candidate.path) {
        Some((_, Some(name))) => name,
        Some((uid, None)) => format!("user {uid}"),
        None => "nobody's".to_owned(),
    };
    match &candidate.answer {
        Ok(answer) => [title(answer), path, whose],
        Err(why) => ["not used".to_owned(), path, format!("{whose}: {}", printable(why.to_string()))],
    }
}

fn document(found: &Found) -> Value {
    let pythons: Vec<_> = found.candidates.iter().map(|candidate| one(candidate, found)).collect();
    json!({
        "pythons": pythons,
        "new": {
            "executable": found.chosen.as_ref().ok().map(|it| it.executable.to_string_lossy()),
            "because": found.because(),
            "asked_for_by": found.wanted.by.as_ref().map(|file| file.to_string_lossy()),
        },
    })
}

fn one(candidate: &Candidate, found: &Found) -> Value {
    let answer = candidate.answer.as_ref();
    json!({
        "path": candidate.path.to_string_lossy(),
        "owner": owner(&candidate.path).map(|(uid, name)| json!({ "uid": uid, "name": name })),
        "used": answer.is_ok(),
        "chosen": found.is_chosen(candidate),
        "problem": answer.err().map(ToString::to_string),
        "executable": answer.ok().map(|it| it.executable.to_string_lossy()),
        "implementation": answer.ok().map(|it| &it.implementation),
        "version": answer.ok().map(|it| it.version),
        "free_threaded": answer.ok().map(|it| it.free_threaded),
        "base_prefix": answer.ok().map(|it| it.base_prefix.to_string_lossy()),
    })
}
