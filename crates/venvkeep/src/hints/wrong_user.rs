//! A command that root typed in a user's place.

use std::path::Path;

use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::root::WrongUser;

use crate::exit::Exit;
use crate::failure::Failure;

/// What would come of it: a new environment would be root's, and what only changes names would be remembered for root.
fn wrong_users_risk(refusal: &WrongUser, command: &str) -> String {
    let (WrongUser::UnderSudo { environment, .. } | WrongUser::OthersDirectory { environment, .. }) = refusal;
    match (command, refusal) {
        ("undo" | "remove" | "rename", WrongUser::UnderSudo { .. }) => format!(
            "with sudo, venvkeep {command} would act for root and not for you: what it notes of {} would be root's",
            printable(environment)
        ),
        ("undo" | "remove" | "rename", WrongUser::OthersDirectory { directory, owner, .. }) => format!(
            "venvkeep {command} would act for root, but {} belongs to user {owner}",
            printable(directory)
        ),
        _ => printable(refusal.to_string()),
    }
}

/// Root would lock somebody out. `arguments` are those of the command where it takes more than the environment.
pub(crate) fn wrong_user(refusal: &WrongUser, command: &str, arguments: &[&Path]) -> Failure {
    let failure = Failure::new(Exit::Usage, wrong_users_risk(refusal, command));
    let (environment, without) = match refusal {
        WrongUser::UnderSudo { environment, .. } => (environment, "Type the command without sudo"),
        WrongUser::OthersDirectory { environment, .. } => (environment, "Type the command as that user"),
    };
    let arguments = if arguments.is_empty() { &[environment.as_path()] } else { arguments };
    let words: Vec<String> = arguments.iter().map(|path| shell_word(path)).collect();
    let again = format!("venvkeep {command} {}", words.join(" "));
    let failure = failure.hint(format!("{without}; none of it needs root:  {again}"));
    let failure = match refusal {
        WrongUser::UnderSudo { .. } => failure,
        WrongUser::OthersDirectory { owner, .. } => {
            failure.hint(format!("In a container, start it as that user:  docker run --user {owner} ..."))
        }
    };
    failure.hint("If it is meant to be root's, add --as-root.")
}
