//! What shells complete for `venvkeep`: static files as well, which ask the program at Tab.

use super::Shell;

/// The file's name. zsh finds a function in a file of its name.
pub fn file_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "venvkeep.bash",
        Shell::Zsh => "_venvkeep",
        Shell::Fish => "venvkeep.fish",
    }
}

/// The file, complete.
pub fn text(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../shims/completions/venvkeep.bash"),
        Shell::Zsh => include_str!("../../shims/completions/_venvkeep"),
        Shell::Fish => include_str!("../../shims/completions/venvkeep.fish"),
    }
}
