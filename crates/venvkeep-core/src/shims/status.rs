//! What is installed of the shell side, and whose hooks stand beside it. Only looks.

use std::path::{Path, PathBuf};

use super::Shell;
use super::block::Extras;
use super::change::{Found, ShimsError};
use super::install::{Installed, parsed};
use super::places::Homes;
use super::{completions, start_text, startup_text, text};
use crate::model::caller::Caller;

/// How far one shell's shims are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Wholly, and of this program's version.
    Installed,
    /// Of another version, or altered.
    Differs,
    /// In part: a profile lacks the block, or the block's files are missing.
    Partly,
    /// Not at all.
    Absent,
}

/// One shell's shims.
#[derive(Debug)]
pub struct Status {
    /// Which shell.
    pub shell: Shell,
    /// How far.
    pub state: State,
    /// The profiles with the block.
    pub profiles: Vec<PathBuf>,
    /// What they were installed with.
    pub extras: Extras,
    /// Profiles that could not be read or understood, and why.
    pub problems: Vec<ShimsError>,
    /// Other programs that act on the prompt, with the profile in which they are started.
    pub hooks: Vec<(&'static str, PathBuf)>,
    /// Whether a profile starts what completes words; bash and fish have it from the start, zsh only where it is asked.
    pub starts_completion: bool,
}

/// Looks at one shell's files. `None` where there is no home directory to look in.
pub fn of(shell: Shell, caller: &Caller) -> Result<Option<Status>, ShimsError> {
    let (Some(homes), Some(data)) = (Homes::of(caller)?, &caller.data_dir) else { return Ok(None) };
    let files = Installed::of(shell, data);
    let wanted = homes.for_block(shell)?;
    let mut status = Status {
        shell,
        state: State::Absent,
        profiles: Vec::new(),
        extras: Extras::default(),
        problems: Vec::new(),
        hooks: Vec::new(),
        starts_completion: shell != Shell::Zsh,
    };
    let mut same = true;
    for path in homes.possible(shell) {
        match profile(&path, &mut status) {
            Ok(Some(lines)) => {
                let extras = Extras::of(&lines);
                same &= lines == files.lines(shell, &homes, extras).as_bytes();
                status.extras = extras;
                status.profiles.push(path);
            }
            Ok(None) => {}
            Err(problem) => status.problems.push(problem),
        }
    }
    let start = start_text(shell);
    let contents =
        [(&files.shim, text(shell)), (&files.start, &start), (&files.completions, completions::text(shell))];
    let mut there = 0;
    for (path, content) in contents {
        match Found::at(path) {
            Ok(found) => {
                there += usize::from(found.content().is_some());
                same &= found.content().is_none_or(|now| now == content.as_bytes());
            }
            Err(problem) => status.problems.push(problem),
        }
    }
    let whole = there == contents.len() && wanted.iter().all(|path| status.profiles.contains(path));
    status.state = match (whole, same) {
        (true, true) => State::Installed,
        (true, false) => State::Differs,
        (false, _) if there == 0 && status.profiles.is_empty() => State::Absent,
        (false, _) => State::Partly,
    };
    Ok(Some(status))
}

/// The lines of the block in a profile, if it has one; its hooks go into the status.
fn profile(path: &Path, status: &mut Status) -> Result<Option<Vec<u8>>, ShimsError> {
    let found = match Found::at(path) {
        Err(ShimsError::DanglingLink(_)) => return Ok(None),
        found => found?,
    };
    let Some(content) = found.content() else { return Ok(None) };
    let text = String::from_utf8_lossy(content);
    status.starts_completion |= startup_text::starts_completion(&text);
    let hooks = startup_text::hooks(&text);
    status.hooks.extend(hooks.into_iter().map(|name| (name, path.to_owned())));
    Ok(parsed(content, path)?.lines().map(<[u8]>::to_vec))
}
