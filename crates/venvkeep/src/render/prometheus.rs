//! What `scan` tells Prometheus: numbers in its text format, for the textfile collector of the node exporter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use venvkeep_core::diagnose::finding::{Code, Severity, Status};
use venvkeep_core::host::credentials;
use venvkeep_core::model::printable::printable;
use venvkeep_core::scan::{Found, Request, Tally};

use super::check::{severity_word, status_word};
use crate::request::Session;

/// One metric with all its samples.
struct Metric {
    name: &'static str,
    help: &'static str,
    /// Labels as they stand between the braces, and the value.
    samples: Vec<(String, String)>,
}

/// The whole document. Every user whose home was gone through is in it, also one without an environment, so that a
/// series does not end when its last environment is healed.
pub(crate) fn document(
    found: &[Found],
    tally: &Tally,
    (took, now): (Duration, SystemTime),
    (request, session): (&Request, &Session<'_>),
) -> String {
    let me = own_name(session);
    let mut users: BTreeSet<&str> =
        request.roots.iter().map(|root| root.user.as_deref().unwrap_or(&me)).collect();
    users.extend(found.iter().map(|one| user_of(one, &me)));
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    [
        environments(&users, found, &me),
        findings(found, &me),
        sizes(&users, found, &me),
        single(
            "venvkeep_scan_unreadable_directories",
            "Places that the scan could not look into.",
            tally.refused.count.to_string(),
        ),
        single(
            "venvkeep_scan_entries",
            "Files and directories that the scan saw.",
            tally.entries.to_string(),
        ),
        single(
            "venvkeep_scan_duration_seconds",
            "How long the scan took.",
            format!("{:.3}", took.as_secs_f64()),
        ),
        single(
            "venvkeep_scan_timestamp_seconds",
            "When the scan ended, in seconds since 1970.",
            format!("{seconds:.0}"),
        ),
    ]
    .iter()
    .map(text)
    .collect()
}

fn environments(users: &BTreeSet<&str>, found: &[Found], me: &str) -> Metric {
    let mut samples = Vec::new();
    for user in users {
        for status in [Status::Healthy, Status::Degraded, Status::Broken] {
            let is_one = |one: &&Found| user_of(one, me) == *user && one.status() == status;
            let count = found.iter().filter(is_one).count();
            samples.push((labels(&[("user", user), ("status", status_word(status))]), count.to_string()));
        }
    }
    Metric {
        name: "venvkeep_environments",
        help: "Python environments that were found, by whose home they are in and how they are.",
        samples,
    }
}

fn findings(found: &[Found], me: &str) -> Metric {
    let mut counts: BTreeMap<(&str, Code, Severity), usize> = BTreeMap::new();
    for one in found {
        // An environment counts once for a code, however often it has it.
        let kinds: BTreeSet<_> =
            one.findings.iter().map(|finding| (finding.code, finding.severity)).collect();
        for (code, severity) in kinds {
            *counts.entry((user_of(one, me), code, severity)).or_default() += 1;
        }
    }
    let sample = |((user, code, severity), count): ((&str, Code, Severity), usize)| {
        let (code, severity) = (code.as_str(), severity_word(severity));
        (labels(&[("user", user), ("code", code), ("severity", severity)]), count.to_string())
    };
    Metric {
        name: "venvkeep_findings",
        help: "Environments that have a finding, by its code and severity.",
        samples: counts.into_iter().map(sample).collect(),
    }
}

fn sizes(users: &BTreeSet<&str>, found: &[Found], me: &str) -> Metric {
    let of_user = |user: &&str| {
        let theirs = found.iter().filter(|one| user_of(one, me) == *user);
        let bytes: u64 = theirs.filter_map(|one| one.summary.as_ref()).map(|one| one.bytes).sum();
        (labels(&[("user", user)]), bytes.to_string())
    };
    Metric {
        name: "venvkeep_environments_size_bytes",
        help: "What the environments take on the disk.",
        samples: users.iter().map(of_user).collect(),
    }
}

fn single(name: &'static str, help: &'static str, value: String) -> Metric {
    Metric { name, help, samples: vec![(String::new(), value)] }
}

fn user_of<'a>(one: &'a Found, me: &'a str) -> &'a str {
    one.user.as_deref().unwrap_or(me)
}

fn own_name(session: &Session<'_>) -> String {
    let uid = session.caller.viewer.uid;
    credentials::user_name(uid).unwrap_or_else(|| uid.to_string())
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let value = printable(value).replace('\\', "\\\\").replace('"', "\\\"");
            format!("{name}=\"{value}\"")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

/// Nothing where there is no sample: a metric that is only announced is none.
fn text(metric: &Metric) -> String {
    let Metric { name, help, samples } = metric;
    if samples.is_empty() {
        return String::new();
    }
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in samples {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name}{labels} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{labels, single, text};

    #[test]
    fn a_label_can_hold_anything() {
        assert_eq!(labels(&[("user", "a\"b\\c\nd")]), r#"{user="a\"b\\c\\nd"}"#);
    }

    #[test]
    fn a_metric_announces_itself() {
        let metric = single("venvkeep_x", "What it is.", "1".to_owned());
        assert_eq!(text(&metric), "# HELP venvkeep_x What it is.\n# TYPE venvkeep_x gauge\nvenvkeep_x 1\n");
    }
}
