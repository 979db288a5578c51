//! Keeping what lies beside an environment out of `git add`: one line in the repository's `info/exclude`.
//!
//! That file belongs to the clone and is never committed (gitignore(5)). It is written only in a repository of the
//! user's own, no link in it is followed, and git is not started. A repository where this does not work loses nothing
//! but convenience, so nothing here is an error.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::fs::{self, Directory};
use crate::inspect::beside;
use crate::model::facts::Kind;
use crate::model::owner::Viewer;
use crate::model::prefix::Prefix;
use crate::model::siblings;

/// People write these files by hand.
const MAX_SIZE: u64 = 1024 * 1024;

/// Several environments of one repository may be healed at once, and each adds its line to what it read.
static AT_WORK: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    AT_WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of keeping an environment's siblings out of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excluded {
    /// The line stands there now.
    Yes,
    /// There is no repository of the user's around the environment.
    NoRepository,
    /// There is one, but its list could not be written; with the list's place.
    Refused(PathBuf),
}

/// Writes the line, where it is not there yet.
pub fn keep_out(prefix: &Prefix, viewer: &Viewer) -> Excluded {
    let Some(list) = List::around(prefix, viewer) else { return Excluded::NoRepository };
    let _alone = alone();
    let refused = || Excluded::Refused(list.path.clone());
    let (Some(line), Ok(content)) = (&list.line, list.read()) else { return refused() };
    let content = content.unwrap_or_default();
    if position(&content, line).is_some() {
        return Excluded::Yes;
    }
    match list.write(&with_line(content, line)) {
        Ok(()) => Excluded::Yes,
        Err(_) => refused(),
    }
}

/// Takes the line back where no kept tree needs it any more; the file is then byte for byte what it was.
pub fn tidy(prefix: &Prefix, viewer: &Viewer) {
    if !beside::kept(prefix).is_empty() {
        return;
    }
    let Some(list) = List::around(prefix, viewer) else { return };
    let _alone = alone();
    let (Some(line), Ok(Some(content))) = (&list.line, list.read()) else { return };
    let Some(start) = position(&content, line) else { return };
    let mut rest = content;
    rest.drain(start..start + line.len());
    // A line too many in a list of names to pass over does no harm.
    let _ = if rest.is_empty() { fs::remove_file(&list.path) } else { list.write(&rest) };
}

/// The `info/exclude` of the repository around an environment, and the environment's line in it.
struct List {
    path: PathBuf,
    /// With its end; `None` where the path cannot stand in such a list.
    line: Option<Vec<u8>>,
}

impl List {
    fn around(prefix: &Prefix, viewer: &Viewer) -> Option<Self> {
        let is_there = |directory: &&Path| matches!(fs::lstat_if_any(&directory.join(".git")), Ok(Some(_)));
        let top = prefix.parent().ancestors().find(is_there)?;
        let repository = repository(&top.join(".git"), viewer)?;
        let inside = prefix.parent().strip_prefix(top).ok()?;
        Some(Self { path: repository.join("info/exclude"), line: line(inside, prefix) })
    }

    /// `None`: there is no such file yet.
    fn read(&self) -> fs::Result<Option<Vec<u8>>> {
        match fs::read_bounded(&self.path, MAX_SIZE) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, content: &[u8]) -> fs::Result<()> {
        let info = self.path.parent().unwrap_or(&self.path);
        if fs::lstat_if_any(info)?.is_none() {
            fs::create_dir(info, 0o777)?;
        }
        // Refuses a link in the place of `info`.
        Directory::open(info)?;
        match fs::lstat_if_any(&self.path)? {
            None => fs::create_file(&self.path, 0o666, content),
            Some(facts) => {
                fs::replace_file(&self.path, facts.mode & 0o777, content)?;
                fs::set_mode(&self.path, facts.mode & 0o777)
            }
        }
    }
}

/// The directory that holds `info`, from a work tree's `.git`: that directory itself, or what a `gitdir:` file names
/// (gitrepository-layout(5)); a linked work tree shares that of the main one. `None` unless all of it is the user's.
fn repository(dot_git: &Path, viewer: &Viewer) -> Option<PathBuf> {
    let facts = fs::lstat(dot_git).ok()?;
    let is_own = |path: &Path| {
        fs::lstat(path).is_ok_and(|facts| facts.kind == Kind::Directory && facts.uid == viewer.uid)
    };
    let directory = match facts.kind {
        Kind::Directory => dot_git.to_owned(),
        Kind::File if facts.uid == viewer.uid => named_in(dot_git, b"gitdir:")?,
        _ => return None,
    };
    if !is_own(&directory) || fs::lstat(&directory.join("HEAD")).is_err() {
        return None;
    }
    let common = named_in(&directory.join("commondir"), b"").unwrap_or(directory);
    is_own(&common).then_some(common)
}

/// The path that stands in a file behind `label`, relative to the file's own directory.
fn named_in(file: &Path, label: &[u8]) -> Option<PathBuf> {
    let content = fs::read_bounded(file, 64 * 1024).ok()?;
    let path = content.strip_prefix(label)?.trim_ascii();
    let path = file.parent()?.join(OsStr::from_bytes(path));
    fs::physical(&path).ok()
}

/// `/sub/dir/.venv.venvkeep-*`, with its end; the characters of patterns escaped.
fn line(inside: &Path, prefix: &Prefix) -> Option<Vec<u8>> {
    let own = siblings::common_start(prefix);
    let path = inside.join(own).into_os_string().into_vec();
    if path.contains(&b'\n') {
        return None;
    }
    let mut line = vec![b'/'];
    for byte in path {
        if b"\\*?[".contains(&byte) {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.extend(b"*\n");
    Some(line)
}

/// Where the line begins, if the list has it.
fn position(content: &[u8], line: &[u8]) -> Option<usize> {
    let mut start = 0;
    content.split_inclusive(|&byte| byte == b'\n').find_map(|there| {
        let here = start;
        start += there.len();
        (there == line).then_some(here)
    })
}

/// At the end; where the last line has no end of its own, at the beginning, so that taking it back leaves no trace.
fn with_line(mut content: Vec<u8>, line: &[u8]) -> Vec<u8> {
    if content.last().is_none_or(|&last| last == b'\n') {
        content.extend(line);
        content
    } else {
        [line, &content].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Excluded, Prefix, fs, keep_out, tidy};
    use crate::host::credentials;

    struct Ground {
        _directory: tempfile::TempDir,
        top: PathBuf,
    }

    impl Ground {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let top = fs::physical(directory.path()).unwrap();
            for path in [".git", ".git/info", "sub", "sub/[a]*"] {
                fs::create_dir(&top.join(path), 0o755).unwrap();
            }
            fs::create_file(&top.join(".git/HEAD"), 0o644, b"ref: refs/heads/main\n").unwrap();
            Self { _directory: directory, top }
        }

        fn exclude(&self) -> Option<String> {
            let content = fs::read_bounded(&self.top.join(".git/info/exclude"), 4096).ok()?;
            Some(String::from_utf8(content).unwrap())
        }

        fn prefix(&self, path: &str) -> Prefix {
            Prefix::new(self.top.join(path)).unwrap()
        }
    }

    #[test]
    fn written_once_and_taken_back_byte_for_byte() {
        let viewer = credentials::viewer(Vec::new());
        for before in [None, Some("# git ls-files\n"), Some("*.o\nno end"), Some("a\r\n")] {
            let ground = Ground::new();
            if let Some(before) = before {
                let file = ground.top.join(".git/info/exclude");
                fs::create_file(&file, 0o640, before.as_bytes()).unwrap();
            }
            let prefix = ground.prefix("sub/[a]*/env");
            for _ in 0..2 {
                assert_eq!(keep_out(&prefix, &viewer), Excluded::Yes);
                let now = ground.exclude().unwrap();
                assert_eq!(now.matches("/sub/\\[a]\\*/.env.venvkeep-nodot-*\n").count(), 1, "{now}");
            }
            let kept = prefix.parent().join(".env.venvkeep-nodot-old-20261121-091500");
            fs::create_dir(&kept, 0o755).unwrap();
            tidy(&prefix, &viewer);
            assert_ne!(ground.exclude().as_deref(), before, "a kept tree still needs it");
            fs::remove_dir(&kept).unwrap();
            tidy(&prefix, &viewer);
            assert_eq!(ground.exclude().as_deref(), before);
        }
    }

    #[test]
    fn a_linked_work_tree_shares_the_list_of_the_main_one() {
        let ground = Ground::new();
        for path in [".git/worktrees", ".git/worktrees/w", "w"] {
            fs::create_dir(&ground.top.join(path), 0o755).unwrap();
        }
        let write = |path: &str, content: &str| {
            fs::create_file(&ground.top.join(path), 0o644, content.as_bytes()).unwrap();
        };
        write(".git/worktrees/w/HEAD", "ref: refs/heads/w\n");
        write(".git/worktrees/w/commondir", "../..\n");
        write("w/.git", "gitdir: ../.git/worktrees/w\n");
        let viewer = credentials::viewer(Vec::new());
        assert_eq!(keep_out(&ground.prefix("w/.venv"), &viewer), Excluded::Yes);
        assert_eq!(ground.exclude().as_deref(), Some("/.venv.venvkeep-*\n"));
    }

    #[test]
    fn links_and_others_repositories_are_left_alone() {
        let ground = Ground::new();
        let mut stranger = credentials::viewer(Vec::new());
        stranger.uid += 1;
        assert_eq!(keep_out(&ground.prefix(".venv"), &stranger), Excluded::NoRepository);
        let viewer = credentials::viewer(Vec::new());
        fs::symlink(Path::new("../HEAD"), &ground.top.join(".git/info/exclude")).unwrap();
        assert!(matches!(keep_out(&ground.prefix(".venv"), &viewer), Excluded::Refused(_)));
        let newline = ground.prefix("a\nb/.venv");
        fs::create_dir(newline.parent(), 0o755).unwrap();
        assert!(matches!(keep_out(&newline, &viewer), Excluded::Refused(_)));
    }
}
