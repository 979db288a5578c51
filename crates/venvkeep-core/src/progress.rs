//! How long work tells what it is doing, without knowing who listens or how it is shown.

/// The stages of a heal, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking at the environment.
    Inspect,
    /// Choosing an interpreter and where each distribution comes from.
    Plan,
    /// Making the new environment beside the old one.
    Rebuild,
    /// Fetching and installing what is not at hand.
    Install,
    /// Checking the new environment.
    Verify,
    /// Putting it in place.
    Swap,
}

/// Something worth showing while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A stage begins.
    Begin(Stage),
    /// Files were copied from the old environment.
    Copied {
        /// How many bytes so far.
        bytes: u64,
        /// Of how many.
        of: u64,
    },
    /// Directories are gone through.
    Scanned {
        /// How many entries were seen so far.
        entries: usize,
    },
    /// A line that the installer printed, as it came: not yet safe to show on a terminal.
    Installer(&'a str),
}

/// Who listens.
#[derive(Clone, Copy)]
pub struct Progress<'a>(&'a dyn Fn(Event<'_>));

impl<'a> Progress<'a> {
    /// Takes a listener.
    pub fn new(listener: &'a dyn Fn(Event<'_>)) -> Self {
        Self(listener)
    }

    /// Tells the listener.
    pub fn tell(&self, event: Event<'_>) {
        (self.0)(event);
    }
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Progress")
    }
}
