//! `venvkeep freeze`.

use std::path::Path;

use serde_json::json;
use venvkeep_core::host::fs;
use venvkeep_core::inspect::freeze::{Seeds, printed};
use venvkeep_core::inspect::{Installed, Reading, installed};
use venvkeep_core::model::distribution::NamedBy;
use venvkeep_core::model::facts::Kind;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::python_version::PythonVersion;
use venvkeep_core::model::requirements::FrozenRequirements;
use venvkeep_core::rebuild::install::{Order, lock, settings};
use venvkeep_core::store::known::locate;
use venvkeep_core::store::snapshots;

use crate::args::{FreezeArguments, ListFormat};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(wish: &FreezeArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    if wish.output.is_some() && session.caller.sudo_uid.is_some_and(|uid| uid != 0) {
        return Err(Failure::new(
            Exit::Usage,
            "under sudo, -o would leave you a file that is root's, or write where root should not",
        )
        .hint("Let your own shell write the file: sudo venvkeep freeze --all PATH > venvkeep-frozen.txt"));
    }
    if wish.output.is_some() && session.screen.json {
        return Err(Failure::new(Exit::Usage, "-o writes a requirements file, which --json is not")
            .hint("Let your shell write the document: venvkeep freeze --json > FILE"));
    }
    insist_on_lockable(wish, session)?;
    let prefix =
        locate(wish.environment.as_deref(), &session.caller).map_err(|e| hints::not_located(&e, session))?;
    let found = installed(&prefix, Reading::List)
        .map_err(|e| Failure::new(Exit::Failed, printable(e.to_string())))?;
    if let Some(place) = found.unlisted() {
        let failure = hints::not_listed(&prefix, place);
        return Err(match snapshots::recall(&session.caller, &prefix) {
            Ok(Some(kept)) => failure.hint(printable(format!(
                "A snapshot was kept of it at {}: venvkeep heal rebuilds it from that by itself.",
                kept.taken
            ))),
            _ => failure,
        });
    }
    let list = printed(&found.distributions, seeds(wish, &found));
    remark(&found, session);
    let pylock = match wish.format {
        ListFormat::Requirements => None,
        ListFormat::Pylock => Some(locked(&list, &prefix, found.python, session)?),
    };
    match &wish.output {
        Some(file) => {
            let text = pylock.unwrap_or_else(|| list.to_text());
            write(&session.caller.absolute(file), &text)?;
        }
        None if session.screen.json => {
            let path = prefix.path().to_string_lossy();
            let environment = json!({ "path": path, "requirements": list.lines(), "pylock": pylock });
            session.screen.json("freeze", json!({ "environments": [environment] }))?;
        }
        None => session.screen.result(&pylock.unwrap_or_else(|| list.to_text()))?,
    }
    Ok(Exit::Done)
}

/// What cannot be locked here, whatever the list.
fn insist_on_lockable(wish: &FreezeArguments, session: &Session<'_>) -> Result<(), Failure> {
    if wish.format == ListFormat::Requirements {
        return Ok(());
    }
    if session.caller.sudo_uid.is_some_and(|uid| uid != 0) {
        let what = "under sudo, uv would leave root's files in your cache";
        return Err(Failure::new(Exit::Usage, what)
            .hint("Type the command without sudo; where you cannot read the environment, freeze it as it is:")
            .hint("  sudo venvkeep freeze --all PATH > venvkeep-frozen.txt"));
    }
    if wish.offline {
        let what =
            "a pylock names every file with its hash, which only the package index knows: not with --offline";
        return Err(Failure::new(Exit::Failed, what)
            .hint("Without an index there is the plain list: venvkeep freeze --format requirements"));
    }
    let name = wish.output.as_deref().and_then(Path::file_name).map(std::ffi::OsStr::to_string_lossy);
    if let Some(name) = name.filter(|name| !is_pylock_name(name)) {
        let name = printable(name.as_ref());
        session.screen.note(&format!("note: tools look for pylock.toml or pylock.NAME.toml, not for {name}"));
    }
    Ok(())
}

/// PEP 751's file names.
fn is_pylock_name(name: &str) -> bool {
    let between = name.strip_prefix("pylock.").and_then(|rest| rest.strip_suffix(".toml"));
    name == "pylock.toml" || between.is_some_and(|between| !between.is_empty() && !between.contains('.'))
}

fn locked(
    list: &FrozenRequirements,
    prefix: &Prefix,
    python: Option<PythonVersion>,
    session: &Session<'_>,
) -> Result<String, Failure> {
    // What uv starts must end with us.
    session.stop_cleanly()?;
    let own_settings = settings::of_environment(prefix.path(), &session.caller.viewer).unwrap_or_default();
    let order = Order { pins: list.pins().iter().collect(), own_settings, caller: &session.caller };
    lock::pylock(list, &order, python, &session.interrupt).map_err(|error| hints::lock(&error))
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

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    /// A file that others may read, less the umask.
    const MODE: u16 = 0o666;
    let failed = |error: fs::IoError| Failure::new(Exit::Failed, printable(error.to_string()));
    // A file that is there keeps its mode, and a link keeps leading to it.
    let (place, mode) = match fs::stat(path) {
        Err(_) => (path.to_owned(), MODE),
        Ok(facts) if facts.kind == Kind::File => (fs::physical(path).map_err(failed)?, facts.mode),
        Ok(facts) => {
            let failure = Failure::new(Exit::Usage, format!("{} is {}", printable(path), facts.kind));
            return Err(failure.hint("Let your shell write there: venvkeep freeze > PLACE"));
        }
    };
    if let Some(directory) = place.parent().filter(|directory| fs::stat(directory).is_err()) {
        let what =
            format!("{} cannot be written: there is no directory {}", printable(path), printable(directory));
        return Err(
            Failure::new(Exit::Failed, what).hint(format!("Make it:  mkdir -p {}", shell_word(directory)))
        );
    }
    fs::replace_file(&place, mode, text.as_bytes()).map_err(failed)?;
    if mode == MODE { Ok(()) } else { fs::set_mode(&place, mode).map_err(failed) }
}
