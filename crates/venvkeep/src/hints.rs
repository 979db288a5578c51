//! What to do about an error, apart from the words of the error itself.

mod python;
mod wrong_user;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use venvkeep_core::diagnose::finding::Remedy;
use venvkeep_core::diagnose::managed::Manager;
use venvkeep_core::heal::{ElsewhereError, HealError};
use venvkeep_core::host::process::ProcessError;
use venvkeep_core::host::programs::Distrust;
use venvkeep_core::host::rename::Movable;
use venvkeep_core::host::{credentials, fs, programs};
use venvkeep_core::inspect::snapshot::{Site, SiteState};
use venvkeep_core::interpreters::find::FindError;
use venvkeep_core::locate::LocateError;
use venvkeep_core::model::caller::Caller;
use venvkeep_core::model::naming::UnusablePath;
use venvkeep_core::model::prefix::Prefix;
use venvkeep_core::model::requirements_file::{LineFault, RequirementsError};
use venvkeep_core::model::siblings;
use venvkeep_core::new::NewError;
use venvkeep_core::new::adopt::AdoptError;
use venvkeep_core::plan::{Missing, PlanError};
use venvkeep_core::rebuild::build::BuildError;
use venvkeep_core::rebuild::install::InstallError;
use venvkeep_core::rebuild::install::lock::LockError;
use venvkeep_core::store::trust;
use venvkeep_core::swap::SwapError;
use venvkeep_core::undo::{UndoError, kept_instead};

pub(crate) use wrong_user::wrong_user;

use crate::args::HealArguments;
use crate::elsewhere::heal_to;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request::Session;
use venvkeep_core::model::printable::{printable, shell_word};

/// Files beside an environment that say what belongs into it.
const LISTS: [&str; 5] = ["pyproject.toml", "uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"];

/// Which groups there are to share with.
const MY_GROUPS: &str = "See your groups with: id -Gn";

/// No environment where one was asked for: a usage error, with the way out.
pub(crate) fn not_located(error: &LocateError, session: &Session<'_>) -> Failure {
    let failure = Failure::new(Exit::Usage, printable(error.to_string()));
    if let Some(kept) = kept_instead(error) {
        let kept = shell_word(kept.path());
        return failure
            .hint(format!("One that was removed or moved away is kept there:  venvkeep undo {kept}"));
    }
    match error {
        LocateError::NoSuchName { similar, .. } if !similar.is_empty() => {
            failure.hint(format!("Did you mean:  {}", printable(similar.join(" or "))))
        }
        LocateError::NoSuchPath { .. } | LocateError::NoSuchName { .. } => failure
            .hint("Check the spelling: ls -a shows what is there, venvkeep list the names that are known."),
        LocateError::ActiveIsGone { .. } => failure
            .hint("Forget it:  deactivate 2>/dev/null || unset VIRTUAL_ENV")
            .hint(format!("or name the environment that you mean: {}", named(session.command))),
        LocateError::NotADirectory { .. } => {
            failure.hint("Name the environment's directory, usually .venv in the project's directory.")
        }
        LocateError::ForeignLink { .. } => {
            failure.hint("If it leads where you want to go, name that place itself: ls -l shows it.")
        }
        LocateError::ForeignRedirect { path } => failure
            .hint(format!("See whose it is: ls -l {}", shell_word(path)))
            .hint("If it points where you want to go, name that place itself."),
        LocateError::BadRedirect { path } => failure
            .hint("Such a file (PEP 832) holds one line: the path of the project's environment.")
            .hint(format!(
                "To have an environment there instead:  rm {0} && venvkeep new {0}",
                shell_word(path)
            )),
        LocateError::NotAnEnvironment { meant: Some(meant), .. } => {
            failure.hint(format!("It lies in an environment. If you mean that:  {}", shell_word(meant)))
        }
        LocateError::NotAnEnvironment { meant: None, .. } => failure
            .hint("An environment has a file pyvenv.cfg, or a bin/python beside lib/pythonX.Y/site-packages.")
            .hint("To make one, in your project's directory:  venvkeep new"),
        LocateError::NoneNear { .. } => failure
            .hint(format!(
                "Go to your project's directory, name the environment ({}),",
                named(session.command)
            ))
            .hint("or make one here with: venvkeep new"),
        LocateError::SeveralCalled { paths, .. } => {
            paths.iter().fold(failure.hint("Name the one that you mean by its path:"), |failure, path| {
                failure.hint(format!("  {}", shell_word(path)))
            })
        }
        LocateError::NoPrefix(_) | LocateError::Io(_) => failure,
    }
}

/// The command as it is typed with an environment.
fn named(command: &str) -> String {
    let behind = match command {
        "run" => " -- COMMAND",
        _ => "",
    };
    format!("venvkeep {command} PATH{behind}")
}

/// The way into an environment that its owner made for a group to write: venvkeep runs nothing of what others can
/// change, and neither `chmod` nor a heal would be right, since that is what it is for.
pub(crate) fn made_for_a_group(failure: Failure, prefix: &Prefix, caller: &Caller) -> Option<Failure> {
    let group = trust::group_of(prefix, &caller.viewer)?;
    let script = shell_word(&prefix.bin().join("activate"));
    Some(
        failure
            .hint(format!(
                "It was made to be shared with the group {}: each member can change what runs in it.",
                printable(group)
            ))
            .hint(format!("If you trust all of them, activate it yourself:  source {script}")),
    )
}

/// Lines of a requirements file that are no exact pins.
pub(crate) fn list(error: &RequirementsError, file: &Path, wish: &HealArguments, caller: &Caller) -> Failure {
    let mut failure =
        Failure::new(Exit::Usage, format!("{} is not a list of exact versions", printable(file)));
    for problem in error.problems.iter().take(20) {
        failure =
            failure.hint(format!("line {}: {} - {}", problem.line, printable(&problem.shown), problem.fault));
    }
    failure =
        failure.hint("A list that venvkeep freeze or pip freeze wrote has one name==version on each line.");
    let is_open = |fault: &LineFault| matches!(fault, LineFault::Unpinned | LineFault::Include);
    if !error.problems.iter().any(|problem| is_open(&problem.fault)) {
        return failure;
    }
    let typed = wish.environments.iter().map(|path| shell_word(path));
    let again =
        std::iter::once("venvkeep heal -r pinned.txt".to_owned()).chain(typed).collect::<Vec<_>>().join(" ");
    pinning(file, caller).into_iter().chain([again]).fold(
        failure.hint("To have exact versions found for it, with all that they need, and to heal from these:"),
        |failure, command| failure.hint(format!("  {command}")),
    )
}

/// The commands that make a list of exact versions from one that leaves them open.
fn pinning(file: &Path, caller: &Caller) -> Vec<String> {
    let file = shell_word(file);
    if programs::find("uv", &caller.search_path(), &caller.viewer).is_some() {
        return vec![format!("uv pip compile {file} -o pinned.txt")];
    }
    vec![format!("venvkeep new -r {file} ./fresh"), "venvkeep freeze --all -o pinned.txt ./fresh".to_owned()]
}

/// A heal that did not come to its end.
pub(crate) fn heal(error: &HealError, prefix: &Prefix, caller: &Caller) -> Failure {
    if error.is_interrupted() {
        return Failure::new(Exit::Interrupted, "interrupted, as you asked")
            .live(error.live())
            .hint("The same command again does it; nothing is left to tidy up.");
    }
    let failure = Failure::new(Exit::Failed, printable(error.to_string())).live(error.live());
    if is_full(error) {
        return without_room(failure, prefix);
    }
    match error {
        HealError::Plan(PlanError::Hostile { list, .. }) => hostile(failure, &list.lines(), prefix),
        HealError::CutOff { prefix } => nothing_there(failure, Exit::Attention)
            .hint(format!("This settles it:  venvkeep heal {}", shell_word(prefix))),
        HealError::Surroundings(distrust) => surroundings(failure, distrust, (prefix, caller)),
        HealError::Plan(PlanError::NoInstaller { .. }) => failure
            .hint("Install one of them; neither needs an environment. On Debian or Ubuntu:")
            .hint("  sudo apt install python3-pip-whl    (or get uv, which needs no root)"),
        HealError::Plan(PlanError::Unobtainable { missing })
        | HealError::Build(BuildError::Altered { missing }) => unobtainable(failure, missing, prefix),
        HealError::Plan(PlanError::NotThere { .. }) => Failure { exit: Exit::Usage, ..failure }
            .hint(format!("See what there is:  venvkeep freeze --all {}", shell_word(prefix.path()))),
        HealError::Plan(PlanError::ProjectInside { .. }) => failure
            .hint("Move the project out of the environment, or heal with a list that leaves it out: -r FILE"),
        HealError::Build(BuildError::Install(InstallError::Unobtainable { said, .. })) => last_words(
            failure, said,
        )
        .hint("Is the network up, and is the index the right one? Nothing was lost; try again later, or")
        .hint("give a list with versions that can be had:  venvkeep heal -r FILE"),
        HealError::Unlisted { prefix, site, snapshot } => {
            let failure = not_listed(prefix, site).live(error.live());
            snapshot.iter().fold(failure, |failure, why| failure.hint(printable(why)))
        }
        HealError::Interpreter(why) => python::not_found(failure, why, |name| {
            format!("venvkeep heal -p {name} {}", shell_word(prefix.path()))
        }),
        HealError::Group(_) => failure.hint(MY_GROUPS),
        HealError::Path(_) => failure
            .hint("Rename the directory, and heal then; or leave it, and")
            .hint(format!("build the new one elsewhere:  {}", heal_to(prefix, caller))),
        HealError::Swap(SwapError::NotMovable { why: Movable::ParentDenied, .. })
            if is_write_protected(prefix.parent(), caller) =>
        {
            failure
                .hint(format!("Let yourself write there:  chmod u+w -- {}", shell_word(prefix.parent())))
                .hint("and heal then.")
        }
        HealError::Swap(error @ SwapError::NotMovable { .. }) => {
            swap(error, prefix, failure).hint(elsewhere(prefix, caller))
        }
        HealError::Swap(error @ SwapError::Io(denied)) if denied.is_denied() => {
            swap(error, prefix, failure).hint(elsewhere(prefix, caller))
        }
        HealError::Swap(error) => swap(error, prefix, failure),
        HealError::Elsewhere(ElsewhereError::Unwritable { .. }) => {
            failure.hint("Choose a directory of your own; no sudo is needed there.")
        }
        HealError::Elsewhere(_) => Failure { exit: Exit::Usage, ..failure }
            .hint("Choose a path where nothing stands; what is missing above it is made."),
        HealError::Verify(_) | HealError::DidNotHold(_) => failure
            .hint(format!(
                "See where everything would come from:  venvkeep heal --dry-run {}",
                shell_word(prefix.path())
            ))
            .hint("Leave out what is at fault (--skip NAME), or heal from a list of yours (-r FILE)."),
        HealError::ManagedElsewhere(kept) => managed(failure, &kept.manager, prefix),
        _ => failure,
    }
}

/// Somebody else could have written what is installed: the list, and how to go on once it was looked at.
fn hostile(failure: Failure, list: &[String], prefix: &Prefix) -> Failure {
    let failure = Failure { exit: Exit::Attention, ..failure }
        .hint("Nobody has to have done anything wrong; but look at this list before it is installed as you:");
    let failure = list.iter().fold(failure, |failure, line| failure.hint(format!("  {}", printable(line))));
    let path = shell_word(prefix.path());
    failure
        .hint(format!("If that is what should be there:  venvkeep heal --trust-owner {path}"))
        .hint(format!("Or with a list of your own:       venvkeep heal -r requirements.txt {path}"))
}

/// A directory of the user's own that they took the permission to write from.
fn is_write_protected(directory: &Path, caller: &Caller) -> bool {
    fs::stat(directory).is_ok_and(|facts| facts.uid == caller.viewer.uid && facts.mode & 0o200 == 0)
}

/// No environment is there that could be in any state.
fn nothing_there(failure: Failure, exit: Exit) -> Failure {
    Failure { exit, live: None, ..failure }
}

/// What another tool keeps.
fn managed(failure: Failure, manager: &Manager, prefix: &Prefix) -> Failure {
    let Manager { tool, remedy } = manager;
    let failure = Failure { exit: Exit::Attention, ..failure };
    let failure = match remedy {
        Remedy::Command(command) => failure.hint(format!("Let {tool} rebuild it:  {command}")),
        Remedy::Advice(words) => failure.hint(format!("Let {tool} rebuild it: {words}")),
        Remedy::Heal | Remedy::Nothing => failure,
    };
    if *tool == "conda" {
        return failure.hint("venvkeep does not rebuild conda's environments: they are no virtual ones.");
    }
    let force = format!("venvkeep heal --force {}", shell_word(prefix.path()));
    failure.hint(format!("Or, where that does not work:  {force}"))
}

/// The end of what an installer printed.
fn last_words(failure: Failure, said: &[String]) -> Failure {
    let said = said.iter().map(|line| format!("  | {}", printable(line)));
    said.fold(failure.hint("The installer's last words:"), Failure::hint)
}

/// No lock file.
pub(crate) fn lock(error: &LockError) -> Failure {
    let exit = if error.is_interrupted() { Exit::Interrupted } else { Exit::Failed };
    let failure = Failure::new(exit, printable(error.to_string()));
    match error {
        LockError::NoUv => failure
            .hint("Get uv (it needs no root and no environment): https://docs.astral.sh/uv/")
            .hint("Without it there is the plain list: venvkeep freeze --format requirements"),
        LockError::Install(InstallError::Unobtainable { said, .. }) => last_words(failure, said)
            .hint("Is the network up, and is the index the right one? What has no wheel cannot be locked either,")
            .hint("since uv would have to run its build. The plain list: venvkeep freeze --format requirements"),
        _ => failure,
    }
}

/// A directory on the way that others can change.
fn surroundings(failure: Failure, distrust: &Distrust, (prefix, caller): (&Prefix, &Caller)) -> Failure {
    let mut failure = Failure { exit: Exit::Attention, ..failure };
    if let Distrust::OthersCanWrite(directory) = distrust {
        failure = failure.hint(format!(
            "If the directory is yours, take that away:  chmod go-w {}",
            shell_word(directory)
        ));
    }
    let trusting = format!("venvkeep heal --trust-owner {}", shell_word(prefix.path()));
    failure.hint(elsewhere(prefix, caller)).hint(format!("Or, if you trust everybody who can:  {trusting}"))
}

fn without_room(failure: Failure, prefix: &Prefix) -> Failure {
    let path = shell_word(prefix.path());
    let free = if beside(prefix).contains("-old-") {
        format!("Free some space, perhaps with:  venvkeep prune {path}")
    } else {
        "Free some space:  df -h shows how full each disk is".to_owned()
    };
    failure
        .hint(free)
        .hint(format!("Or build the new one on another disk:  venvkeep heal --to /DISK/NAME/.venv {path}"))
}

/// Whether a full disk (or the user's share of it) is behind an error.
fn is_full(error: &dyn std::error::Error) -> bool {
    let is_full = |error: &std::io::Error| {
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    };
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.filter_map(|error| error.downcast_ref()).any(is_full)
}

/// The way out where nothing can be moved or made beside the environment.
fn elsewhere(prefix: &Prefix, caller: &Caller) -> String {
    format!("Build the new one in a directory of yours:  {}", heal_to(prefix, caller))
}

/// An undo that did not take place.
pub(crate) fn undo(error: &UndoError, prefix: &Prefix) -> Failure {
    let exit = if matches!(error, UndoError::NothingKept { .. }) { Exit::Usage } else { Exit::Failed };
    let failure = Failure::new(exit, printable(error.to_string()));
    match error {
        UndoError::NothingKept { moved_from: Some(old), .. } => {
            let old = shell_word(old.path());
            failure.hint(format!(
                "It was moved here. To have the one at its old place back:  venvkeep undo {old}"
            ))
        }
        UndoError::NothingKept { .. } => failure
            .hint("A heal, a move or a remove leaves an old environment to go back to, until it is pruned.")
            .hint(format!("See how this one is:  venvkeep check {}", shell_word(prefix.path()))),
        UndoError::Swap(error) => swap(error, prefix, failure.live(error.live())),
    }
}

/// Names could not be changed beside an environment.
pub(crate) fn swap(error: &SwapError, prefix: &Prefix, failure: Failure) -> Failure {
    let failure =
        if error.needs_attention() { Failure { exit: Exit::Attention, ..failure } } else { failure };
    let journal = prefix.parent().join(siblings::journal_name(prefix));
    let remove = format!("rm -- {}", shell_word(&journal));
    match error {
        SwapError::MovedAway { to, .. } => {
            nothing_there(failure, Exit::Usage).hint(format!("Look at it there:  venvkeep check {}", shell_word(to)))
        }
        SwapError::NeverMade { prefix, kept } => {
            let way =
                if *kept { "Bring the old one back:  venvkeep undo" } else { "Make one:  venvkeep new" };
            nothing_there(failure, Exit::Usage).hint(format!("{way} {}", shell_word(prefix)))
        }
        SwapError::Busy { holder, .. } => {
            let failure = failure.hint("Wait until it is done, then try again.");
            match holder {
                Some(holder) => failure.hint(format!("Or end it, and what it left is settled:  kill {}", holder.pid)),
                None => failure,
            }
        }
        SwapError::GroundChanged { .. } => failure
            .hint("A program that writes there (pip, a running notebook) has to end first; then try again."),
        SwapError::GarbledJournal { journal } => failure
            .hint(format!("If no heal is running, remove it:  rm -- {}", shell_word(journal)))
            .hint(format!("What else an interrupted heal may have left: {}", beside(prefix))),
        SwapError::Unsettled { .. } => failure
            .hint(format!("Look what lies beside it: {}", beside(prefix)))
            .hint("A name with \"-old-\" is the environment from before a heal, one with \"-stage-\" a new one.")
            .hint(format!("When the right one stands at {}:  {remove}", printable(prefix.path()))),
        SwapError::HalfRemoved { left, .. } => failure
            .hint("The live environment is as it was. What is left of the old one is of no use any more:")
            .hint(format!("  sudo rm -rf -- {}", shell_word(left))),
        SwapError::Stuck { .. } => failure
            .hint("When what stands in the way is gone, this settles it; nothing is lost:")
            .hint(format!("  venvkeep heal {}", shell_word(prefix.path()))),
        SwapError::Io(error) if error.is_denied() && error.path == journal && is_there(&journal) => failure
            .hint("It was left by another user's run, usually one with sudo; the directory around it is yours, so:")
            .hint(format!("  {remove}")),
        SwapError::Io(error) if error.is_denied() => failure
            .hint("Names beside the environment have to change, so you must be able to write that directory.")
            .hint(format!("See whose it is:  ls -ld {}", shell_word(prefix.parent()))),
        _ => failure,
    }
}

fn is_there(path: &Path) -> bool {
    matches!(fs::lstat_if_any(path), Ok(Some(_)))
}

/// The names that venvkeep has given beside an environment.
fn beside(prefix: &Prefix) -> String {
    let names = fs::Directory::open(prefix.parent()).and_then(|parent| parent.names()).unwrap_or_default();
    let ours = names.iter().map(|name| OsStr::from_bytes(name));
    let ours = ours.filter(|name| siblings::classify(prefix, name).is_some()).map(printable);
    let mut ours: Vec<String> = ours.collect();
    ours.sort_unstable();
    if ours.is_empty() { "nothing".to_owned() } else { ours.join(", ") }
}

/// Each distribution that cannot be had, why, and the ways out.
fn unobtainable(failure: Failure, missing: &[Missing], prefix: &Prefix) -> Failure {
    let path = shell_word(prefix.path());
    let each = missing.iter().map(|one| printable(format!("  {}: {}", one.requirement, one.why)));
    let failure = each.fold(failure, Failure::hint);
    let skip: Vec<String> = missing.iter().map(|one| format!("--skip {}", one.name.normalized())).collect();
    failure
        .hint("Fetch them from the package index: the same command without --offline and --from env;")
        .hint(format!("or leave them out: the same command with {}", skip.join(" ")))
        .hint(format!("or name other versions in a list: venvkeep heal -r FILE {path}"))
}

/// No new environment. Nothing was left behind.
pub(crate) fn new(error: &NewError) -> Failure {
    let exit = match error {
        NewError::Path(_) | NewError::Prefix(_) | NewError::Taken { .. } | NewError::List(_) => Exit::Usage,
        NewError::Interrupted
        | NewError::Install(InstallError::Process(ProcessError::Interrupted))
        | NewError::Python { why: FindError::Interrupted, .. } => Exit::Interrupted,
        _ => Exit::Failed,
    };
    let failure = Failure::new(exit, printable(error.to_string()));
    if is_full(error) {
        return failure
            .hint("No environment was made; nothing is left behind.")
            .hint("Free some space there, or make it on another disk:  df -h shows how full each is");
    }
    match error {
        NewError::WrongUser(refusal) => wrong_user(refusal, "new", &[]),
        NewError::Taken { path, what: "an environment" } => failure
            .hint(format!("See whether it is well: venvkeep check {}", shell_word(path)))
            .hint("Or give the new one another name: venvkeep new NAME"),
        NewError::Taken { .. } => {
            failure.hint("Move it away, or give the environment another name: venvkeep new NAME")
        }
        NewError::Path(UnusablePath::Dash) => {
            failure.hint("It would be taken for an option. As a path it can be said:  venvkeep new ./-NAME")
        }
        NewError::Path(_) => {
            failure.hint("Choose another name, or a directory without such characters in its path.")
        }
        NewError::ParentUnwritable { directory, owner } if owner == "you" => {
            failure.hint(format!("Let yourself write there:  chmod u+w {}", shell_word(directory)))
        }
        NewError::Io(error) if error.is_denied() => {
            failure.hint("Make it in a directory of your own (no sudo needed): venvkeep new ~/NAME/.venv")
        }
        NewError::ParentUnwritable { .. } => {
            failure.hint("Make it in a directory of your own (no sudo needed): venvkeep new ~/NAME/.venv")
        }
        NewError::Python { why, by } => {
            let asked = by.iter().map(|file| format!("{} asks for it.", printable(file)));
            let failure = asked.fold(failure, Failure::hint);
            python::not_found(failure, why, |name| format!("venvkeep new -p {name}"))
        }
        NewError::Group(_) => failure.hint(MY_GROUPS),
        NewError::Beside { prefix, why } => swap(why, prefix, failure),
        NewError::Adopt(error) => adopt(error, failure),
        NewError::List(_) => failure.hint("Name the file that lists what to install."),
        NewError::NoInstaller { .. } => failure
            .hint("Install one of them; neither needs an environment. On Debian or Ubuntu:")
            .hint("  sudo apt install python3-pip-whl    (or get uv, which needs no root)"),
        NewError::Install(error @ InstallError::Failed { said, .. }) => {
            let failure = last_words(failure, said);
            let failure = if error.tells_of_no_network() {
                failure.hint(
                    "The package index does not answer: is the network up, and is the index the right one?",
                )
            } else {
                failure
            };
            failure.hint("No environment was made; nothing is left behind.")
        }
        _ => failure,
    }
}

fn adopt(error: &AdoptError, failure: Failure) -> Failure {
    match error {
        AdoptError::Gone { .. } | AdoptError::Empty { .. } => Failure { exit: Exit::Usage, ..failure }
            .hint("No environment was made. --adopt takes user, system, or the DIR of pip install --target.")
            .hint("What was installed for another Python: name that one with -p."),
        AdoptError::Untrusted { path, .. } => failure
            .hint("No environment was made: what is installed there would run as you.")
            .hint(format!("See what it is; then list what you want in a file:  ls -la {}", shell_word(path)))
            .hint("  venvkeep new NAME -r FILE"),
        _ => failure.hint("No environment was made; nothing is left behind."),
    }
}

/// Why it cannot be known what is installed.
pub(crate) fn not_known(prefix: &Prefix, site: &Site) -> String {
    let place = printable(prefix.join(&site.path));
    let why = match site.state {
        SiteState::Gone => format!("{place} is gone"),
        SiteState::Linked => format!("a link is on the way to {place}, and venvkeep follows none"),
        SiteState::Closed | SiteState::Listed => format!("you may not list {place} (pip could not either)"),
    };
    format!("what is installed cannot be known: {why}")
}

/// What tells root what is installed where its user may not look; it only reads.
pub(crate) fn frozen_by_root(prefix: &Prefix) -> String {
    let program = credentials::own_program().unwrap_or_else(|| "venvkeep".into());
    let (program, environment) = (shell_word(&program), shell_word(prefix.path()));
    format!("sudo {program} freeze --all {environment} > venvkeep-frozen.txt")
}

/// The ways out where it cannot be known what is installed.
pub(crate) fn not_listed(prefix: &Prefix, site: &Site) -> Failure {
    let environment = shell_word(prefix.path());
    let failure = Failure::new(Exit::Failed, not_known(prefix, site));
    let own_list = format!("heal from a list that you have: venvkeep heal -r requirements.txt {environment}");
    let failure = match site.state {
        SiteState::Gone => {
            failure.hint(format!("Bring it back from a backup, where there is one, or {own_list}"))
        }
        SiteState::Linked => failure.hint(format!("Put the directory itself there, or {own_list}")),
        SiteState::Closed | SiteState::Listed => failure
            .hint(format!("Read it as root; this changes nothing in it: {}", frozen_by_root(prefix)))
            .hint(format!("and heal with that: venvkeep heal -r venvkeep-frozen.txt {environment}"))
            .hint(format!("or {own_list}")),
    };
    failure.hint(lists_beside(prefix))
}

/// Which files beside it say what belongs into it.
pub(crate) fn lists_beside(prefix: &Prefix) -> String {
    let names = fs::Directory::open(prefix.parent()).and_then(|parent| parent.names()).unwrap_or_default();
    let mut found: Vec<_> = names
        .into_iter()
        .filter_map(|name| String::from_utf8(name).ok())
        .filter(|name| LISTS.contains(&name.as_str()) || is_requirements(name))
        .collect();
    found.sort_unstable();
    if found.is_empty() {
        return "(no requirements file or lock file lies beside it)".to_owned();
    }
    format!("(beside it lie: {})", printable(found.join(", ")))
}

/// `requirements.txt`, `requirements-dev.txt`.
fn is_requirements(name: &str) -> bool {
    name.strip_suffix(".txt").is_some_and(|stem| stem.starts_with("requirements"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use venvkeep_core::heal::HealError;
    use venvkeep_core::host::credentials;
    use venvkeep_core::model::caller::Caller;
    use venvkeep_core::model::prefix::Prefix;
    use venvkeep_core::verify::VerifyError;

    use super::heal;
    use crate::exit::Exit;

    #[test]
    fn who_interrupts_a_heal_is_not_told_to_leave_packages_out() {
        let viewer = credentials::viewer(Vec::new());
        let caller = Caller::new(viewer, PathBuf::from("/"), BTreeMap::new());
        let prefix = Prefix::new(PathBuf::from("/p/.venv")).expect("it could be one");
        let interrupted =
            || [VerifyError::Interrupted].map(|why| [HealError::Interrupted, HealError::DidNotHold(why)]);
        for error in interrupted().into_iter().flatten() {
            let said = heal(&error, &prefix, &caller);
            assert_eq!((said.exit, said.live), (Exit::Interrupted, Some(error.live())));
            assert!(!said.hints.concat().contains("--skip"), "{said:?}");
            assert!(!said.message.contains("did not work"), "{said:?}");
        }
    }
}
