//! What to do about an error, apart from the words of the error itself.

use venvkeep_core::locate::LocateError;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::printable::{printable, shell_word};

/// No environment where one was asked for: a usage error, with the way out.
pub(crate) fn not_located(error: &LocateError) -> Failure {
    let failure = Failure::new(Exit::Usage, printable(error.to_string()));
    match error {
        LocateError::NoSuchPath { .. } => {
            failure.hint("Check the spelling, or look what is there with: ls -a")
        }
        LocateError::ActiveIsGone { .. } => failure
            .hint("Forget it with: deactivate")
            .hint("or name the environment that you mean: venvkeep check PATH"),
        LocateError::NotADirectory { .. } => {
            failure.hint("Name the environment's directory, usually .venv in the project's directory.")
        }
        LocateError::NotAnEnvironment { meant: Some(meant), .. } => {
            failure.hint(format!("Did you mean the environment {} ?", shell_word(meant)))
        }
        LocateError::NotAnEnvironment { meant: None, .. } => failure
            .hint("An environment has a file pyvenv.cfg, or a bin/python beside lib/pythonX.Y/site-packages.")
            .hint("Make one here with: venvkeep new"),
        LocateError::NoneNear { .. } => failure
            .hint("Go to your project's directory, name the environment (venvkeep check PATH),")
            .hint("or make one here with: venvkeep new"),
        LocateError::NoPrefix(_) | LocateError::Io(_) => failure,
    }
}
