//! What `scan` shows: a line for each environment, the worst first, under what is wrong with it.

use std::cmp::Reverse;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use venvkeep_core::diagnose::finding::{Code, Severity, Status};
use venvkeep_core::host::credentials;
use venvkeep_core::host::traverse::Borders;
use venvkeep_core::inspect::beside::readable;
use venvkeep_core::model::naming::name_of;
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::scan::filter::headline;
use venvkeep_core::scan::{Found, Place, Places, Request, Tally};
use venvkeep_core::store::known;

use super::check::{emphasis, environment_document, status_word, summary as states};
use super::size::{grouped, size};
use super::{Emphasis, Paint};
use crate::commands::heal_all::{Fate, heal_command, not_ours_to_heal};
use crate::request::Session;

/// What a group of environments stands under, in a few words; `check` says the rest.
fn in_short(code: Code) -> &'static str {
    match code {
        Code::ForeignOwner => "belongs to somebody else, in whole or in part",
        Code::Unreadable => "cannot be read, in whole or in part",
        Code::Unwritable => "cannot be written",
        Code::ParentUnwritable => "the directory around it cannot be written",
        Code::ParentSticky => "the directory around it is everybody's",
        Code::WorldWritable => "everybody can change it",
        Code::ClosedToOthers => "others, for whom it is, cannot read it",
        Code::MountPoint => "it is a mount",
        Code::NotRenamable => "it cannot be moved aside",
        Code::InterpreterMissing => "its Python is gone",
        Code::InterpreterBroken => "its Python does not start",
        Code::InterpreterMismatch => "its Python has become another version",
        Code::ConfigMissing => "it has no usable pyvenv.cfg",
        Code::Moved => "it was moved or copied",
        Code::FilesMissing => "files are missing",
        Code::FilesAltered => "files were changed",
        Code::RecordMissing => "files are listed nowhere",
        Code::MetadataBroken => "metadata is damaged",
        Code::LeftoverDistribution => "an installation was cut off",
        Code::DependencyUnmet => "a dependency is not met",
        Code::UnsafePath => "a path leads out of it",
        Code::InterruptedHeal => "a heal was cut off",
        Code::KeptEnvironment => "an old tree is kept",
        Code::ManagedElsewhere => "another tool keeps it",
        Code::NotAnEnvironment => "it is no environment",
    }
}

/// The worst first; those with the same trouble together, in order of path.
pub(crate) fn sort(found: &mut [Found]) {
    let place = |code: Option<Code>| Code::ALL.iter().position(|one| Some(*one) == code);
    found.sort_by(|one, other| {
        let key = |found: &Found| (found.user.clone(), Reverse(found.status()), place(headline(found)));
        key(one).cmp(&key(other)).then_with(|| one.prefix.path().cmp(other.prefix.path()))
    });
}

/// The text for stdout.
pub(crate) fn report(found: &[Found], all: usize, (request, session): (&Request, &Session<'_>)) -> String {
    match (found.is_empty(), all) {
        (true, 0) => return "No environment was found.\n".to_owned(),
        (true, 1) => return "The one environment that was found is not like that.\n".to_owned(),
        (true, _) => return format!("None of the {all} environments that were found is like that.\n"),
        (false, _) => {}
    }
    let table = Table::new(found, session);
    let mut text = String::new();
    for of_one in found.chunk_by(|one, next| one.user == next.user) {
        if let Some(user) = &of_one[0].user {
            text.extend([table.paint.text(Emphasis::Strong, called(user)).as_str(), "\n\n"]);
        }
        for group in of_one.chunk_by(|one, next| headline(one) == headline(next)) {
            text.push_str(&table.group(group));
        }
        text.push_str(&way_out(of_one, request, session));
    }
    text.push_str(&summary_line(found));
    text
}

/// What people call a user: one without an account goes by a number, which says so.
fn called(user: &str) -> String {
    if user.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("user number {user}")
    } else {
        printable(user)
    }
}

/// The lines, with the columns as wide as the widest of all.
struct Table<'a> {
    widths: [usize; 4],
    paint: Paint,
    /// Columns of the terminal; in a pipe a line is as long as it is.
    width: Option<usize>,
    home: Option<&'a Path>,
    verbose: bool,
}

impl<'a> Table<'a> {
    fn new(found: &[Found], session: &'a Session<'_>) -> Self {
        let mut widths = [0; 4];
        for row in found.iter().map(cells) {
            for (width, cell) in widths.iter_mut().zip(&row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Self {
            widths,
            paint: session.screen.paint(),
            width: session.screen.width(),
            home: session.caller.home.as_deref(),
            verbose: session.screen.verbose,
        }
    }

    fn group(&self, group: &[Found]) -> String {
        let status = group[0].status();
        let word = self.paint.text(emphasis(status), status_word(status));
        let heading = match headline(&group[0]) {
            Some(code) => {
                let code_text = self.paint.text(Emphasis::Dim, format!("[{code}]"));
                format!("{word} {code_text} {} ({})", in_short(code), group.len())
            }
            None => format!("{word} ({})", group.len()),
        };
        let lines: String = group.iter().map(|one| self.line(one)).collect();
        format!("{heading}\n{lines}\n")
    }

    /// `  3.11.2  root   48.2 MB  2026-11-02  ~/proj/.venv  (also moved)`.
    fn line(&self, one: &Found) -> String {
        let [python, owner, bytes, used] = cells(one);
        let [first, second, third, fourth] = self.widths;
        let start = format!("  {python:first$}  {owner:second$}  {bytes:>third$}  {used:fourth$}  ");
        let also = also(one);
        let path = self.path(one.prefix.path(), start.chars().count() + also.chars().count());
        let through = one.through.as_deref().map_or_else(String::new, |link| {
            format!("{}by {}\n", " ".repeat(start.chars().count()), printable(link))
        });
        format!("{start}{path}{}\n{through}", self.paint.text(Emphasis::Dim, also))
    }

    /// The path as it fits beside what else stands on the line: on a terminal the home is `~`, and the middle of a long
    /// one is left out unless everything is wanted.
    fn path(&self, path: &Path, taken: usize) -> String {
        let Some(width) = self.width else { return printable(path) };
        let shown = match self.home.and_then(|home| path.strip_prefix(home).ok()) {
            Some(inside) => format!("~/{}", printable(inside)),
            None => printable(path),
        };
        if self.verbose { shown } else { shortened(&shown, width.saturating_sub(taken)) }
    }
}

/// The text with its middle left out where it is longer than `most`; never shorter than a name.
fn shortened(text: &str, most: usize) -> String {
    const LEAST: usize = 24;
    let (most, length) = (most.max(LEAST), text.chars().count());
    if length <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 3, most - most / 3 - 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

fn cells(one: &Found) -> [String; 4] {
    let Some(summary) = &one.summary else { return ["?", "?", "-", "-"].map(str::to_owned) };
    let version = summary.python.map_or_else(|| "?".to_owned(), |version| version.to_string());
    let implementation = if summary.implementation == Some("pypy") { "PyPy " } else { "" };
    let owner = credentials::user_name(summary.owner).unwrap_or_else(|| summary.owner.to_string());
    let used = one.last_sign().map_or_else(|| "-".to_owned(), |time| readable(time)[..10].to_owned());
    [format!("{implementation}{version}"), printable(owner), size(summary.bytes), used]
}

/// What else is wrong with it.
fn also(one: &Found) -> String {
    let head = headline(one);
    let others = one.findings.iter().filter(|finding| finding.severity > Severity::Note);
    let mut codes: Vec<&str> =
        others.map(|finding| finding.code).filter(|code| Some(*code) != head).map(Code::as_str).collect();
    let keeper = one.findings.iter().find(|finding| finding.code == Code::ManagedElsewhere);
    codes.extend(keeper.map(|finding| finding.message.split(' ').next().unwrap_or_default()));
    if codes.is_empty() { String::new() } else { format!("  ({})", codes.join(", ")) }
}

/// The command for all that a heal puts right, and those for the rest.
fn way_out(found: &[Found], request: &Request, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let unwell: Vec<&Found> = found.iter().filter(|one| one.status() != Status::Healthy).collect();
    let (mut heals, mut others) = (false, Vec::new());
    for one in unwell {
        match not_ours_to_heal(one, session) {
            None => heals = true,
            Some(Fate::Left { command: Some(command), .. }) => others.push(command),
            Some(_) => {}
        }
    }
    let mut text = String::new();
    if heals {
        let cross = if request.borders == Borders::Cross { " --cross-device" } else { "" };
        let places: Vec<String> =
            request.roots.iter().map(|root| format!(" {}", shell_word(&root.path))).collect();
        let places = if found[0].user.is_some() { String::new() } else { places.concat() };
        let command = paint.text(Emphasis::Command, format!("venvkeep heal --all{cross}{places}"));
        match &found[0].user {
            Some(user) => {
                text.extend([called(user).as_str(), " should run, without sudo:  ", &command, "\n"]);
            }
            None => {
                text.extend(["Put right what can be, without sudo and without loss:\n  ", &command, "\n"]);
            }
        }
    }
    if !others.is_empty() {
        text.push_str("What that leaves has a way of its own:\n");
        for command in others {
            text.extend(["  ", &paint.text(Emphasis::Command, printable(command)), "\n"]);
        }
    }
    if text.is_empty() { text } else { text + "\n" }
}

fn summary_line(found: &[Found]) -> String {
    let count = |status: Status| found.iter().filter(|one| one.status() == status).count();
    let bytes = found.iter().filter_map(|one| one.summary.as_ref()).map(|summary| summary.bytes).sum();
    let environments = if found.len() == 1 { "environment" } else { "environments" };
    format!(
        "{} {environments}: {} healthy, {} degraded, {} broken; {}\n",
        found.len(),
        count(Status::Healthy),
        count(Status::Degraded),
        count(Status::Broken),
        size(bytes)
    )
}

/// What was not looked into, and why.
pub(crate) fn remarks(tally: &Tally, borders: Borders) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut say = |places: &Places, one: &str, several: &str| {
        if places.count > 0 {
            let what =
                if places.count == 1 { format!("1 {one}") } else { format!("{} {several}", places.count) };
            remarks.push(format!("note: {what}: {}", listed(places)));
        }
    };
    say(&tally.refused, "place could not be looked into", "places could not be looked into");
    if borders == Borders::Stay {
        say(
            &tally.borders,
            "other file system was left out (--cross-device goes on into those of files)",
            "other file systems were left out (--cross-device goes on into those of files)",
        );
    }
    say(
        &tally.remains,
        "old tree is kept whose environment is gone (undo brings it back, prune deletes it)",
        "old trees are kept whose environments are gone (undo brings them back, prune deletes them)",
    );
    say(&tally.strays, "link or file leads to no environment", "links or files lead to no environment");
    remarks
}

fn listed(places: &Places) -> String {
    let name = |place: &Place| match place.why.as_str() {
        "" => printable(&place.path),
        why => format!("{} ({})", printable(&place.path), printable(why)),
    };
    let names: Vec<String> = places.shown.iter().map(name).collect();
    let more = places.count - names.len();
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// `512,034 entries in 41,022 directories, 0.8 s`.
pub(crate) fn measure(tally: &Tally, took: Duration) -> String {
    format!("{} files and directories in {:.1} s", grouped(tally.entries), took.as_secs_f64())
}

/// One environment, for a line of its own.
pub(crate) fn document(one: &Found, session: &Session<'_>) -> Value {
    let heal = heal_command(one, session);
    // The names that root's environments have say nothing of others'.
    let name = match one.user {
        Some(_) => name_of(one.prefix.path()).unwrap_or_default(),
        None => known::name(&one.prefix, &session.caller),
    };
    let mut value = environment_document((&one.prefix, &name), one.summary.as_ref(), (&one.findings, &heal));
    value["bytes"] = json!(one.summary.as_ref().map(|summary| summary.bytes));
    value["last_used"] = json!(one.last_used.map(readable));
    value["last_changed"] = json!(one.summary.as_ref().map(|summary| readable(summary.changed)));
    if let Some(user) = &one.user {
        value["user"] = json!(user);
    }
    if let Some(through) = &one.through {
        value["through"] = json!(through.to_string_lossy());
    }
    value
}

/// The last line.
pub(crate) fn summary(found: &[Found], all: usize, tally: &Tally) -> Value {
    let statuses: Vec<Status> = found.iter().map(Found::status).collect();
    let mut summary = states(&statuses);
    let places = |places: &Places| {
        let path = |place: &Place| place.path.to_string_lossy().into_owned();
        let shown = places.shown.iter();
        let shown: Vec<Value> = shown.map(|place| json!({ "path": path(place), "why": place.why })).collect();
        json!({ "count": places.count, "evidence": shown })
    };
    summary["found"] = json!(all);
    summary["bytes"] =
        json!(found.iter().filter_map(|one| one.summary.as_ref()).map(|one| one.bytes).sum::<u64>());
    summary["entries"] = json!(tally.entries);
    summary["directories"] = json!(tally.directories);
    summary["not_looked_into"] = places(&tally.refused);
    summary["other_file_systems"] = places(&tally.borders);
    summary["kept_without_environment"] = places(&tally.remains);
    summary["leads_nowhere"] = places(&tally.strays);
    json!({ "schema": super::SCHEMA, "command": "scan", "summary": summary })
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_middle_of_a_long_path_is_left_out() {
        let path = "~/src/customers/north/backend/services/api/.venv";
        assert_eq!(shortened(path, 80), path);
        let short = shortened(path, 30);
        assert_eq!(short.chars().count(), 30);
        assert!(short.starts_with("~/src") && short.ends_with("services/api/.venv"), "{short}");
        assert_eq!(shortened(path, 3).chars().count(), 24, "a name stays");
    }
}
