//! `venvkeep freeze`.

use std::path::Path;

use serde_json::json;
use venvkeep_core::host::credentials;
use venvkeep_core::host::fs;
use venvkeep_core::inspect::freeze::{Seeds, printed};
use venvkeep_core::inspect::{Installed, installed};
use venvkeep_core::locate::locate;
use venvkeep_core::model::distribution::NamedBy;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::python_version::PythonVersion;
use venvkeep_core::model::requirements::FrozenRequirements;

use crate::args::FreezeArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::printable::{printable, shell_word};
use crate::request::Session;

/// Files beside an environment that say what belongs into it.
const LISTS: [&str; 5] = ["pyproject.toml", "uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"];

/// Runs the command.
pub(crate) fn run(wish: &FreezeArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    if wish.output.is_some() && session.caller.sudo_uid.is_some_and(|uid| uid != 0) {
        return Err(Failure::new(
            Exit::Usage,
            "under sudo, -o would leave you a file that is root's, or write where root should not",
        )
        .hint("Let your own shell write the file: sudo venvkeep freeze PATH > requirements.txt"));
    }
    let prefix = locate(wish.environment.as_deref(), &session.caller).map_err(|e| hints::not_located(&e))?;
    let found = installed(&prefix).map_err(|e| Failure::new(Exit::Failed, printable(e.to_string())))?;
    if let Some(place) = found.unlisted() {
        return Err(not_listed(&prefix, place));
    }
    let list = printed(&found.distributions, seeds(wish, &found));
    remark(&found, session);
    match &wish.output {
        Some(file) => write(&session.caller.absolute(file), &list)?,
        None if session.screen.json => {
            let environment =
                json!({ "path": prefix.path().to_string_lossy(), "requirements": list.lines() });
            session.screen.json("freeze", json!({ "environments": [environment] }))?;
        }
        None => session.screen.result(&list.to_text())?,
    }
    Ok(Exit::Done)
}

/// Where nothing tells the Python version, the environment is taken for one of today: only pip is left out.
fn seeds(wish: &FreezeArguments, found: &Installed) -> Seeds {
    const OF_TODAY: PythonVersion = PythonVersion::new(3, 12);
    if wish.all { Seeds::Shown } else { Seeds::Hidden(found.python.unwrap_or(OF_TODAY)) }
}

/// What the list does not say by itself, on stderr.
fn remark(found: &Installed, session: &Session<'_>) {
    for path in &found.leftovers {
        let path = printable(path);
        session.screen.note(&format!("note: {path} is what an interrupted uninstall left; it is not listed"));
    }
    for path in &found.unidentified {
        let path = printable(path);
        session.screen.note(&format!("note: {path} names no distribution; it is not listed"));
    }
    for distribution in &found.distributions {
        if let NamedBy::DirectoryName(reason) = &distribution.named_by {
            let (name, reason) = (distribution.name.as_written(), printable(reason));
            session.screen.note(&format!("note: {name} is listed by its directory's name: {reason}"));
        }
    }
}

fn write(path: &Path, list: &FrozenRequirements) -> Result<(), Failure> {
    /// A file that others may read, less the umask.
    const MODE: u16 = 0o666;
    fs::replace_file(path, MODE, list.to_text().as_bytes())
        .map_err(|e| Failure::new(Exit::Failed, printable(e.to_string())))
}

fn not_listed(prefix: &Prefix, place: &Path) -> Failure {
    let place = printable(prefix.join(place));
    let failure = Failure::new(
        Exit::Failed,
        format!("what is installed cannot be known: you may not list {place} (pip could not either)"),
    );
    let program = credentials::own_program().unwrap_or_else(|| "venvkeep".into());
    let command =
        format!("sudo {} freeze {} > requirements.txt", shell_word(&program), shell_word(prefix.path()));
    failure
        .hint(format!("Read it as root; this changes nothing: {command}"))
        .hint(format!(
            "or heal from a list that you have: venvkeep heal {} -r FILE",
            shell_word(prefix.path())
        ))
        .hint(lists_beside(prefix))
}

fn lists_beside(prefix: &Prefix) -> String {
    let names = fs::Directory::open(prefix.parent()).and_then(|parent| parent.names()).unwrap_or_default();
    let mut found: Vec<_> = names
        .into_iter()
        .filter_map(|name| String::from_utf8(name).ok())
        .filter(|name| {
            LISTS.contains(&name.as_str()) || (name.starts_with("requirements") && name.ends_with(".txt"))
        })
        .collect();
    found.sort_unstable();
    if found.is_empty() {
        return "(no requirements file or lock file lies beside it)".to_owned();
    }
    format!("(beside it lie: {})", printable(found.join(", ")))
}
