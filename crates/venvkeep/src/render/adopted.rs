//! What `new --adopt` took over, and how to take the old place out of the way.

use std::path::Path;

use serde_json::{Value, json};
use venvkeep_core::model::printable::{printable, shell_word};
use venvkeep_core::new::Made;
use venvkeep_core::new::adopt::{AdoptFrom, Adopted, AdoptedOne};

use super::check::wrapped;
use super::{Emphasis, Screen};

/// How many names of what was left fit.
const FEW: usize = 5;

/// Below the report of the new environment.
pub(crate) fn report(from: AdoptFrom<'_>, adopted: &Adopted, made: &Made, screen: &Screen) -> String {
    let places: Vec<String> = adopted.from.iter().map(printable).collect();
    let kept = adopted.distributions.iter().filter(|one| one.fetched.is_none()).count();
    let number = match adopted.distributions.len() {
        1 => "1 distribution".to_owned(),
        number => format!("{number} distributions"),
    };
    let fetched = adopted.distributions.len() - kept;
    let rest = if fetched == 0 { String::new() } else { format!(", {fetched} from the index") };
    let head = format!("Adopted {number} from {}: {kept} with every byte checked{rest}.", places.join(", "));
    let mut text = wrapped(&head, "");
    for one in &adopted.distributions {
        if let Some(why) = &one.fetched {
            text.push_str(&wrapped(&printable(format!("{}, from the index: {why}", named(one))), "  "));
        }
    }
    if !adopted.unclaimed.is_empty() {
        let names: Vec<String> = adopted.unclaimed.iter().take(FEW).map(printable).collect();
        let more = adopted.unclaimed.len().saturating_sub(FEW);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        text.push_str(&wrapped(
            &format!("Left, since no package has them: {}{more}", names.join(", ")),
            "  ",
        ));
    }
    for (info, why) in &adopted.untrusted {
        text.push_str(&wrapped(&format!("Left, since {why}: {}", printable(info)), "  "));
    }
    text.push_str("Nothing was changed there. When the environment does all you need:\n");
    for (command, what) in way(from, adopted, made) {
        text.extend(["  ", &screen.paint().text(Emphasis::Command, command), "\n"]);
        text.push_str(&what.map(|what| wrapped(what, "    ")).unwrap_or_default());
    }
    text
}

/// How to take the old place out of the way: commands, and what is to be known of them.
fn way(from: AdoptFrom<'_>, adopted: &Adopted, made: &Made) -> Vec<(String, Option<&'static str>)> {
    // pip also removes the programs, which would otherwise be found and fail.
    let uninstall = |before: &str| {
        let names: Vec<&str> = adopted.distributions.iter().map(|one| one.name.as_written()).collect();
        let python = shell_word(&made.interpreter.executable);
        // An older pip does not know it; one that needs it does.
        let insisting = if adopted.externally_managed { " --break-system-packages" } else { "" };
        format!("{before}{python} -m pip uninstall{insisting} {}", names.join(" "))
    };
    match from {
        AdoptFrom::User => vec![(uninstall(""), None)],
        AdoptFrom::System => vec![(uninstall("sudo "), None)],
        AdoptFrom::Directory(path) => {
            let mut aside = path.as_os_str().to_owned();
            aside.push(".aside");
            let aside = format!("mv -- {} {}", shell_word(path), shell_word(Path::new(&aside)));
            let line = "names the line that puts it on PYTHONPATH: take that out";
            vec![("venvkeep doctor".to_owned(), Some(line)), (aside, None)]
        }
    }
}

fn named(one: &AdoptedOne) -> String {
    format!("{} {}", one.name.as_written(), one.version)
}

/// A part of the JSON document.
pub(crate) fn document(adopted: &Adopted) -> Value {
    let paths = |list: &[std::path::PathBuf]| -> Vec<String> {
        list.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    };
    let one = |one: &AdoptedOne| {
        json!({
            "name": one.name.as_written(),
            "version": one.version,
            "source": if one.fetched.is_some() { "index" } else { "place" },
            "detail": one.fetched,
        })
    };
    json!({
        "from": paths(&adopted.from),
        "distributions": adopted.distributions.iter().map(one).collect::<Vec<_>>(),
        "unclaimed": paths(&adopted.unclaimed),
        "untrusted": adopted.untrusted.iter().map(|(path, why)| json!({ "path": path.to_string_lossy(), "why": why })).collect::<Vec<_>>(),
    })
}
