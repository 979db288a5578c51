//! What can be known from a start-up file by reading it as text: whether it reads another one, where it sets
//! `ZDOTDIR`, and whose hooks it holds. Nothing is executed, so what is not written plainly is not known.

use std::path::{Path, PathBuf};

/// Where zsh looks for its start-up files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Zdotdir {
    pub(super) directory: PathBuf,
    /// The line of `.zshenv` that sets it, where its value is more than a plain path.
    pub(super) unclear: Option<usize>,
}

/// Whether a line of the text sources a file of that name: `. ~/.bashrc`, `[ -f x ] && source "$HOME/.bashrc"`.
pub(super) fn reads(text: &str, name: &str) -> bool {
    text.lines().map(without_comment).any(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || ";&|()".contains(c));
        while let Some(word) = words.next() {
            if matches!(word, "." | "source") {
                let file = words.find(|word| !word.is_empty()).unwrap_or_default();
                let file = file.trim_matches(['"', '\'']);
                if file.rsplit('/').next() == Some(name) {
                    return true;
                }
            }
        }
        false
    })
}

/// The last plain assignment in `.zshenv`, else the variable, else the home directory.
pub(super) fn zdotdir(zshenv: &str, home: &Path, variable: Option<&Path>, config: &Path) -> Zdotdir {
    let mut directory = variable.unwrap_or(home).to_owned();
    let mut unclear = None;
    for (number, line) in (1..).zip(zshenv.lines()) {
        let Some(value) = assigned(without_comment(line)) else { continue };
        match expanded(value, home, variable, config) {
            Some(path) => (directory, unclear) = (path, None),
            None => unclear = Some(number),
        }
    }
    Zdotdir { directory, unclear }
}

/// The value in `ZDOTDIR=value` or `export ZDOTDIR=value`, perhaps behind a condition on the same line.
fn assigned(line: &str) -> Option<&str> {
    let (before, value) = line.split_once("ZDOTDIR=")?;
    let is_own_word = before.is_empty() || before.ends_with([' ', '\t', ';', '&']);
    is_own_word.then(|| value.trim().trim_end_matches(';').trim())
}

/// A plain path: `~`, `$HOME`, `$XDG_CONFIG_HOME` and themselves as defaults, in any usual spelling.
fn expanded(value: &str, home: &Path, variable: Option<&Path>, config: &Path) -> Option<PathBuf> {
    let (value, quoted) = match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => (inner, true),
        None => (value, false),
    };
    for default in ["${ZDOTDIR:-", "${ZDOTDIR-"] {
        if let Some(default) = value.strip_prefix(default).and_then(|rest| rest.strip_suffix('}')) {
            return variable.map(Path::to_owned).or_else(|| expanded(default, home, None, config));
        }
    }
    let known = [
        ("${XDG_CONFIG_HOME:-$HOME/.config}", config),
        ("${XDG_CONFIG_HOME:-${HOME}/.config}", config),
        ("${XDG_CONFIG_HOME:-~/.config}", config),
        ("${XDG_CONFIG_HOME}", config),
        ("$XDG_CONFIG_HOME", config),
        ("${HOME}", home),
        ("$HOME", home),
        ("~", home),
    ];
    for (spelling, directory) in known {
        if spelling == "~" && quoted {
            continue;
        }
        if let Some(rest) = value.strip_prefix(spelling)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return is_plain(rest).then(|| directory.join(rest.trim_matches('/')));
        }
    }
    let value = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(value);
    (value.starts_with('/') && is_plain(value)).then(|| PathBuf::from(value))
}

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| "$`\"'\\*?[]{}()<>|&;!".contains(c) || c.is_whitespace() || c.is_control())
}

/// Other programs that act when the working directory changes or the prompt is shown, by what their documentation
/// tells people to put into a start-up file.
const HOOKS: [(&str, &[&str]); 6] = [
    ("direnv", &["direnv hook"]),
    ("mise", &["mise activate", "rtx activate"]),
    ("pyenv", &["pyenv init", "pyenv virtualenv-init"]),
    ("conda", &["conda initialize", "conda shell.", "conda.sh", "mamba shell"]),
    ("autoswitch_virtualenv", &["autoswitch_virtualenv", "autoswitch-virtualenv"]),
    ("starship", &["starship init"]),
];

/// Whose hooks a start-up file holds.
pub(super) fn hooks(text: &str) -> Vec<&'static str> {
    let signs = |line: &str| {
        let code = without_comment(line);
        // conda's own markers are comments.
        let code = if line.contains("conda initialize >>>") { line } else { code };
        let found = |signs: &[&str]| signs.iter().any(|sign| code.contains(sign));
        HOOKS.iter().filter(|(_, signs)| found(signs)).map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let mut found: Vec<_> = text.lines().flat_map(signs).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// zsh's `compinit`, and the frameworks that call it.
const COMPLETION: [&str; 8] =
    ["compinit", "oh-my-zsh", "prezto", "zinit", "zplug", "antigen", "antidote", "zimfw"];

/// Whether a start-up file of zsh's starts what completes words at Tab.
pub(super) fn starts_completion(text: &str) -> bool {
    text.lines().map(without_comment).any(|line| COMPLETION.iter().any(|sign| line.contains(sign)))
}

/// The line up to a `#` at the beginning of a word.
pub(crate) fn without_comment(line: &str) -> &str {
    let starts = |(at, _): &(usize, _)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').find(starts);
    comment.map_or(line, |(at, _)| &line[..at]).trim()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{hooks, reads, starts_completion, zdotdir};

    #[test]
    fn sourcing_is_told_from_mentioning() {
        for line in [
            ". ~/.bashrc",
            "source $HOME/.bashrc",
            "    . \"${HOME}/.bashrc\"",
            "[ -f ~/.bashrc ] && . ~/.bashrc",
            "if [ -r ~/.bashrc ]; then . ~/.bashrc; fi",
            "[[ -f ~/.bashrc ]] && source '/home/ana/.bashrc' # interactive",
            "test -f .bashrc && { source .bashrc; }",
        ] {
            assert!(reads(line, ".bashrc"), "{line}");
        }
        for line in ["# . ~/.bashrc", "vim ~/.bashrc", "export A=. # .bashrc", ". ~/.bashrc_local"] {
            assert!(!reads(line, ".bashrc"), "{line}");
        }
    }

    #[test]
    fn zdotdir_where_it_is_written_plainly() {
        let (home, config) = (Path::new("/h"), Path::new("/h/.config"));
        for (zshenv, variable, directory) in [
            ("", None, "/h"),
            ("", Some("/v"), "/v"),
            ("ZDOTDIR=~/.zsh", None, "/h/.zsh"),
            ("ZDOTDIR=\"$HOME/.zsh\" # mine", None, "/h/.zsh"),
            ("export ZDOTDIR=$HOME/.config/zsh/\n", Some("/v"), "/h/.config/zsh"),
            ("export ZDOTDIR=${XDG_CONFIG_HOME:-$HOME/.config}/zsh", None, "/h/.config/zsh"),
            ("[[ -d ~/.zsh ]] && export ZDOTDIR='/srv/zsh';", None, "/srv/zsh"),
            ("ZDOTDIR=\"${ZDOTDIR:-$HOME/.zsh}\"", None, "/h/.zsh"),
            ("ZDOTDIR=\"${ZDOTDIR:-$HOME/.zsh}\"", Some("/v"), "/v"),
            ("ZDOTDIR=/a\nZDOTDIR=/b\n# ZDOTDIR=/c\nMY_ZDOTDIR=/d", None, "/b"),
        ] {
            let found = zdotdir(zshenv, home, variable.map(Path::new), config);
            assert_eq!((found.directory.to_str(), found.unclear), (Some(directory), None), "{zshenv}");
        }
        for unclear in ["ZDOTDIR=$(dirname x)", "ZDOTDIR=\"~/.zsh\"", "ZDOTDIR=$DOTFILES/zsh", "ZDOTDIR=a b"]
        {
            let found = zdotdir(&format!("\n{unclear}"), home, None, config);
            assert_eq!((found.directory.to_str(), found.unclear), (Some("/h"), Some(2)), "{unclear}");
        }
    }

    #[test]
    fn completion_is_started_by_its_own_line_or_a_framework() {
        assert!(starts_completion("a=b\nautoload -Uz compinit && compinit\n"));
        assert!(starts_completion("source $ZSH/oh-my-zsh.sh # frameworks\n"));
        assert!(!starts_completion("# autoload -Uz compinit\nautoload -Uz _venvkeep\n"));
    }

    #[test]
    fn other_hooks_are_known_by_their_own_lines() {
        let text = "eval \"$(direnv hook bash)\"\n# eval \"$(mise activate bash)\"\n# >>> conda initialize >>>\n\
                    eval \"$(starship init bash)\"\nplugins=(git autoswitch_virtualenv)\n";
        assert_eq!(hooks(text), ["autoswitch_virtualenv", "conda", "direnv", "starship"]);
        assert_eq!(hooks("export PATH=~/.pyenv/bin\n"), Vec::<&str>::new());
        assert_eq!(hooks("eval \"$(pyenv init -)\"\nmise activate fish | source\n"), ["mise", "pyenv"]);
    }
}
