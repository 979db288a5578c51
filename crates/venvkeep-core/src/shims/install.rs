//! Installing the shell side and taking it away: the shim and the completions as static files in the user's data
//! directory, and a block in the profiles that sources them.

use std::path::{Path, PathBuf};

use super::block::{self, Extras, Files};
use super::change::{Change, CutShort, Deed, Done, Found, Role, ShimsError};
use super::places::Homes;
use super::profile::{self, Profile};
use super::{Shell, completions, made, start_text, text};
use crate::host::fs;
use crate::model::caller::Caller;
use crate::model::owner::ROOT;

/// The static files of one shell, in `$XDG_DATA_HOME/venvkeep`.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    /// The shim, complete.
    pub(super) shim: PathBuf,
    /// What the block sources of it.
    pub(super) start: PathBuf,
    pub(super) completions: PathBuf,
}

impl Installed {
    pub(super) fn of(shell: Shell, data: &Path) -> Self {
        Self {
            shim: data.join("shims").join(shell.file_name()),
            start: data.join("shims").join(shell.start_name()),
            completions: data.join("completions").join(completions::file_name(shell)),
        }
    }

    pub(super) fn lines(&self, shell: Shell, homes: &Homes, extras: Extras) -> String {
        let files = Files { shim: &self.start, completions: &self.completions };
        block::lines(shell, files, homes.home(), extras)
    }
}

/// What has to be done so that the shell has its shim; nothing is changed yet. The files come before the profiles that
/// source them.
pub fn install(shell: Shell, extras: Extras, caller: &Caller) -> Result<Vec<Change>, ShimsError> {
    let (homes, data) = own_places(caller)?;
    let files = Installed::of(shell, data);
    for path in [&files.shim, &files.completions] {
        if path.to_str().is_none_or(|path| path.contains('\n')) {
            return Err(ShimsError::NoWord(path.clone()));
        }
    }
    let viewer = &caller.viewer;
    let file = |path: &Path, role, content: &str| {
        Found::at(path)?.becomes(role, Some(content.as_bytes().to_vec()), viewer)
    };
    let mut changes = vec![
        file(&files.shim, Role::Shim, text(shell))?,
        file(&files.start, Role::Start, &start_text(shell))?,
        file(&files.completions, Role::Completions, completions::text(shell))?,
    ];
    let lines = files.lines(shell, &homes, extras);
    for path in homes.for_block(shell)? {
        let found = Found::at(&path)?;
        if found.is_one_of(&changes) {
            continue;
        }
        let after = match found.content() {
            None => profile::new_file(&lines),
            Some(content) => parsed(content, &path)?.with(&lines),
        };
        changes.push(found.becomes(Role::Profile, Some(after), viewer)?);
    }
    Ok(changes)
}

/// What has to be done so that nothing of these shells' is left; nothing is changed yet. The profiles come before the
/// files that they source.
pub fn uninstall(shells: &[Shell], caller: &Caller) -> Result<Vec<Change>, ShimsError> {
    let (homes, data) = own_places(caller)?;
    let viewer = &caller.viewer;
    let mut changes = Vec::new();
    for path in shells.iter().flat_map(|&shell| homes.possible(shell)) {
        let found = match Found::at(&path) {
            Err(ShimsError::DanglingLink(_)) => continue,
            found => found?,
        };
        let Some(content) = found.content().filter(|_| !found.is_one_of(&changes)) else { continue };
        let profile = parsed(content, &path)?;
        if profile.lines().is_some() {
            let after = profile.without();
            changes.push(found.becomes(Role::Profile, after, viewer)?);
        }
    }
    for files in shells.iter().map(|&shell| Installed::of(shell, data)) {
        let roles = [Role::Start, Role::Shim, Role::Completions];
        for (path, role) in [files.start, files.shim, files.completions].into_iter().zip(roles) {
            let found = Found::at(&path)?;
            if found.content().is_some() {
                changes.push(found.becomes(role, None, viewer)?);
            }
        }
    }
    Ok(changes)
}

/// Does what [`install`] or [`uninstall`] found, in order. Cut off anywhere in between, the block sources what is there.
pub fn carry_out(changes: &[Change], caller: &Caller) -> Result<Vec<Done>, CutShort> {
    let mut done: Vec<Done> = Vec::new();
    for change in changes {
        match change.carry_out(caller) {
            Ok(one) => {
                if !one.made.is_empty() {
                    made::note(&one.made, caller);
                }
                done.push(one);
            }
            Err(error) => return Err(CutShort { done, error }),
        }
    }
    let removes = done.iter().any(|one| one.deed == Deed::Remove);
    if let Some(data) = caller.data_dir.as_ref().filter(|_| removes) {
        for directory in [data.join("shims"), data.join("completions"), data.clone()] {
            // One that is not empty, or not there, stays as it is.
            let _ = fs::remove_dir(&directory);
        }
        made::take_back(caller);
    }
    Ok(done)
}

/// The line of `~/.zshenv` that sets ZDOTDIR in a way that was not understood: `.zshrc` may then be another one.
pub fn unclear_zdotdir(caller: &Caller) -> Option<usize> {
    Homes::of(caller).ok().flatten()?.unclear_zdotdir()
}

pub(super) fn parsed<'a>(content: &'a [u8], path: &Path) -> Result<Profile<'a>, ShimsError> {
    Profile::parse(content).map_err(|error| ShimsError::Unbalanced { path: path.to_owned(), error })
}

/// The user's own places; root gets none when it acts for somebody else.
fn own_places(caller: &Caller) -> Result<(Homes, &Path), ShimsError> {
    let homes = Homes::of(caller)?.ok_or(ShimsError::NoHome)?;
    if caller.sudo_uid.is_some_and(|uid| uid != ROOT) {
        return Err(ShimsError::UnderSudo);
    }
    match (&caller.data_dir, &caller.state_dir) {
        (Some(data), Some(_)) => Ok((homes, data)),
        _ => Err(ShimsError::NoHome),
    }
}
