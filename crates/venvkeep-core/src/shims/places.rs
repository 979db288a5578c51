//! Which files a shell reads when it starts, and which of them the block belongs into.
//!
//! bash reads `.bashrc` when it is interactive but no login shell, and only the first of `.bash_profile`, `.bash_login`
//! and `.profile` when it is one; so the block stands in both, unless the second reads the first. Where none of the
//! three is there, `.profile` is made: `.bash_profile` would hide a `.profile` that comes later, and the block in it
//! does nothing in other shells. zsh reads `.zshrc` in `ZDOTDIR`, which `~/.zshenv` may set. fish reads every file in
//! `conf.d`, so there the block gets a file of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Shell;
use super::startup_text::{self, Zdotdir};
use crate::host::fs::{self, IoError};
use crate::model::caller::Caller;

/// What a login bash looks for, in its order.
const LOGIN: [&str; 3] = [".bash_profile", ".bash_login", ".profile"];

/// No start-up file that people write is larger.
pub(super) const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// The directories below which start-up files lie.
#[derive(Debug, Clone)]
pub struct Homes {
    home: PathBuf,
    zdotdir: Zdotdir,
    config: PathBuf,
}

impl Homes {
    /// From the caller's variables; `None` without a home directory.
    pub fn of(caller: &Caller) -> Result<Option<Self>, IoError> {
        let Some(home) = caller.home.clone() else { return Ok(None) };
        let absolute = |name| caller.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let zshenv = text(&home.join(".zshenv"))?;
        let zdotdir = startup_text::zdotdir(&zshenv, &home, absolute("ZDOTDIR").as_deref(), &config);
        Ok(Some(Self { home, zdotdir, config }))
    }

    /// The home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where fish keeps what the user configures.
    pub fn fish(&self) -> PathBuf {
        self.config.join("fish")
    }

    /// The line of `~/.zshenv` that sets ZDOTDIR in a way which cannot be read as text.
    pub fn unclear_zdotdir(&self) -> Option<usize> {
        self.zdotdir.unclear
    }

    /// Where the block belongs so that every interactive shell of this kind gets it.
    pub fn for_block(&self, shell: Shell) -> Result<Vec<PathBuf>, IoError> {
        match shell {
            Shell::Bash => {
                let mut files = vec![self.home.join(".bashrc")];
                let login = LOGIN.map(|name| self.home.join(name));
                match first_there(&login)? {
                    Some(first) if self.reads_bashrc(&first, LOGIN.len())? => {}
                    Some(first) => files.push(first),
                    None => files.push(self.home.join(".profile")),
                }
                Ok(files)
            }
            Shell::Zsh => Ok(vec![self.zdotdir.directory.join(".zshrc")]),
            Shell::Fish => Ok(self.possible(shell)),
        }
    }

    /// Every file of the user's own that a shell reads when it starts.
    pub fn all(&self) -> Vec<PathBuf> {
        const ZSH: [&str; 4] = [".zshenv", ".zprofile", ".zshrc", ".zlogin"];
        let in_home = [".bashrc"].iter().chain(&LOGIN).chain(&[".zshenv", ".kshrc"]);
        let in_home = in_home.map(|name| self.home.join(name));
        let of_zsh = ZSH.iter().map(|name| self.zdotdir.directory.join(name));
        let mut files: Vec<PathBuf> =
            in_home.chain(of_zsh).chain([self.fish().join("config.fish")]).collect();
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// Every file in which a block may stand, by this or an earlier run.
    pub fn possible(&self, shell: Shell) -> Vec<PathBuf> {
        match shell {
            Shell::Bash => [".bashrc"].iter().chain(&LOGIN).map(|name| self.home.join(name)).collect(),
            Shell::Zsh => {
                // ZDOTDIR may have been another when the block was put in, or be set where this program cannot see it.
                let places = [&self.zdotdir.directory, &self.home, &self.config.join("zsh")];
                let mut files: Vec<_> = places.map(|place| place.join(".zshrc")).into();
                let mut seen = BTreeSet::new();
                files.retain(|file| seen.insert(file.clone()));
                files
            }
            Shell::Fish => vec![self.fish().join("conf.d/venvkeep.fish")],
        }
    }

    /// Whether a login file reads `.bashrc`, by itself or through another one.
    fn reads_bashrc(&self, file: &Path, depth: usize) -> Result<bool, IoError> {
        let text = text(file)?;
        if startup_text::reads(&text, ".bashrc") {
            return Ok(true);
        }
        for name in LOGIN {
            let other = self.home.join(name);
            if depth > 0
                && other != file
                && startup_text::reads(&text, name)
                && self.reads_bashrc(&other, depth - 1)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn first_there(files: &[PathBuf]) -> Result<Option<PathBuf>, IoError> {
    for file in files {
        if fs::lstat_if_any(file)?.is_some() {
            return Ok(Some(file.clone()));
        }
    }
    Ok(None)
}

/// A start-up file's text, links followed as the shell does; empty where there is none.
pub(crate) fn text(path: &Path) -> Result<String, IoError> {
    let content = fs::physical(path).and_then(|target| fs::read_bounded(&target, MAX_SIZE));
    match content {
        Ok(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        Err(error) if error.is_missing() => Ok(String::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::{Caller, Homes, Shell, fs};
    use crate::host::credentials;

    struct Ground(tempfile::TempDir);

    impl Ground {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn with(self, name: &str, text: &str) -> Self {
            fs::create_dirs(self.path(name).parent().unwrap(), 0o755).unwrap();
            fs::create_file(&self.path(name), 0o644, text.as_bytes()).unwrap();
            self
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn homes(&self, variables: &[(&str, &Path)]) -> Homes {
            let variables: BTreeMap<OsString, OsString> =
                variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let mut caller = Caller::new(credentials::viewer(Vec::new()), "/".into(), variables);
            caller.home = Some(self.0.path().to_owned());
            Homes::of(&caller).unwrap().unwrap()
        }

        fn for_block(&self, shell: Shell) -> Vec<String> {
            let files = self.homes(&[]).for_block(shell).unwrap();
            let inside = |path: PathBuf| path.strip_prefix(self.0.path()).unwrap().display().to_string();
            files.into_iter().map(inside).collect()
        }
    }

    #[test]
    fn a_login_bash_gets_it_too_where_its_file_does_not_read_bashrc() {
        let reads = "if [ -n \"$BASH_VERSION\" ]; then\n    . \"$HOME/.bashrc\"\nfi\n";
        let none = "export A=1 # not ~/.bashrc\n";
        for (files, expected) in [
            (&[][..], &[".bashrc", ".profile"][..]),
            (&[(".profile", reads)], &[".bashrc"]),
            (&[(".profile", none)], &[".bashrc", ".profile"]),
            (&[(".bash_profile", none), (".profile", reads)], &[".bashrc", ".bash_profile"]),
            (&[(".bash_profile", "source ~/.profile"), (".profile", reads)], &[".bashrc"]),
            (&[(".bash_login", "[[ -r ~/.profile ]] && . ~/.profile")], &[".bashrc", ".bash_login"]),
            (
                &[(".bash_profile", ". ~/.profile"), (".profile", ". ~/.bash_profile")],
                &[".bashrc", ".bash_profile"],
            ),
        ] {
            let ground = files.iter().fold(Ground::new(), |ground, (name, text)| ground.with(name, text));
            assert_eq!(ground.for_block(Shell::Bash), expected, "{files:?}");
        }
    }

    #[test]
    fn zsh_reads_where_zdotdir_says() {
        assert_eq!(Ground::new().for_block(Shell::Zsh), [".zshrc"]);
        let ground = Ground::new().with(".zshenv", "export ZDOTDIR=\"$HOME/.config/zsh\"\n");
        assert_eq!(ground.for_block(Shell::Zsh), [".config/zsh/.zshrc"]);
        let elsewhere = ground.path("elsewhere");
        let ground = Ground::new();
        let homes = ground.homes(&[("ZDOTDIR", &elsewhere)]);
        assert_eq!(homes.for_block(Shell::Zsh).unwrap(), [elsewhere.join(".zshrc")]);
    }

    #[test]
    fn zsh_may_have_had_its_block_elsewhere() {
        let ground = Ground::new();
        let elsewhere = ground.path("elsewhere");
        let files = ground.homes(&[("ZDOTDIR", &elsewhere)]).possible(Shell::Zsh);
        let expected = ["elsewhere/.zshrc", ".zshrc", ".config/zsh/.zshrc"].map(|name| ground.path(name));
        assert_eq!(files, expected);
        assert_eq!(ground.homes(&[]).possible(Shell::Zsh), expected[1..]);
    }

    #[test]
    fn fish_has_a_directory_for_it() {
        assert_eq!(Ground::new().for_block(Shell::Fish), [".config/fish/conf.d/venvkeep.fish"]);
    }
}
