//! What the path of an environment may be, and what the environment is called.

use std::ffi::OsStr;
use std::path::Path;

/// Why a path cannot be an environment's, whatever stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePath {
    /// Nothing was typed between the quotes.
    #[error("the name is empty")]
    Empty,
    /// The root directory, or only dots.
    #[error("the path names no directory of its own")]
    NoName,
    /// It could not be told from an option.
    #[error("a name that begins with a dash is taken for an option")]
    Dash,
    /// It could not be put on `PATH`.
    #[error("the path holds a colon, which separates directories in PATH: it could not be activated")]
    Colon,
    /// No script could name its interpreter.
    #[error("the path holds a line break or another control character: no script could name its Python")]
    Control,
    /// Neither could Python's own settings.
    #[error("the path is not valid UTF-8: no script could name its Python")]
    NotText,
}

/// The names that environments usually have in a project's directory, in the order in which they are looked for. Typed
/// alone they mean the environment, not a project.
pub const USUAL_NAMES: [&str; 3] = [".venv", "venv", "env"];

/// Whether a directory's name is one of them.
pub fn is_usual(name: &OsStr) -> bool {
    USUAL_NAMES.iter().any(|usual| name == *usual)
}

/// The file in the environment that holds the token.
pub const MARK: &str = ".venvkeep";

/// Whether an environment at this path could be activated and its scripts started.
pub fn usable(environment: &Path) -> Result<(), UnusablePath> {
    let text = environment.to_str().ok_or(UnusablePath::NotText)?;
    if text.contains(':') {
        return Err(UnusablePath::Colon);
    }
    if text.contains(char::is_control) {
        return Err(UnusablePath::Control);
    }
    Ok(())
}

/// The directory's name; for a usual one the name of the directory around it.
pub fn name_of(environment: &Path) -> Option<String> {
    let own = environment.file_name()?;
    let around = environment.parent().and_then(Path::file_name);
    let name = if is_usual(own) { around.unwrap_or(own) } else { own };
    Some(name.to_string_lossy().into_owned())
}

/// What of a name a shell may show in its prompt, which every shell expands in its own way: letters, digits and
/// `._+-`. The shims leave out the rest once more.
pub fn prompt_name(name: &str) -> String {
    let shown: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-')).collect();
    if shown.is_empty() { "venv".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::prompt_name;

    #[test]
    fn nothing_in_a_prompt_expands() {
        assert_eq!(prompt_name("my-proj_2.0+x"), "my-proj_2.0+x");
        assert_eq!(prompt_name("$(touch x)`y`\\u%n é"), "touchxyun");
        assert_eq!(prompt_name("é 🚒"), "venv");
    }
}
