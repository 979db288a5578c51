//! How an editable install freezes: from the checkout it lies in, read without starting git.
//!
//! `pip freeze` asks git for the first remote's URL (`origin` before others) and for the commit of `HEAD`, and prints
//! `-e git+URL@COMMIT#egg=NAME`; where that cannot be had it prints the directory under a comment that says why. The
//! same comes from the files of `.git` (gitrepository-layout), which works on a repository that belongs to somebody
//! else too, where git refuses. Included configuration files are not followed. In a linked worktree pip names a
//! `subdirectory` outside of the repository; here it is the one inside.

use std::path::{Path, PathBuf};

use crate::host::{credentials, fs};
use crate::model::file_url;
use crate::model::git_config::remote_url;
use crate::model::name::PackageName;
use crate::model::owner::ROOT;
use crate::model::requirements::{Editable, PinnedVersion};

/// Longest file of `.git` that is read. `packed-refs` of the largest repositories known has some 10 MiB.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How many symbolic references are followed; git stops at five.
const MOST_REFERENCES: usize = 5;

/// Whether a record that `owner` wrote may name a place outside of the environment that is then looked at. Root would
/// read there what that user may not, and show it to whoever sees root's output.
pub(super) fn may_lead_outside(owner: u32) -> bool {
    owner == ROOT || !credentials::is_root()
}

/// What `pip freeze` prints for a project that is imported from its directory, as a record of `owner`'s says.
pub(super) fn editable(project: &Path, owner: u32, name: &PackageName, version: &str) -> Editable {
    let (target, comments) = if may_lead_outside(owner) {
        match Repository::around(project) {
            Some(repository) => repository.frozen(project, name, version),
            None => by_path(project, &format!("with no version control ({})", pinned(name, version))),
        }
    } else {
        // Its address may be lost by that, so the list itself says it, wherever it goes.
        let unseen = "in a place of another user's, where root does not look for version control";
        by_path(project, &format!("{unseen} ({})", pinned(name, version)))
    };
    Editable { target, comments, location: Some(project.to_owned()) }
}

fn by_path(project: &Path, why: &str) -> (String, Vec<String>) {
    (path_target(project), vec![format!("# Editable install {why}")])
}

fn pinned(name: &PackageName, version: &str) -> String {
    let name = name.as_written();
    match PinnedVersion::parse(version) {
        Ok(PinnedVersion::Standard(version)) => format!("{name}=={version}"),
        _ => format!("{name}==={version}"),
    }
}

/// The directory as it stands behind `-e`: its path, or a URL where the path would break the line.
fn path_target(project: &Path) -> String {
    match project.to_str().filter(|path| !path.contains(char::is_control)) {
        Some(path) => path.to_owned(),
        None => file_url::to_url(project),
    }
}

/// A git repository with a checkout.
struct Repository {
    /// The directory that holds `.git`.
    root: PathBuf,
    /// `.git`, or where the file in its place leads: of this worktree alone.
    own: PathBuf,
    /// What all worktrees share.
    common: PathBuf,
}

impl Repository {
    /// The innermost one that a directory lies in.
    fn around(project: &Path) -> Option<Self> {
        project.ancestors().find_map(|root| {
            let own = Self::git_directory(root)?;
            let common = match read_text(&own.join("commondir")) {
                Some(text) => own.join(text.trim()),
                None => own.clone(),
            };
            Some(Self { root: root.to_owned(), own, common })
        })
    }

    fn git_directory(root: &Path) -> Option<PathBuf> {
        let dot_git = root.join(".git");
        let own = match read_text(&dot_git) {
            Some(text) => root.join(text.strip_prefix("gitdir:")?.trim()),
            None => dot_git,
        };
        matches!(fs::lstat_if_any(&own.join("HEAD")), Ok(Some(_))).then_some(own)
    }

    fn frozen(&self, project: &Path, name: &PackageName, version: &str) -> (String, Vec<String>) {
        let directory = path_target(project);
        let pinned = pinned(name, version);
        let Some(remote) = read_text(&self.common.join("config")).and_then(|text| remote_url(&text)) else {
            return (directory, vec![format!("# Editable Git install with no remote ({pinned})")]);
        };
        let Some(url) = pip_url(&remote) else {
            let what = "with either a deleted local remote or invalid URI:";
            let comments = vec![
                format!("# Editable Git install ({pinned}) {what}"),
                format!("# '{}'", remote.escape_debug()),
            ];
            return (directory, comments);
        };
        let Some(commit) = self.commit() else {
            return (directory, vec!["## !! Could not determine repository location".to_owned()]);
        };
        let egg = name.as_written().replace('-', "_");
        let subdirectory = self.subdirectory(project).map(|path| format!("&subdirectory={path}"));
        (format!("git+{url}@{commit}#egg={egg}{}", subdirectory.unwrap_or_default()), Vec::new())
    }

    /// The commit that `HEAD` stands for.
    fn commit(&self) -> Option<String> {
        let mut text = read_text(&self.own.join("HEAD"))?;
        for _ in 0..MOST_REFERENCES {
            let Some(reference) = text.trim().strip_prefix("ref:").map(str::trim) else {
                return commit_id(text.trim());
            };
            let is_plain = reference.starts_with("refs/") && !reference.split('/').any(|part| part == "..");
            let reference = is_plain.then_some(reference)?;
            let loose =
                [&self.own, &self.common].into_iter().find_map(|place| read_text(&place.join(reference)));
            match loose {
                Some(next) => text = next,
                None => return self.packed(reference),
            }
        }
        None
    }

    fn packed(&self, reference: &str) -> Option<String> {
        let packed = read_text(&self.common.join("packed-refs"))?;
        let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(_, name)| *name == reference).and_then(|(commit, _)| commit_id(commit))
    }

    /// Where in the repository the Python project lies, if not at its root: the nearest directory from the given one
    /// upwards that has a `pyproject.toml` or `setup.py`.
    fn subdirectory(&self, project: &Path) -> Option<String> {
        let is_project = |directory: &&Path| {
            ["pyproject.toml", "setup.py"].iter().any(|file| fs::stat(&directory.join(file)).is_ok())
        };
        let found = project.ancestors().find(is_project)?.strip_prefix(&self.root).ok()?;
        found.to_str().filter(|path| !path.is_empty() && !path.contains(char::is_control)).map(str::to_owned)
    }
}

fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(fs::read_bounded(path, LONGEST).ok()?).ok()
}

/// A commit's name by SHA-1 or SHA-256.
fn commit_id(text: &str) -> Option<String> {
    let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

/// A remote as pip writes it: URLs as they are, local directories as `file:///`, `user@host:path` as `ssh://`.
fn pip_url(remote: &str) -> Option<String> {
    if remote.contains(|character: char| character.is_control() || character.is_whitespace()) {
        return None;
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    if let Some((scheme, _)) = remote.split_once("://")
        && !scheme.is_empty()
        && scheme.chars().all(is_word)
    {
        return Some(remote.to_owned());
    }
    if Path::new(remote).is_absolute() && fs::stat(Path::new(remote)).is_ok() {
        return Some(file_url::to_url(Path::new(remote)));
    }
    let (host, path) = remote.split_once(':')?;
    let (user, server) = match host.split_once('@') {
        Some((user, server)) => (Some(user), server),
        None => (None, host),
    };
    let user_is_plain = user.is_none_or(|user| !user.is_empty() && user.chars().all(is_word));
    let valid = user_is_plain
        && !server.is_empty()
        && !host.contains('/')
        && path.starts_with(is_word)
        && !path.contains(':');
    valid.then(|| format!("ssh://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::{path_target, pip_url};

    #[test]
    fn remotes_as_pip_writes_them() {
        let url = |remote: &str| pip_url(remote);
        assert_eq!(url("https://u@h/x.git").as_deref(), Some("https://u@h/x.git"));
        assert_eq!(url("git@github.com:o/r.git").as_deref(), Some("ssh://git@github.com/o/r.git"));
        assert_eq!(url("host:o/r").as_deref(), Some("ssh://host/o/r"));
        assert_eq!(url("/").as_deref(), Some("file:///"));
        for bad in ["/nowhere/x.git", "../x", "host:/abs", "a/b:c", "x", "git@h:x\n-r y"] {
            assert_eq!(url(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_directory_stays_on_its_line() {
        assert_eq!(path_target(Path::new("/a b/é")), "/a b/é");
        assert_eq!(path_target(Path::new("/a\n-r x")), "file:///a%0A-r%20x");
        assert_eq!(path_target(Path::new(OsStr::from_bytes(b"/\xff"))), "file:///%FF");
    }
}
