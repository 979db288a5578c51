//! Lines of start-up files, the system's and the user's own, that set what `settings` finds set, or activate an environment
//! by hand. Read as text; nothing is executed, so what is not written plainly is not found.

use std::path::{Path, PathBuf};

use super::finding::{MachineCode, MachineFinding};
use crate::diagnose::finding::Severity;
use crate::host::fs::Directory;
use crate::model::caller::Caller;
use crate::shims::places::{self, Homes};
use crate::shims::startup_text::without_comment;

/// The system's, beside what lies in `/etc/profile.d`.
const SYSTEMS: [&str; 6] =
    ["/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/etc/zsh/zshenv", "/etc/zshenv"];

/// What a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// Sets one of the variables.
    Sets(&'static str),
    /// Sources an activation script.
    Activates,
    /// Sets a umask under which others cannot read.
    Umask(String),
}

/// All such lines.
pub(super) fn lines(caller: &Caller) -> Vec<MachineFinding> {
    let mut findings = Vec::new();
    for file in files(caller) {
        // One that cannot be read sets nothing for this user either.
        let Ok(text) = places::text(&file) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(what) = read(line) {
                findings.push(finding(&file, number, &what));
            }
        }
    }
    findings
}

fn files(caller: &Caller) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = SYSTEMS.iter().map(PathBuf::from).collect();
    let scripts = Path::new("/etc/profile.d");
    let mut names = Directory::open(scripts).and_then(|open| open.names()).unwrap_or_default();
    names.sort_unstable();
    let names = names.into_iter().filter_map(|name| String::from_utf8(name).ok());
    files.extend(names.map(|name| scripts.join(name)));
    let own = Homes::of(caller).ok().flatten();
    files.extend(own.iter().flat_map(Homes::all));
    files.extend(own.iter().map(|homes| homes.home().join(".config/environment.d/python.conf")));
    files
}

fn finding(file: &Path, number: usize, what: &Line) -> MachineFinding {
    let mut place = file.as_os_str().to_owned();
    place.push(format!(":{number}"));
    let place = PathBuf::from(place);
    let at = place.display();
    let (severity, message, way) = match what {
        Line::Sets(name) => (
            Severity::Degraded,
            format!(
                "{at} sets {name} for every shell, and so for every Python in it, those of environments included"
            ),
            "take the line out; what a project needs goes into its environment: venvkeep new NAME -r FILE, or with what is \
             installed in that directory: venvkeep new NAME --adopt DIR",
        ),
        Line::Activates => (
            Severity::Note,
            format!("{at} activates an environment by hand in every shell, also where another one belongs"),
            "take the line out, and let the shims do it: venvkeep shims install, then venvkeep default ENV",
        ),
        Line::Umask(mask) => (
            Severity::Degraded,
            format!("{at} sets the umask {mask}: what you install for others, they cannot read"),
            "leave it as it is for your own files; before installing for others: umask 022 in that shell",
        ),
    };
    let code =
        if matches!(what, Line::Umask(_)) { MachineCode::StrictUmask } else { MachineCode::StartupLine };
    MachineFinding::new(code, severity, message).at([place]).advice(way)
}

/// What a line does, where it is written plainly.
fn read(line: &str) -> Option<Line> {
    let code = without_comment(line);
    let words: Vec<&str> = code
        .split(|c: char| c.is_whitespace() || ";&|(){}".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    for name in
        ["PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_BREAK_SYSTEM_PACKAGES"]
    {
        let assigned =
            words.iter().any(|word| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
        // fish: `set -gx PYTHONPATH /x`; `set -e` takes it away.
        let set = words.first() == Some(&"set")
            && words.contains(&name)
            && !words.iter().any(|word| word.starts_with("-e"));
        // csh: `setenv PYTHONPATH /x`.
        let set = set || words.first() == Some(&"setenv") && words.get(1) == Some(&name);
        if assigned || set {
            return Some(Line::Sets(name));
        }
    }
    let sources = |pair: &[&str]| matches!(pair[0], "." | "source") && is_activation(pair[1]);
    if words.windows(2).any(sources) {
        return Some(Line::Activates);
    }
    let mask = words.windows(2).find(|pair| pair[0] == "umask").map(|pair| pair[1])?;
    is_strict(mask).then(|| Line::Umask(mask.to_owned()))
}

fn is_activation(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'']);
    ["/bin/activate", "/bin/activate.fish", "/bin/activate.csh"].iter().any(|end| word.ends_with(end))
}

/// Whether others cannot read what is made under it: an octal mask whose last digit takes reading away.
pub(super) fn is_strict(mask: &str) -> bool {
    let is_octal =
        !mask.is_empty() && mask.len() <= 4 && mask.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    is_octal && mask.bytes().last().is_some_and(|digit| (digit - b'0') & 0o5 != 0)
}

#[cfg(test)]
mod tests {
    use super::{Line, is_strict, read};

    #[test]
    fn lines_that_matter() {
        for (line, what) in [
            ("export PYTHONPATH=/opt/x:$PYTHONPATH", Line::Sets("PYTHONPATH")),
            ("  PYTHONPATH=\"/x\"; export PYTHONPATH", Line::Sets("PYTHONPATH")),
            ("set -gx PYTHONPATH /x", Line::Sets("PYTHONPATH")),
            ("setenv PYTHONHOME /x", Line::Sets("PYTHONHOME")),
            ("PIP_USER=1", Line::Sets("PIP_USER")),
            (". ~/env/bin/activate", Line::Activates),
            ("[ -f x ] && source \"$HOME/env/bin/activate\"", Line::Activates),
            ("umask 027", Line::Umask("027".to_owned())),
            ("[ $UID -gt 99 ] && umask 0077", Line::Umask("0077".to_owned())),
        ] {
            assert_eq!(read(line), Some(what), "{line}");
        }
        for line in [
            "# export PYTHONPATH=/x",
            "export A=b # and PYTHONPATH=/x",
            "unset PYTHONPATH",
            "echo $PYTHONPATH",
            "set -e PYTHONPATH",
            "MY_PYTHONPATH=/x",
            "umask 022",
            "umask u=rwx,g=rx,o=rx",
            "source ~/.bashrc",
            "alias activate=true",
            "",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn masks_that_take_reading_away() {
        assert!(["027", "077", "0027", "7", "007"].iter().all(|mask| is_strict(mask)));
        assert!(["022", "002", "0", "0022", "", "9", "u=rwx"].iter().all(|mask| !is_strict(mask)));
    }
}
