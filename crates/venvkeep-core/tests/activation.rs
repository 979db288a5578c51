//! The activation scripts in the shells they are for, below a path that would hurt if it were expanded:
//! what `deactivate` leaves behind is, byte for byte, what was there before.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test lays out its own directory, starts the shells it tests, and fails by panic"
)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use venvkeep_core::model::pyvenv_cfg::Naming;
use venvkeep_core::rebuild::activation::activation_scripts;
use venvkeep_testkit::{Need, require};

const HOSTILE: &[u8] = b"it's \"$x\" \xc3\xa9 \xf0\x9f\x9a\x92 `touch pwned` $(touch pwned) \\! %n *";
const HOSTILE_PROMPT: &str = "it's \"$x\" é 🚒 `touch pwned` $(touch pwned) \\! %n *";

/// An environment with nothing in it but the scripts and one program.
struct Ground {
    directory: tempfile::TempDir,
    prefix: PathBuf,
}

impl Ground {
    fn new(name: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let prefix = directory.path().join(OsStr::from_bytes(name));
        let bin = prefix.join("bin");
        fs::create_dir_all(&bin).unwrap();
        for script in activation_scripts(&prefix, Naming::ItsPlace, HOSTILE_PROMPT) {
            fs::write(bin.join(script.name), script.content).unwrap();
        }
        let program = bin.join("the-program");
        fs::write(&program, "#!/bin/sh\necho ours\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory, prefix }
    }

    /// Runs `script` with `shell`; the activation script's path is in `$ACTIVATE`.
    fn run(&self, shell: &[&str], activate: &str, script: &str) {
        let file = self.directory.path().join("script");
        fs::write(&file, script).unwrap();
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg(&file)
            .current_dir(self.directory.path())
            .env_clear()
            .env("ACTIVATE", self.prefix.join("bin").join(activate))
            .env("HOME", self.directory.path())
            .env("LANG", "C.UTF-8")
            .env("PATH", "/first:/usr/bin::/bin:")
            .env("PYTHONHOME", "/python's home")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{shell:?}: {:?} {said}", output.status);
        assert_eq!(said, "", "{shell:?} said something");
        assert!(!self.directory.path().join("pwned").exists(), "{shell:?} ran the path");
    }

    /// What the script wrote with `env -0`, without the two variables that shells keep for themselves.
    fn dump(&self, name: &str) -> Vec<OsString> {
        let text = fs::read(self.directory.path().join(name)).unwrap();
        let mut variables: Vec<_> = text
            .split(|&byte| byte == 0)
            .filter(|line| !line.starts_with(b"_=") && !line.starts_with(b"COLUMNS="))
            .map(|line| OsString::from_vec(line.to_vec()))
            .collect();
        variables.sort();
        variables
    }

    fn assert_activated_and_taken_back(&self, shell: &str) {
        assert_eq!(self.dump("before"), self.dump("after"), "{shell}");
        let active = self.dump("active");
        let mut expected = OsString::from("VIRTUAL_ENV=");
        expected.push(&self.prefix);
        assert!(active.contains(&expected), "{shell}: {active:?}");
        assert!(!active.iter().any(|line| line.as_bytes().starts_with(b"PYTHONHOME")), "{shell}");
        let found = fs::read_to_string(self.directory.path().join("found")).unwrap();
        assert_eq!(found, "ours\n", "{shell} did not find the environment's program");
    }
}

fn installed(shell: &'static str) -> bool {
    require(&[Need::Program(shell)])
}

const POSIX_ROUND_TRIP: &str = r#"
set -e
set -u
PS1='user $ '
/usr/bin/env -0 > before
. "$ACTIVATE"
. "$ACTIVATE"
/usr/bin/env -0 > active
the-program > found
case "$PS1" in "(it's _"*"user $ ") ;; *) echo "PS1 is $PS1" >&2 ;; esac
deactivate
/usr/bin/env -0 > after
[ "$PS1" = 'user $ ' ] || echo "PS1 is still $PS1" >&2
if command -v deactivate; then echo 'deactivate is still there' >&2; fi
set | /bin/grep -a '^_OLD' >&2 || :
"#;

const POSIX_SHELLS: [&[&str]; 5] = [
    &["dash"],
    &["bash", "--norc", "--noprofile"],
    &["bash", "--posix", "--norc", "--noprofile"],
    &["zsh", "-f"],
    &["ksh"],
];

/// An environment whose path is not even text.
fn not_unicode() -> Vec<u8> {
    [HOSTILE, b" \xff\xfe"].concat()
}

#[test]
fn posix_shells_activate_and_take_back() {
    for shell in POSIX_SHELLS.into_iter().filter(|shell| installed(shell[0])) {
        for name in [b"plain".to_vec(), HOSTILE.to_vec(), not_unicode(), b"line\nend\\".to_vec()] {
            let ground = Ground::new(&name);
            ground.run(shell, "activate", POSIX_ROUND_TRIP);
            ground.assert_activated_and_taken_back(shell[0]);
        }
    }
}

#[test]
fn the_prompt_runs_nothing_when_it_is_shown() {
    let shown = [
        (&["bash", "--norc"][..], ". \"$ACTIVATE\"\nx=${PS1@P}\n"),
        (&["zsh", "-f"][..], "setopt prompt_subst\n. \"$ACTIVATE\"\nprint -P \"$PS1\" > shown\n"),
    ];
    for (shell, script) in shown.into_iter().filter(|(shell, _)| installed(shell[0])) {
        Ground::new(HOSTILE).run(shell, "activate", &format!("PS1='$ '\n{script}"));
    }
}

#[test]
fn what_the_user_changed_meanwhile_stays() {
    let script = r#"
. "$ACTIVATE"
PATH="/added:$PATH:/added too"
deactivate
[ "$PATH" = '/added:/first:/usr/bin::/bin::/added too' ] || echo "PATH is $PATH" >&2
"#;
    for shell in POSIX_SHELLS.into_iter().filter(|shell| installed(shell[0])) {
        Ground::new(HOSTILE).run(shell, "activate", script);
    }
}

#[test]
fn an_empty_and_a_missing_path_come_back() {
    let script = r#"
PATH=
. "$ACTIVATE"
deactivate
[ "${PATH-unset}" = '' ] || echo "empty PATH became $PATH" >&2
unset PATH
. "$ACTIVATE"
[ "$PATH" = "$VIRTUAL_ENV/bin" ] || echo "PATH is $PATH" >&2
deactivate
[ "${PATH-unset}" = unset ] || echo "missing PATH became '$PATH'" >&2
"#;
    for shell in POSIX_SHELLS.into_iter().filter(|shell| installed(shell[0])) {
        Ground::new(b"plain").run(shell, "activate", script);
    }
}

#[test]
fn a_script_without_a_prompt_gets_none() {
    let script = r#"
unset PS1
. "$ACTIVATE"
[ -z "${PS1+set}" ] || echo "PS1 is $PS1" >&2
deactivate
PS1='$ '
VIRTUAL_ENV_DISABLE_PROMPT=1
. "$ACTIVATE"
[ "$PS1" = '$ ' ] || echo "PS1 is $PS1" >&2
"#;
    for shell in POSIX_SHELLS.into_iter().filter(|shell| installed(shell[0])) {
        Ground::new(HOSTILE).run(shell, "activate", script);
    }
}

#[test]
fn fish_activates_and_takes_back() {
    if !installed("fish") {
        return;
    }
    let script = r#"
function fish_prompt; echo "user $status> "; end
/usr/bin/env -0 > before
source $ACTIVATE
source $ACTIVATE
/usr/bin/env -0 > active
the-program > found
false
string match --quiet -- "(it's _*) user 1> " "$(fish_prompt)"; or fish_prompt >&2
deactivate
/usr/bin/env -0 > after
false
test "$(fish_prompt)" = 'user 1> '; or fish_prompt >&2
set --names | string match --regex '^_OLD|^VIRTUAL_ENV' >&2
functions --query deactivate _old_fish_prompt; and echo 'functions left' >&2
true
"#;
    for name in [b"plain".to_vec(), HOSTILE.to_vec(), not_unicode(), b"line\nend\\".to_vec()] {
        let ground = Ground::new(&name);
        ground.run(&["fish", "--no-config"], "activate.fish", script);
        ground.assert_activated_and_taken_back("fish");
    }
}

#[test]
fn csh_activates_and_takes_back() {
    if !installed("tcsh") {
        return;
    }
    let script = r#"
set prompt='user> '
/usr/bin/env -0 > before
source $ACTIVATE:q
source $ACTIVATE:q
/usr/bin/env -0 > active
the-program > found
if ( $prompt:q !~ "(it's _"*"user> " ) sh -c 'echo "$0" >&2' $prompt:q
deactivate
/usr/bin/env -0 > after
if ( $prompt:q != 'user> ' ) sh -c 'echo "$0" >&2' $prompt:q
if ( $?_OLD_VIRTUAL_PATH || $?VIRTUAL_ENV ) sh -c 'echo variables left >&2'
"#;
    for name in [b"plain".to_vec(), HOSTILE.to_vec(), not_unicode(), b"line\nend\\".to_vec()] {
        let ground = Ground::new(&name);
        ground.run(&["tcsh", "-f"], "activate.csh", script);
        ground.assert_activated_and_taken_back("tcsh");
    }
}
