//! What a command says when it cannot do what it was asked: the error, the state the environment is in, what to do.

use venvkeep_core::error::LiveState;

use crate::exit::Exit;

/// A command's failure, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the command ends.
    pub(crate) exit: Exit,
    /// What is wrong, naming the path.
    pub(crate) message: String,
    /// The state of the environment, where there is one.
    pub(crate) live: Option<LiveState>,
    /// What to do about it, one line each; commands among them are quoted for a shell.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// A failure without hints yet.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), live: None, hints: Vec::new() }
    }

    /// Says in what state the environment is.
    pub(crate) fn live(mut self, state: LiveState) -> Self {
        self.live = Some(state);
        self
    }

    /// Adds a line on what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
