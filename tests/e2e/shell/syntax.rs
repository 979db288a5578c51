//! What the shells of today do not complain about, and others would.

use std::path::{Path, PathBuf};

use venvkeep_testkit::{Context, Need, Who, require};

use super::Shell;
use crate::VENVKEEP;

/// What came after bash 3.2, the bash of macOS, which cannot be had everywhere.
const AFTER_BASH_3_2: [&str; 46] = [
    "declare -A",
    "local -A",
    "typeset -A",
    "declare -g",
    "typeset -g",
    "declare -n",
    "local -n",
    "local -I",
    "declare -l",
    "declare -u",
    "mapfile",
    "readarray",
    "coproc",
    "|&",
    "&>>",
    ";&",
    "^}",
    "^^",
    ",}",
    ",,",
    "@Q",
    "@E",
    "@P",
    "@A",
    "@a}",
    "[-1]",
    "[[ -v",
    "[[ -R",
    "test -v",
    "BASHPID",
    "BASH_XTRACEFD",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "SRANDOM",
    "BASH_ARGV0",
    "PROMPT_DIRTRIM",
    "printf '%(",
    "read -i",
    "read -N",
    "wait -n",
    "globstar",
    "lastpipe",
    "inherit_errexit",
    "{fd}",
    "${ ",
    "$'\\u",
];

/// What bash 3.2 has, and reads in another way.
const OTHERWISE_IN_BASH_3_2: [&str; 3] = ["=~", "source <(", ". <("];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shims").join(name)
}

#[test]
fn bash_keeps_to_what_its_version_3_2_knows() {
    for name in ["venvkeep.bash", "completions/venvkeep.bash"] {
        let text = std::fs::read_to_string(file(name)).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let is_comment = line.trim_start().starts_with('#');
            // Where it is not there, it is not used.
            let code = if is_comment { "" } else { line }.replace("type compopt >/dev/null 2>&1", "");
            let code = code.replace("compopt -o filenames 2>/dev/null", "");
            let newer = AFTER_BASH_3_2.iter().chain(&OTHERWISE_IN_BASH_3_2).chain(&["compopt"]);
            let found: Vec<_> = newer.filter(|word| code.contains(**word)).collect();
            assert!(found.is_empty(), "{name}:{number}: bash 3.2 has no {found:?}: {line}");
        }
    }
}

/// For each option alone, in a zsh without start-up files: whether the file still parses. Those with which no file at
/// all is read are left out.
const EVERY_OPTION: &str = r"
zmodload zsh/parameter
for option in ${(ko)options}; do
    for set in -o +o; do
        [[ $option == (exec|interactive|login|monitor|privileged|restricted|shinstdin|singlecommand|zle) ]] && continue
        zsh -f $set $option -n /dev/null </dev/null 2>/dev/null || continue
        for file; do zsh -f $set $option -n $file </dev/null >/dev/null 2>&1 || print -r -- $set $option $file; done
        tried=$((tried + 1))
    done
done
print tried $tried
";

#[test]
fn zsh_parses_its_files_whatever_the_user_has_set() {
    if !require(&[Need::Program("zsh")]) {
        return;
    }
    let Some(ctx) = Context::new(VENVKEEP) else { return };
    let copies = ctx.project("copies");
    // They are sourced while the user's options are set; completions are read as functions, by then without them.
    let shim = copies.write("venvkeep.zsh", std::fs::read(file("venvkeep.zsh")).unwrap());
    let start = copies.write("venvkeep-start.zsh", Shell::Zsh.start());
    let script = copies.write("every-option", EVERY_OPTION);
    let zsh = ctx.program(Who::User, "zsh").arg("-f").arg(&script).args([&shim, &start]);
    let output = zsh.time_limit(std::time::Duration::from_secs(240)).run().success();
    let (wrong, tried) = output.stdout.rsplit_once("tried ").expect("it comes to its end");
    assert_eq!(wrong, "", "does not parse under these");
    assert!(tried.trim().parse::<u32>().is_ok_and(|tried| tried > 200), "{tried}");
}
