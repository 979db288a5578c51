//! Which of the pins could not be had.
//!
//! Both installers stop at the first one that they cannot find, and a user who has to mend an index wants to know of
//! all. So the installer is asked again, without those that it named, and without installing anything, until it names
//! no more or patience ends.

use std::time::{Duration, Instant};

use crate::host::process::Finished;
use crate::model::name::PackageName;
use crate::model::requirements::Pin;

/// How long looking for further missing pins may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How many lines of the installer's end are shown.
const SHOWN: usize = 12;

/// The requirements that could not be had: those that the installer's messages name, or all of them where they name
/// none, as when no index can be reached.
pub(super) fn find(
    pins: &[&Pin],
    first: &Finished,
    try_again: &mut dyn FnMut(&[&Pin]) -> Option<Finished>,
) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    let mut missing: Vec<&Pin> = Vec::new();
    let mut rest: Vec<&Pin> = pins.to_vec();
    let mut text = printed(first);
    loop {
        let (named, others): (Vec<&Pin>, Vec<&Pin>) =
            rest.iter().partition(|pin| complaints(&text).any(|line| names(line, &pin.name)));
        missing.extend(&named);
        if named.is_empty() || is_unreachable(&text) {
            missing.extend(others);
            break;
        }
        rest = others;
        if rest.is_empty() || Instant::now() > until {
            break;
        }
        match try_again(&rest) {
            Some(finished) if !finished.status.success() => text = printed(&finished),
            _ => break,
        }
    }
    let mut wanted: Vec<String> = missing.iter().map(|pin| pin.requirement()).collect();
    wanted.sort_unstable();
    wanted
}

/// The end of what an installer printed, without what it prints while all goes well.
pub(super) fn last_words(finished: &Finished) -> Vec<String> {
    const USUAL: [&str; 6] =
        ["Looking in", "Collecting", "Processing", "  Using cached", "Using Python", "Saved"];
    let text = printed(finished);
    let is_usual = |line: &str| line.trim().is_empty() || USUAL.iter().any(|start| line.starts_with(start));
    let is_retry = |line: &str| line.starts_with("WARNING: Retrying");
    // Each of pip's five says the same.
    let last_retry = text.lines().enumerate().filter(|(_, line)| is_retry(line)).last().map(|(at, _)| at);
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(at, line)| !is_usual(line) && (!is_retry(line) || Some(*at) == last_retry));
    let lines: Vec<&str> = lines.map(|(_, line)| line).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|&line| line.to_owned()).collect()
}

fn printed(finished: &Finished) -> String {
    String::from_utf8_lossy(&[finished.stdout.as_slice(), finished.stderr.as_slice()].concat()).into_owned()
}

/// The lines that say what could not be had, of pip and of uv.
fn complaints(text: &str) -> impl Iterator<Item = &str> {
    const WORDS: [&str; 7] = ["ERROR", "error", "No matching", "Because", "ailed", "not found", "no version"];
    text.lines().filter(|line| WORDS.iter().any(|word| line.contains(word)) || line.contains(['×', '╰']))
}

/// Whether the index itself cannot be reached, so that nothing can be had from it.
pub(super) fn is_unreachable(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "NameResolutionError",
        "Connection refused",
        "client error (Connect)",
        "dns error",
        "Could not connect",
        "Network is unreachable",
    ];
    WORDS.iter().any(|word| text.contains(word))
}

fn names(line: &str, name: &PackageName) -> bool {
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
    words.any(|word| PackageName::parse(word.trim_end_matches('.')).is_ok_and(|found| found == *name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::{Finished, PackageName, Pin, find};

    fn failed(stderr: &str) -> Finished {
        Finished { status: ExitStatus::from_raw(256), stdout: Vec::new(), stderr: stderr.into() }
    }

    fn pins() -> Vec<Pin> {
        let pin = |name| Pin::exact(PackageName::parse(name).unwrap(), "1.0").unwrap();
        ["one", "two-x", "three"].into_iter().map(pin).collect()
    }

    #[test]
    fn asks_again_until_all_are_named() {
        let pins = pins();
        let pins: Vec<&Pin> = pins.iter().collect();
        let mut asked = Vec::new();
        let missing =
            find(&pins, &failed("ERROR: No matching distribution found for one==1.0"), &mut |rest| {
                asked.push(rest.len());
                (asked.len() == 1)
                    .then(|| failed("  × No solution found:\n  ╰─▶ Because two-x was not found"))
            });
        assert_eq!(missing, ["one==1.0", "two-x==1.0"]);
        assert_eq!(asked, [2, 1]);
    }

    #[test]
    fn without_a_network_all_are_missing() {
        let pins = pins();
        let pins: Vec<&Pin> = pins.iter().collect();
        let down = "error: Failed to fetch: `x/one/`\n  Caused by: dns error";
        let missing = find(&pins, &failed(down), &mut |_| panic!("there is no use in asking again"));
        assert_eq!(missing.len(), 3);
    }
}
