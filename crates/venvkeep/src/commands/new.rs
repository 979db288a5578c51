//! `venvkeep new`.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde_json::json;
use venvkeep_core::host::{credentials, fs};
use venvkeep_core::interpreters::request::Request;
use venvkeep_core::model::naming::USUAL_NAMES;
use venvkeep_core::model::sharing::Sharing;
use venvkeep_core::new::adopt::AdoptFrom;
use venvkeep_core::new::place::without_dots;
use venvkeep_core::new::{self, Made, Seed, Wish};
use venvkeep_core::progress::Progress;
use venvkeep_core::rebuild::create::SystemSitePackages;
use venvkeep_core::rebuild::seed::Seeded;
use venvkeep_core::root::AsRoot;
use venvkeep_core::shims;
use venvkeep_core::store::known;
use venvkeep_core::store::trust::TrustError;

use super::rename::note_namesakes;
use super::trust::nearest;
use crate::args::{NewArguments, SeedChoice};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::render::progress::Spinner;
use crate::render::{Emphasis, adopted};
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Runs the command.
pub(crate) fn run(arguments: &NewArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    session.stop_cleanly()?;
    let place = place(arguments, session)?;
    if arguments.upgrade_deps && arguments.seed == SeedChoice::None {
        let message = "--upgrade-deps brings pip up to date, and with --seed none there is no pip";
        return Err(Failure::new(Exit::Usage, message).hint("Leave one of them out."));
    }
    let list = arguments.requirements.as_ref().map(|file| without_dots(&session.caller.absolute(file)));
    let source = arguments.adopt.as_ref().map(|from| without_dots(&session.caller.absolute(from)));
    let adopt = arguments.adopt.as_ref().zip(source.as_deref()).map(|(typed, path)| match typed.to_str() {
        Some("user") => AdoptFrom::User,
        Some("system") => AdoptFrom::System,
        _ => AdoptFrom::Directory(path),
    });
    let wish = Wish { list: list.as_deref(), adopt, ..wish(arguments, place.as_deref()) };
    let made = make(&wish, arguments, session)?;
    if session.screen.json {
        session.screen.json("new", document(&made))?;
    } else {
        session.screen.result(&report(&made, arguments.shared.as_deref(), session))?;
        if let Some((from, adopted)) = adopt.zip(made.adopted.as_ref()) {
            session.screen.result(&adopted::report(from, adopted, &made, session.screen))?;
        }
    }
    for remark in remarks(&made).into_iter().chain(surprises(&made, arguments, session)) {
        session.screen.note(&printable(format!("note: {remark}")));
    }
    if let Err(TrustError::Objection(why)) = &made.trust {
        let why = printable(why.to_string());
        session.screen.note(&format!("The shell will not activate it by itself: {why}."));
    }
    if let Some(seeded) = made.seeded.as_ref().filter(|seeded| seeded.distributions.is_empty()) {
        session.screen.note(&without_pip(&made, seeded));
    }
    note_namesakes(&made.name, made.prefix.path(), session);
    if let Some(remark) = made.snapshot.remark() {
        session.screen.note(&printable(format!("note: {remark}")));
    }
    Ok(Exit::Done)
}

/// What was typed; with `--central` the place of that name.
fn place(arguments: &NewArguments, session: &Session<'_>) -> Result<Option<PathBuf>, Failure> {
    let Some(typed) = arguments.place.clone().filter(|_| arguments.central) else {
        return Ok(arguments.place.clone());
    };
    let mut parts = typed.components();
    let is_word = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    if !is_word || is_usual(&typed) || typed.as_os_str().as_encoded_bytes().starts_with(b"-") {
        let message = format!("--central takes a name, and \"{}\" is none", printable(&typed));
        return Err(Failure::new(Exit::Usage, message)
            .hint("Choose a plain name, or leave --central out to make it at a path."));
    }
    let home = known::central(&session.caller).ok_or_else(|| {
        Failure::new(Exit::Failed, "there is no directory of yours to make it in")
            .hint("Set WORKON_HOME, or HOME to your home directory.")
    })?;
    Ok(Some(home.join(typed)))
}

/// A name that says nothing where all environments lie in one directory.
fn is_usual(typed: &Path) -> bool {
    USUAL_NAMES.iter().any(|name| typed == Path::new(name))
}

/// With a line that tells how installing goes on, where something is installed.
fn make(wish: &Wish<'_>, arguments: &NewArguments, session: &Session<'_>) -> Result<Made, Failure> {
    let (caller, interrupt) = (&session.caller, &session.interrupt);
    let made = if wish.list.is_none() && wish.adopt.is_none() && !arguments.upgrade_deps {
        new::new(wish, caller, interrupt, Progress::new(&|_| ()))
    } else {
        let spinner = Spinner::new(session.screen, "new environment");
        let listener = |event: venvkeep_core::progress::Event<'_>| spinner.show(event);
        let made = new::new(wish, caller, interrupt, Progress::new(&listener));
        spinner.finish();
        made
    };
    made.map_err(|error| hints::new(&error))
}

fn wish<'a>(arguments: &'a NewArguments, typed: Option<&'a Path>) -> Wish<'a> {
    Wish {
        typed,
        python: arguments.python.as_ref().map(|text| Request::parse(OsStr::new(text))),
        seed: match arguments.seed {
            SeedChoice::Pip if arguments.upgrade_deps => Seed::NewestPip,
            SeedChoice::Pip => Seed::Pip,
            SeedChoice::None => Seed::Nothing,
        },
        list: None,
        adopt: None,
        prompt: arguments.prompt.as_deref(),
        system_site_packages: if arguments.system_site_packages {
            SystemSitePackages::Visible
        } else {
            SystemSitePackages::Hidden
        },
        sharing: arguments.shared.as_deref().map_or(Sharing::AsUsual, Sharing::asked),
        as_root: if arguments.as_root { AsRoot::AskedFor } else { AsRoot::Refuse },
    }
}

fn report(made: &Made, shared: Option<&str>, session: &Session<'_>) -> String {
    let paint = session.screen.paint();
    let interpreter = &made.interpreter;
    let path = printable(made.prefix.path());
    let contents: Vec<_> = made
        .seeded
        .iter()
        .flat_map(|seeded| &seeded.distributions)
        .map(|(name, version)| format!(", {name} {version}"))
        .chain(made.installed.map(|number| match number {
            1 => ", 1 distribution from the list".to_owned(),
            number => format!(", {number} distributions from the list"),
        }))
        .collect();
    format!(
        "Made {} with {} {} ({}{}){}{}\n{}\n",
        paint.text(Emphasis::Strong, path),
        interpreter.implementation_name(),
        interpreter.version,
        printable(&interpreter.executable),
        made.wanted.by.as_ref().map(|file| format!(", as {} says", printable(file))).unwrap_or_default(),
        contents.concat(),
        match shared {
            None => String::new(),
            Some("") => ", for everybody to read".to_owned(),
            Some(group) => format!(", for the group {} to write", printable(group)),
        },
        activation(made, session),
    )
}

/// How to get into it: in a shell with the shims, by going there.
fn activation(made: &Made, session: &Session<'_>) -> String {
    let command = |command: String| session.screen.paint().text(Emphasis::Command, command);
    let caller = &session.caller;
    if shims::around(caller).is_none() || made.trust.is_err() {
        return format!("Activate it with: {}", command(script(made, session)));
    }
    let below = |path: &Path| shell_word(path.strip_prefix(&caller.cwd).unwrap_or(path));
    let by_hand = caller
        .variable("VIRTUAL_ENV")
        .is_some_and(|active| caller.variable("VENVKEEP_ACTIVE") != Some(active));
    let path = made.prefix.path();
    let has_usual_name = USUAL_NAMES.iter().any(|name| path.ends_with(name));
    match nearest(None, session) {
        _ if by_hand || !has_usual_name => {
            format!("Activate it with: {}", command(format!("activate {}", below(path))))
        }
        Ok(here) if here == made.prefix => "It is active from the next prompt on".to_owned(),
        _ => format!(
            "It is active where you enter its directory: {}",
            command(format!("cd {}", below(made.prefix.parent())))
        ),
    }
}

/// For the shell that the user logs in with; below the working directory, without what is above it.
fn script(made: &Made, session: &Session<'_>) -> String {
    let shell = session.caller.variable("SHELL").and_then(|shell| Path::new(shell).file_name());
    let script = match shell.and_then(OsStr::to_str) {
        Some("fish") => "activate.fish",
        Some("csh" | "tcsh") => "activate.csh",
        _ => "activate",
    };
    let path = made.prefix.bin().join(script);
    format!("source {}", shell_word(path.strip_prefix(&session.caller.cwd).unwrap_or(&path)))
}

/// What of the surroundings does not fit the wish.
fn remarks(made: &Made) -> Vec<String> {
    let wanted = &made.wanted;
    let passed_over =
        wanted.passed_over.iter().map(|(file, why)| format!("{} was passed over: {why}", file.display()));
    let unmet = wanted.unmet_by(&made.interpreter.version);
    let unmet = unmet.map(|(file, range)| {
        format!("{} requires Python {range}, which {} is not", file.display(), made.interpreter.version)
    });
    let shut = made.shut.as_ref().map(|directory| {
        format!(
            "not everyone can get there: {} is closed to others (chmod o+x opens the way)",
            directory.display()
        )
    });
    let later = made.later.remark().map(str::to_owned);
    passed_over.chain(unmet).chain(shut).chain(later).collect()
}

/// What may not have been meant.
fn surprises(made: &Made, arguments: &NewArguments, session: &Session<'_>) -> Vec<String> {
    let mut said = Vec::new();
    let home = session.caller.home.as_deref().and_then(|home| fs::physical(home).ok());
    let is_usual = USUAL_NAMES.iter().any(|name| made.prefix.path().ends_with(name));
    if home.as_deref() == Some(made.prefix.parent()) && is_usual && made.trust.is_ok() {
        said.push(format!(
            "it lies in your home itself, so that shells with the shims start in it; if that is not meant: venvkeep untrust {}",
            shell_word(made.prefix.path())
        ));
    }
    let typed = arguments.place.as_deref().and_then(Path::to_str);
    if let (Some(""), Some(group)) = (arguments.shared.as_deref(), typed)
        && credentials::group_number(group).is_some()
    {
        said.push(format!(
            "{group} is a group, too; for its members to write: venvkeep new --shared={}",
            shell_word(Path::new(group))
        ));
    }
    said
}

fn without_pip(made: &Made, seeded: &Seeded) -> String {
    let looked_in: Vec<_> = seeded.looked_in.iter().map(printable).collect();
    format!(
        "It has no pip, because this Python brings none (looked for in {}).\n\
         Debian and Ubuntu keep it in a package of its own: apt install python3-venv, then make the environment anew.\n\
         Where uv is installed: uv pip install --python {} pip",
        looked_in.join(", "),
        shell_word(made.prefix.path()),
    )
}

fn document(made: &Made) -> serde_json::Value {
    let seeded = made.seeded.iter().flat_map(|seeded| &seeded.distributions);
    json!({
        "path": made.prefix.path().to_string_lossy(),
        "name": made.name,
        "trusted": made.trust.is_ok(),
        "python": {
            "implementation": made.interpreter.implementation,
            "version": made.interpreter.version,
            "executable": made.interpreter.executable.to_string_lossy(),
            "asked_for_by": made.wanted.by.as_ref().map(|file| file.to_string_lossy()),
        },
        "installed": made.installed,
        "adopted": made.adopted.as_ref().map(adopted::document),
        "seeded": seeded.map(|(name, version)| json!({ "name": name, "version": version })).collect::<Vec<_>>(),
    })
}
