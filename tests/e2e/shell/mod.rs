//! The shims, in the shells they are for: typed into, in terminals of their own.
//!
//! A session types lines and notes down, wherever a line says `report NAME`, what the shell's PATH, prompt and
//! environment are then; the test compares the notes. What happens between two lines is a prompt.
//!
//! Where what is tested, of that which has gone wrong elsewhere:
//!
//! | what | test |
//! |---|---|
//! | a cloned, unpacked, copied or moved environment brings its token | `attacks::a_copy_brings_its_token_to_another_place` |
//! | another user's project, or a part of one | `attacks::another_users_project..`, `attacks::every_part_has_to_be_the_users` |
//! | tokens that are paths, patterns, commands, too long, pipes | `attacks::tokens_that_are_none` |
//! | links, and a project behind a linked directory | `attacks::links_are_not_followed..`, `life::a_project_behind_a_linked..` |
//! | modes: 0777 and 1777, of parts and of directories above | `attacks::what_others_can_change..`, `attacks::where_others_may_add..` |
//! | a directory swapped under an active shell | `attacks::what_is_swapped_under_a_shell_is_left` |
//! | names that are code in a prompt or a path | `attacks::names_are_not_code`, `life::one_scenario_in_every_shell` |
//! | what is root's is named once, and active once it is healed | `life::an_environment_of_roots..` |
//! | `deactivate` undone at once, or forgotten too late | `life::one_scenario..`, `beside::an_activation_by_hand..`, `default::` |
//! | `set -u`, `-e`, `-a`, `-f`, options, IFS, aliases | `beside::the_users_own_settings_hold`, `beside::a_shell_that_ends_at_errors..` |
//! | `PROMPT_COMMAND` as a string and an array, `$?` | `beside::the_users_own_settings_hold` |
//! | doubled or lost prompts, PATH edited meanwhile | `inherited::a_shell_in_a_shell..`, `life::what_the_user_changed..` |
//! | nested shells, `exec zsh`, a PATH in another order | `inherited::a_shell_in_a_shell..`, `another_shell_may_take_over` |
//! | tmux, an editor's `VIRTUAL_ENV`, a stale one | `inherited::in_a_pane_of_tmux..`, `what_somebody_activated..`, `a_stale_variable..` |
//! | Ctrl-C, `cd -`, `pushd` | `beside::an_interruption_and_the_directory_stack`, `life::one_scenario..` |
//! | direnv, mise, starship, prompts made anew | `beside::direnv_..`, `hooks::`, `beside::a_prompt_that_is_made_anew..` |
//! | processes at a prompt, at a start, on a visit | `installed::a_start_starts_no_program`, `installed::a_visit_starts_no_program` |
//! | the switches | `life::the_notice_can_be_silenced..` |
//! | the shim's second part gone or exchanged | `life::what_is_read_later..` |

mod attacks;
mod beside;
mod default;
mod hooks;
mod inherited;
mod life;
mod noted;
mod syntax;
mod trust;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use venvkeep_testkit::{Context, Need, Output, Project, Who, require};

/// The directory in the home that holds the profiles.
const SETTINGS: &str = "settings";

/// A shell with a shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The shells that are here; each one missing is counted as a skip.
pub(super) fn shells() -> Vec<Shell> {
    let all = [Shell::Bash, Shell::Zsh, Shell::Fish];
    all.into_iter().filter(|shell| require(&[Need::Program(shell.name())])).collect()
}

impl Shell {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// What is started: another one where `VENVKEEP_TEST_BASH`, `VENVKEEP_TEST_ZSH` or `VENVKEEP_TEST_FISH` names one
    /// that every user can start (an old one).
    fn program(self) -> OsString {
        self.another().unwrap_or_else(|| self.name().into())
    }

    fn another(self) -> Option<OsString> {
        std::env::var_os(format!("VENVKEEP_TEST_{}", self.name().to_uppercase()))
    }

    pub(super) fn is_another(self) -> bool {
        self.another().is_some()
    }

    fn shim(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../shims/venvkeep.bash"),
            Self::Zsh => include_str!("../../../shims/venvkeep.zsh"),
            Self::Fish => include_str!("../../../shims/venvkeep.fish"),
        }
    }

    /// What of it a new shell reads, as `shims install` puts it beside it.
    fn start(self) -> String {
        let whole = self.shim();
        let (first, rest) = whole.split_once("# ---- rare ----\n").expect("the shim says what is rare");
        let (_, last) = rest.split_once("# ---- as far as this ----\n").expect("and where that ends");
        first.to_owned() + last
    }

    fn profile(self) -> &'static str {
        match self {
            Self::Bash => "bashrc",
            Self::Zsh => ".zshrc",
            Self::Fish => "fish/config.fish",
        }
    }

    /// The words that start it, also from within a session; bash without its line editor, which would mix its own
    /// output into stderr.
    pub(super) fn started(self, home: &Path) -> Vec<String> {
        let mut words = vec![self.program().to_string_lossy().into_owned()];
        if self == Self::Bash {
            let profile = home.join(SETTINGS).join(self.profile());
            words.extend([
                "--noediting".to_owned(),
                "--rcfile".to_owned(),
                profile.to_string_lossy().into_owned(),
            ]);
        }
        words
    }

    fn prompt(self) -> &'static str {
        match self {
            Self::Bash | Self::Zsh => "PS1='<P>'",
            Self::Fish => "function fish_prompt; echo -n '<P>'; end\nfunction fish_greeting; end",
        }
    }

    fn reporter(self) -> &'static str {
        match self {
            Self::Bash | Self::Zsh => {
                "report() { printf '%s' \"$PS1\" >\"$NOTES/$1.prompt\"; /usr/bin/env -0 >\"$NOTES/$1\"; }"
            }
            Self::Fish => {
                "function report; fish_prompt >$NOTES/$argv[1].prompt; /usr/bin/env -0 >$NOTES/$argv[1]; end"
            }
        }
    }

    /// A word that this shell reads as `text`.
    pub(super) fn quoted(self, text: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("'{}'", text.replace('\'', r"'\''")),
            Self::Fish => format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
        }
    }

    /// Sets a variable for this shell alone.
    pub(super) fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("{name}={}", self.quoted(value)),
            Self::Fish => format!("set -g {name} {}", self.quoted(value)),
        }
    }

    /// Sets a variable for this shell and what it starts.
    pub(super) fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Bash | Self::Zsh => format!("export {name}={}", self.quoted(value)),
            Self::Fish => format!("set -gx {name} {}", self.quoted(value)),
        }
    }

    /// The activation script of an environment, sourced.
    pub(super) fn activation(self, environment: &Path) -> String {
        let script = if self == Self::Fish { "activate.fish" } else { "activate" };
        let path = environment.join("bin").join(script);
        format!("source {}", self.quoted(&path.to_string_lossy()))
    }
}

/// One shell in a terminal, before it is started.
pub(super) struct Session<'c> {
    ctx: &'c Context,
    pub(super) shell: Shell,
    who: Who,
    before: String,
    after: String,
    variables: Vec<(String, String)>,
    login: bool,
    whole: bool,
}

impl<'c> Session<'c> {
    pub(super) fn new(ctx: &'c Context, shell: Shell) -> Self {
        let (before, after) = (String::new(), String::new());
        Self { ctx, shell, who: Who::User, before, after, variables: Vec::new(), login: false, whole: false }
    }

    /// As a terminal or a remote login starts it. A login bash reads the system's profile first, which sets PATH.
    pub(super) fn at_login(mut self) -> Self {
        self.login = true;
        self
    }

    /// Reads the shim as `shims init` prints it, in one file.
    pub(super) fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    pub(super) fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// What stands in the profile before the shim is sourced.
    pub(super) fn before_shim(mut self, text: &str) -> Self {
        text.clone_into(&mut self.before);
        self
    }

    /// What stands in the profile after it.
    pub(super) fn after_shim(mut self, text: &str) -> Self {
        text.clone_into(&mut self.after);
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn place(&self, name: &str) -> PathBuf {
        self.ctx.home(self.who).join(name)
    }

    /// Where its profiles are: nothing else of the home changes hands.
    fn settings(&self) -> Project<'c> {
        self.ctx.project_of(self.who, SETTINGS)
    }

    fn write_profile(&self, notes: &Path) {
        let settings = self.settings();
        let name = self.shell.name();
        let shim = settings.write(&format!("shim.{name}"), self.shell.shim());
        let start = settings.write(&format!("shim-start.{name}"), self.shell.start());
        let shim = if self.whole { shim } else { start };
        // Else the first fish of a home starts reading all manual pages, in the background.
        settings.write("fish/generated_completions/.none", "");
        let shim = self.shell.quoted(&shim.to_string_lossy());
        let notes = self.shell.export("NOTES", &notes.to_string_lossy());
        let source = format!("source {shim}");
        let parts = [self.shell.prompt(), &self.before, &source, &self.after, &notes, self.shell.reporter()];
        settings.write(self.shell.profile(), parts.join("\n") + "\n");
        if self.login && self.shell == Shell::Bash {
            let lines =
                format!("PATH={}:$PATH\n. ~/{SETTINGS}/bashrc\n", self.ctx.program_directory().display());
            self.ctx.project_at(self.ctx.home(self.who), self.who).write(".bash_profile", lines);
        }
    }

    /// The words that start it.
    fn words(&self) -> Vec<String> {
        match (self.login, self.shell) {
            (false, shell) => shell.started(&self.ctx.home(self.who)),
            (true, Shell::Bash) => {
                let program = self.shell.program().to_string_lossy().into_owned();
                vec![program, "--noediting".to_owned(), "--login".to_owned()]
            }
            (true, shell) => vec![shell.program().to_string_lossy().into_owned(), "-l".to_owned()],
        }
    }

    /// Types the lines, and `exit`.
    #[track_caller]
    pub(super) fn types<L: AsRef<str>>(&self, lines: &[L]) -> Notes {
        let notes = self.place("notes");
        if notes.is_dir() {
            fs::remove_dir_all(&notes).expect("the notes of the session before go");
        }
        drop(self.ctx.project_at(&notes, self.who));
        self.write_profile(&notes);
        let mut lines: Vec<String> = lines.iter().map(|line| line.as_ref().to_owned()).collect();
        lines.push("exit".to_owned());
        let words = self.words();
        let shell = self.ctx.program(self.who, &words[0]).args(&words[1..]);
        let path = format!("{}:/usr/bin:/bin", self.ctx.program_directory().display());
        let mut shell = shell.env("PATH", path).time_limit(Duration::from_secs(60));
        for name in ["ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            shell = shell.env(name, self.place(SETTINGS));
        }
        // Where fish talks to other fishes of the user.
        let own = self.ctx.project_at(self.place("run"), self.who);
        chmod(own.path(), 0o700);
        shell = shell.env("XDG_RUNTIME_DIR", own.path()).env("USER", "somebody");
        for (name, value) in &self.variables {
            shell = shell.env(name, value);
        }
        let shown = shell.run_typing(&lines);
        Notes { shell: self.shell, directory: notes, shown }
    }
}

/// What a session noted down.
pub(super) struct Notes {
    shell: Shell,
    directory: PathBuf,
    /// All that the terminal showed.
    pub(super) shown: Output,
}

/// What one `report` noted down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) prompt: String,
    /// Without what every command changes, and without PS1, which venv's own `deactivate` exports.
    pub(super) environment: BTreeMap<String, String>,
}

impl Note {
    pub(super) fn path(&self) -> &str {
        self.environment.get("PATH").map_or("", String::as_str)
    }

    /// `VIRTUAL_ENV`.
    pub(super) fn active(&self) -> Option<&Path> {
        self.environment.get("VIRTUAL_ENV").map(Path::new)
    }
}

impl Notes {
    #[track_caller]
    pub(super) fn note(&self, name: &str) -> Note {
        let read = |name: &str| match fs::read(self.directory.join(name)) {
            Ok(content) => String::from_utf8_lossy(&content).into_owned(),
            Err(error) => unreachable!("{:?} never came to {name} ({error}): {}", self.shell, self.shown),
        };
        let passing = ["_", "PWD", "OLDPWD", "SHLVL", "PS1"];
        let environment = read(name);
        let pairs = environment.split('\0').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.filter(|(name, _)| !passing.contains(name));
        let environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // fish takes a last line's end away before it shows a prompt.
        let prompt = read(&format!("{name}.prompt")).trim_end_matches('\n').to_owned();
        Note { prompt, environment }
    }

    /// Asserts that the environment was active: the variables, PATH, the prompt.
    #[track_caller]
    pub(super) fn active(&self, name: &str, environment: &Path) -> &Self {
        let note = self.note(name);
        assert_eq!(note.active(), Some(environment), "{:?} at {name}: {}", self.shell, self.shown);
        let first = note.path().split(':').next().unwrap_or_default();
        assert_eq!(Path::new(first), environment.join("bin"), "{:?} at {name}: {note:?}", self.shell);
        let count = note.path().split(':').filter(|one| Path::new(one) == environment.join("bin")).count();
        assert_eq!(count, 1, "{:?} at {name}: {note:?}", self.shell);
        self
    }

    /// Asserts that no environment was active, and that nothing was left of one.
    #[track_caller]
    pub(super) fn inactive(&self, name: &str) -> &Self {
        let note = self.note(name);
        assert_eq!(note.active(), None, "{:?} at {name}: {}", self.shell, self.shown);
        assert_eq!(note.prompt, "<P>", "{:?} at {name}", self.shell);
        assert!(!note.path().contains("venv/bin"), "{:?} at {name}: {note:?}", self.shell);
        let left = note.environment.keys().find(|key| key.contains("VIRTUAL") || key.contains("VENVKEEP_A"));
        assert_eq!(left, None, "{:?} at {name}", self.shell);
        self
    }

    /// How often the terminal showed `text`.
    pub(super) fn times(&self, text: &str) -> usize {
        self.shown.stdout.matches(text).count()
    }

    /// Asserts that nothing but what was typed and reported was said.
    #[track_caller]
    pub(super) fn quiet(&self) -> &Self {
        for word in ["venvkeep:", "rror", "not found", "No such file", "parameter", "unbound", "usage"] {
            assert!(!self.shown.stdout.contains(word), "{:?} said {word:?}: {}", self.shell, self.shown);
        }
        self
    }
}

/// A project of the user's with an environment that venvkeep made, and so trusts.
pub(super) fn trusted<'c>(ctx: &'c Context, name: &str) -> (Project<'c>, PathBuf) {
    let project = ctx.project(name);
    project.venvkeep(["new", "--seed", "none", "-q", "."]).run().success();
    let environment = project.path().join(".venv");
    assert!(environment.join(".venvkeep").is_file());
    (project, environment)
}

/// Gives a directory a mode.
pub(super) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("root may");
}
