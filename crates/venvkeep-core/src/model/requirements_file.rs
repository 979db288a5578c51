//! A requirements file that the user hands over as the list to rebuild from (`-r FILE`).
//!
//! pip's format has options, includes and ranges; a rebuild wants one exact version or origin for each line,
//! else two rebuilds would differ. What `pip freeze`, `uv pip freeze` and `pip-compile` write is accepted; every
//! other line is reported, all at once, with its number and what to do about it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use pep508_rs::MarkerTree;

use super::file_url;
use super::name::PackageName;
use super::requirements::{Editable, FrozenRequirements, Pin, PinConditions, PinKind, PinnedVersion};

/// Every line of a file that pins nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RequirementsError {
    /// In the order of the file, at least one.
    pub problems: Vec<LineProblem>,
}

/// One line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// Counted from 1; the first of a line that is continued.
    pub line: usize,
    /// The beginning of the line with control characters escaped: safe to print.
    pub shown: String,
    /// Why, and what to write instead.
    pub fault: LineFault,
}

/// Why a line pins nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// `-r`, `-c`.
    #[error("it points to another file; put that file's lines here instead")]
    Include,
    /// `--index-url`, `--find-links` and the like.
    #[error("it sets where packages come from; put it into your pip or uv settings instead")]
    IndexOption,
    /// Any other option.
    #[error("it is an option, not a package")]
    Option,
    /// No version, a range, or a wildcard.
    #[error("it does not say one exact version; write NAME==VERSION")]
    Unpinned,
    /// A path or URL by itself.
    #[error("it does not say which package this is; write NAME @ URL")]
    Nameless,
    /// `-e` of a path or URL that tells no name.
    #[error("it does not say which package this is; add #egg=NAME to its end")]
    NamelessEditable,
    /// No `--hash`, where other lines have one.
    #[error(
        "it has no --hash although other lines do; hash every line (pip-compile --generate-hashes) or none"
    )]
    Unhashed,
    /// Anything else.
    #[error("it is not a requirement; write NAME==VERSION")]
    Unreadable,
}

impl fmt::Display for RequirementsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let (noun, verb) = if count == 1 { ("line", "does") } else { ("lines", "do") };
        write!(formatter, "{count} {noun} of the requirements file {verb} not name one exact package:")?;
        for LineProblem { line, shown, fault } in &self.problems {
            write!(formatter, "\n  line {line}: \"{shown}\": {fault}")?;
        }
        Ok(())
    }
}

/// Reads a requirements file.
pub fn parse(text: &str) -> Result<FrozenRequirements, RequirementsError> {
    let mut pins: Vec<Pin> = Vec::new();
    let mut problems = Vec::new();
    let mut unhashed = Vec::new();
    // `pip freeze` tells the name of an editable directory only in the comment above it.
    let mut comments = Vec::new();
    for (number, line) in logical_lines(text) {
        if line.trim_start().starts_with('#') {
            comments.push(line.trim().to_owned());
            continue;
        }
        let above = std::mem::take(&mut comments);
        let line = without_comment(&line).trim();
        if line.is_empty() {
            continue;
        }
        match read_line(line, above) {
            Ok(pin) => {
                if !is_hashed(&pin) {
                    unhashed.push(LineProblem::new(number, line, LineFault::Unhashed));
                }
                pins.push(pin);
            }
            Err(fault) => problems.push(LineProblem::new(number, line, fault)),
        }
    }
    // pip checks all or none: one hash makes it refuse every line without.
    if pins.iter().any(|pin| !pin.conditions.hashes.is_empty()) {
        problems.append(&mut unhashed);
        problems.sort_by_key(|problem| problem.line);
    }
    if problems.is_empty() { Ok(FrozenRequirements::new(pins)) } else { Err(RequirementsError { problems }) }
}

impl LineProblem {
    fn new(line: usize, text: &str, fault: LineFault) -> Self {
        Self { line, shown: text.chars().take(80).flat_map(char::escape_debug).collect(), fault }
    }
}

/// Whether a line says which bytes it means. An archive's URL can do so in its fragment.
fn is_hashed(pin: &Pin) -> bool {
    const ALGORITHMS: [&str; 3] = ["sha256=", "sha384=", "sha512="];
    let in_fragment = |url: &str| {
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        fragment.split('&').any(|part| ALGORITHMS.iter().any(|algorithm| part.starts_with(algorithm)))
    };
    !pin.conditions.hashes.is_empty() || matches!(&pin.kind, PinKind::Direct { url } if in_fragment(url))
}

/// Lines with those joined that end in a backslash, each with the number of its first. A comment is never
/// continued, and ends what is.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start().starts_with('#');
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) if !comment => (part, true),
            _ => (line, false),
        };
        let (number, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        if comment && !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(part);
        if goes_on {
            open = Some((number, joined));
        } else {
            lines.push((number, joined));
        }
    }
    lines.extend(open);
    lines
}

/// Cuts what follows a `#` that stands at the start or behind a blank: a URL's fragment stays.
fn without_comment(line: &str) -> &str {
    let starts_comment = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let comment = line.match_indices('#').map(|(at, _)| at).find(starts_comment);
    &line[..comment.unwrap_or(line.len())]
}

fn read_line(line: &str, above: Vec<String>) -> Result<Pin, LineFault> {
    // A backslash at the end, before blanks, is no continuation here; but it would be one where the line is written.
    if line.contains(|character: char| character.is_control() && character != '\t') || line.ends_with('\\') {
        return Err(LineFault::Unreadable);
    }
    if line.starts_with('-') {
        return match editable_target(line) {
            Some(target) => read_editable(target, above),
            None => Err(option_fault(line)),
        };
    }
    let (requirement, hashes) = split_hashes(line)?;
    let mut pin = read_requirement(requirement)?;
    pin.conditions.hashes = hashes;
    Ok(pin)
}

/// The X of `-eX`, `-e X`, `--editable X` or `--editable=X`.
fn editable_target(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("--editable") {
        return rest.strip_prefix(['=', ' ', '\t']).map(str::trim);
    }
    line.strip_prefix("-e").map(str::trim)
}

fn option_fault(line: &str) -> LineFault {
    match line.split(['=', ' ', '\t']).next().unwrap_or(line) {
        "--requirement" | "--constraint" => LineFault::Include,
        "--index-url" | "--extra-index-url" | "--find-links" | "--no-index" | "--trusted-host" => {
            LineFault::IndexOption
        }
        word if word.starts_with("--") => LineFault::Option,
        // The value of a short option may follow without a blank.
        word if word.starts_with("-r") || word.starts_with("-c") => LineFault::Include,
        word if word.starts_with("-i") || word.starts_with("-f") => LineFault::IndexOption,
        _ => LineFault::Option,
    }
}

/// Takes the `--hash=…` options off the end; any other option there is a fault.
fn split_hashes(line: &str) -> Result<(&str, Vec<String>), LineFault> {
    let Some(at) = line.find(" --").or_else(|| line.find("\t--")) else {
        return Ok((line, Vec::new()));
    };
    let (requirement, options) = line.split_at(at);
    let mut hashes = Vec::new();
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let hash = match word.strip_prefix("--hash") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        let hash = hash.filter(|hash| hash.contains(':')).ok_or(LineFault::Option)?;
        hashes.push(hash.to_owned());
    }
    Ok((requirement.trim_end(), hashes))
}

fn read_editable(target: &str, above: Vec<String>) -> Result<Pin, LineFault> {
    if target.is_empty() || target.starts_with('#') {
        return Err(LineFault::Unreadable);
    }
    let comments: Vec<String> = above.into_iter().filter(|comment| is_pips_comment(comment)).collect();
    let fragment = target.split_once('#').map_or("", |(_, fragment)| fragment);
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let egg = egg.map(|egg| egg.split('[').next().unwrap_or(egg));
    let name = egg.or_else(|| comments.iter().rev().find_map(|comment| name_in_comment(comment)));
    let name = name.and_then(|name| PackageName::parse(name).ok()).ok_or(LineFault::NamelessEditable)?;
    let editable = Editable { target: target.to_owned(), comments, location: project_directory(target) };
    Ok(Pin::editable(name, editable))
}

/// The directory of this machine that stands behind `-e`, without `[extras]`.
fn project_directory(target: &str) -> Option<PathBuf> {
    let place = target.split('#').next().unwrap_or(target);
    let place = match place.split_once('[') {
        Some((before, extras)) if extras.ends_with(']') => before,
        _ => place,
    };
    file_url::to_path(place).or_else(|| place.starts_with('/').then(|| PathBuf::from(place)))
}

/// Whether a comment is one of those that `pip freeze` prints above an editable, and so will a frozen list.
fn is_pips_comment(comment: &str) -> bool {
    comment.starts_with("# Editable ") && !comment.contains(char::is_control)
}

/// The NAME of `# Editable install with no version control (NAME==1.0)`.
fn name_in_comment(comment: &str) -> Option<&str> {
    let (_, rest) = comment.strip_prefix("# Editable ")?.split_once('(')?;
    rest.split_once("==").map(|(name, _)| name)
}

/// `NAME[EXTRAS]==VERSION ; MARKER`, or `===`, or `@ URL`.
fn read_requirement(text: &str) -> Result<Pin, LineFault> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    if rest.starts_with([':', '/', '\\', '+']) || name.starts_with('.') {
        return Err(LineFault::Nameless);
    }
    let name = PackageName::parse(name).map_err(|_| LineFault::Unreadable)?;
    let (extras, rest) = split_extras(rest)?;
    if let Some(url) = rest.strip_prefix('@') {
        return read_direct(name, extras, url.trim());
    }
    let (version, marker) = split_marker(rest, ";")?;
    let version =
        version.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(version).trim();
    let version = match version.strip_prefix("===") {
        Some(text) => PinnedVersion::parse(text).map(|_| PinnedVersion::Arbitrary(text.trim().to_owned())),
        None => match version.strip_prefix("==") {
            Some(text) if !text.contains(['*', ',']) => PinnedVersion::parse(text),
            _ => return Err(unpinned_or_unreadable(version)),
        },
    };
    let kind = PinKind::Exact(version.map_err(|_| LineFault::Unreadable)?);
    Ok(Pin { name, kind, conditions: PinConditions { extras, marker, hashes: Vec::new() } })
}

fn unpinned_or_unreadable(specifier: &str) -> LineFault {
    if specifier.is_empty() || specifier.starts_with(['=', '<', '>', '~', '!']) {
        LineFault::Unpinned
    } else {
        LineFault::Unreadable
    }
}

fn read_direct(name: PackageName, extras: Vec<PackageName>, rest: &str) -> Result<Pin, LineFault> {
    // In a URL a semicolon is a character like others; a marker stands behind a blank.
    let (url, marker) = split_marker(rest, " ;")?;
    let is_scheme_character = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    // One that begins with a hyphen would be an option where the line is written.
    let is_started_well = |scheme: &str| scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let has_scheme = url
        .split_once(':')
        .is_some_and(|(scheme, _)| is_started_well(scheme) && scheme.chars().all(is_scheme_character));
    if !has_scheme || url.contains(char::is_whitespace) {
        return Err(LineFault::Unreadable);
    }
    let conditions = PinConditions { extras, marker, hashes: Vec::new() };
    Ok(Pin { name, kind: PinKind::Direct { url: url.to_owned() }, conditions })
}

/// Parts a marker off, which must be one by PEP 508; its text is kept as it is.
fn split_marker<'text>(text: &'text str, separator: &str) -> Result<(&'text str, Option<String>), LineFault> {
    let Some((before, marker)) = text.split_once(separator) else {
        return Ok((text.trim(), None));
    };
    let marker = marker.trim();
    // The grammar is ASCII, and the parser panics at some texts that are not.
    let is_marker = marker.is_ascii() && MarkerTree::from_str(marker).is_ok();
    if !is_marker {
        return Err(LineFault::Unreadable);
    }
    Ok((before.trim(), Some(marker.to_owned())))
}

fn split_extras(text: &str) -> Result<(Vec<PackageName>, &str), LineFault> {
    let Some(inner) = text.strip_prefix('[') else {
        return Ok((Vec::new(), text));
    };
    let (extras, rest) = inner.split_once(']').ok_or(LineFault::Unreadable)?;
    let extras = extras.split(',').map(str::trim).filter(|extra| !extra.is_empty());
    let extras: Result<Vec<_>, _> = extras.map(PackageName::parse).collect();
    Ok((extras.map_err(|_| LineFault::Unreadable)?, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::{LineFault, parse};
    use crate::model::requirements::PinKind;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::path::Path;

    fn lines(text: &str) -> Vec<String> {
        parse(text).unwrap().lines()
    }

    fn fault(line: &str) -> LineFault {
        parse(line).unwrap_err().problems[0].fault
    }

    #[test]
    fn a_marker_that_is_no_ascii_is_no_marker() {
        // The parser of markers panics at this one.
        assert_eq!(fault("a==1 ; python_version > '2' \u{4d7}"), LineFault::Unreadable);
        assert_eq!(crate::model::requirements::dependency("a ; python_version > '2' \u{4d7}"), None);
    }

    #[test]
    fn what_freezing_tools_write_comes_back() {
        let text = "# Editable install with no version control (b==1.0)\n-e /home/u/b\n\
                    c @ https://x/c.whl#sha256=1\nd===odd_build\n-e git+https://x/e.git@abc#egg=e_e\nFlask==3.0\n";
        let list = parse(text).unwrap();
        assert_eq!(list.to_text(), text);
        let PinKind::Editable(editable) = &list.pins()[0].kind else { panic!("{list:?}") };
        assert_eq!(editable.location.as_deref(), Some(Path::new("/home/u/b")));
        for (target, place) in [
            ("file:///a%20b#egg=x", Some("/a b")),
            ("/a b[dev]#egg=x", Some("/a b")),
            ("git+file:///a#egg=x", None),
            ("./a#egg=x", None),
        ] {
            assert_eq!(super::project_directory(target).as_deref(), place.map(Path::new), "{target}");
        }
    }

    #[test]
    fn hashes_markers_and_comments() {
        let text = "\u{feff}# by pip-compile\r\nsix==1.16.0 \\\r\n    --hash=sha256:aa \\\r\n    --hash sha256:bb\r\n    # via x\r\n\
                    Requests [socks, x_y] == 2.0 ; python_version > '3' --hash=sha256:cc  # why\n\nz @ file:///z#sha256=1&egg=z ; os_name == 'a'\n";
        assert_eq!(
            lines(text),
            [
                "Requests[socks,x_y]==2.0; python_version > '3' --hash=sha256:cc",
                "six==1.16.0 --hash=sha256:aa --hash=sha256:bb",
                "z @ file:///z#sha256=1&egg=z ; os_name == 'a'",
            ]
        );
    }

    #[test]
    fn an_arbitrary_version_stays_arbitrary() {
        assert_eq!(lines("a===1.0.0-1\nb (==2.0)"), ["a===1.0.0-1", "b==2.0"]);
    }

    #[test]
    fn every_line_that_pins_nothing_has_its_reason() {
        for line in ["-r x.txt", "-rx", "--requirement=x", "-c x", "--constraint x"] {
            assert_eq!(fault(line), LineFault::Include, "{line}");
        }
        for line in ["-i https://x", "--index-url=https://x", "--no-index", "-f .", "--trusted-host x"] {
            assert_eq!(fault(line), LineFault::IndexOption, "{line}");
        }
        for line in ["--pre", "a==1 --no-binary=:all:", "a==1 --hash=x"] {
            assert_eq!(fault(line), LineFault::Option, "{line}");
        }
        for line in
            ["flask", "flask>=2", "flask==2.*", "flask==1,<2", "flask~=1.0", "a[b]", "a; os_name=='x'"]
        {
            assert_eq!(fault(line), LineFault::Unpinned, "{line}");
        }
        for line in ["https://x/a.whl", "./a.whl", "/a/b.whl", "git+https://x/a", "../a"] {
            assert_eq!(fault(line), LineFault::Nameless, "{line}");
        }
        assert_eq!(fault("-e ."), LineFault::NamelessEditable);
        for line in
            ["a==1\u{1b}", "a b", "a @", "a @ x:y z", "a @ ./x", "a @#x:", "a[", "_a==1", "a==1;x", "a==1;"]
        {
            assert_eq!(fault(line), LineFault::Unreadable, "{line}");
        }
    }

    #[test]
    fn hashes_are_for_all_lines_or_none() {
        let error =
            parse("a==1 --hash=sha256:aa\nb==1\nc @ https://x/c.whl#sha256=1\n-e /d#egg=d\n").unwrap_err();
        let problems: Vec<_> = error.problems.iter().map(|problem| (problem.line, problem.fault)).collect();
        assert_eq!(problems, [(2, LineFault::Unhashed), (4, LineFault::Unhashed)]);
        assert!(parse("b==1\nc @ https://x/c.whl#sha256=1").is_ok());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let error = parse("flask\n\nsix==1\nfoo==1 \\\n  --pre\n-r \u{1b}x\n").unwrap_err();
        let at: Vec<usize> = error.problems.iter().map(|problem| problem.line).collect();
        assert_eq!(at, [1, 4, 6]);
        let message = error.to_string();
        assert!(message.starts_with(
            "3 lines of the requirements file do not name one exact package:\n  line 1: \"flask\""
        ));
        assert!(!message.contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn requirement_like_text_is_stable(text in "([a-z]{1,3}|==|===|@|\\[|\\]| |;|; os_name=='a'|#|-e |--hash=|:|/|\\\\|\n|1\\.0){0,12}") {
            if let Ok(list) = parse(&text) {
                prop_assert_eq!(parse(&list.to_text()), Ok(list));
            } else {
                prop_assert!(!parse(&text).unwrap_err().problems.is_empty());
            }
        }
    }
}
