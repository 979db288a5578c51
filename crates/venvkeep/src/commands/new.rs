//! `venvkeep new`.

use crate::args::NewArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::request::Session;

/// Runs the command.
pub(crate) fn run(wish: &NewArguments, session: &Session<'_>) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Failed, format!("not built yet: {wish:?} {session:?}")))
}
