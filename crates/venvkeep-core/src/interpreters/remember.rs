//! What interpreters have answered, kept in the user's cache: asking one costs more than everything else that `new`
//! does.
//!
//! An answer holds for one file: path, device, inode, size and time of the last change are written beside it and
//! compared. The cache can be deleted at any time; what cannot be read or does not fit is as good as absent.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ask::{AskError, ask};
use crate::host::container::{Container, Piece};
use crate::host::fs::{Directory, create_dirs, replace_file, stat};
use crate::host::programs::TrustedProgram;
use crate::model::caller::Caller;
use crate::model::facts::{Facts, FileIdentity};
use crate::model::interpreter::BaseInterpreter;
use crate::model::interrupt::Interrupt;
use crate::model::owner::Viewer;

/// An answer is a few kilobytes.
const LIMIT: u64 = 1 << 16;

/// What an answer belongs to. Another version of venvkeep may ask another question.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    asked_by: String,
    program: FileIdentity,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    key: Key,
    answer: BaseInterpreter,
}

/// The interpreter's answer, from the cache where it still holds, else by asking.
pub fn ask_once(
    program: &TrustedProgram,
    caller: &Caller,
    interrupt: &Interrupt,
) -> Result<BaseInterpreter, AskError> {
    let place = caller.cache_dir.as_ref().map(|cache| cache.join("interpreters"));
    let key = stat(program.path()).ok().map(|facts| Key::new(program.path(), &facts));
    let (Some(place), Some(key)) = (place, key) else {
        return ask(program, &caller.viewer, interrupt);
    };
    if let Some(answer) = recall(&place, &key, &caller.viewer) {
        return Ok(answer);
    }
    let answer = ask(program, &caller.viewer, interrupt)?;
    remember(&place, &Remembered { key, answer: answer.clone() });
    Ok(answer)
}

impl Key {
    fn new(program: &Path, facts: &Facts) -> Self {
        let program = FileIdentity::of(program, facts);
        Self { asked_by: env!("CARGO_PKG_VERSION").to_owned(), program }
    }

    fn file_name(&self) -> String {
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(self.program.path().as_os_str().as_bytes()));
        format!("{name}.json")
    }
}

/// Reads an answer from a file that nobody but the user can have written: it says which programs to start.
fn recall(place: &Path, key: &Key, viewer: &Viewer) -> Option<BaseInterpreter> {
    let directory = Directory::open_own(place, viewer).ok()?;
    let file = Container::open(&directory, key.file_name().as_ref(), viewer).ok()?;
    let content = file.read(Piece { at: 0, size: file.size().min(LIMIT) }).ok()?;
    let remembered: Remembered = serde_json::from_slice(&content).ok()?;
    // The base may be gone although the program that was asked, a wrapper, is still there.
    (remembered.key == *key && stat(&remembered.answer.executable).is_ok()).then_some(remembered.answer)
}

/// Keeps an answer. A cache that cannot be written only costs time.
fn remember(place: &Path, remembered: &Remembered) {
    let Ok(content) = serde_json::to_vec(remembered) else { return };
    if create_dirs(place, 0o700).is_ok() {
        let _ = replace_file(&place.join(remembered.key.file_name()), 0o600, &content);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests write what a cache may come to hold")]

    use super::{Key, Remembered, recall, remember};
    use crate::host::credentials::viewer;
    use crate::host::fs::stat;
    use crate::model::interpreter::BaseInterpreter;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn remembered() -> Remembered {
        let program = Path::new("/bin/sh");
        let answer: BaseInterpreter = serde_json::from_value(serde_json::json!({
            "executable": "/bin/sh", "implementation": "cpython", "version": "3.11.2", "base_prefix": "/usr",
            "cache_tag": null, "stdlib": "/usr/lib/python3.11", "free_threaded": false, "platform": "linux-x86_64",
            "extension_suffix": null, "libc": null, "wheel_dir": null, "markers": {},
            "scheme": {"purelib": "a", "platlib": "a", "scripts": "bin", "include": "include", "data": ""},
        }))
        .unwrap();
        Remembered { key: Key::new(program, &stat(program).unwrap()), answer }
    }

    #[test]
    fn an_answer_comes_back_for_the_same_file_only() {
        let cache = tempfile::tempdir().unwrap();
        let place = cache.path().join("interpreters");
        let me = viewer(Vec::new());
        let mut kept = remembered();
        assert_eq!(recall(&place, &kept.key, &me), None);
        remember(&place, &kept);
        assert_eq!(recall(&place, &kept.key, &me).as_ref(), Some(&kept.answer));
        let mut facts = stat(Path::new("/bin/sh")).unwrap();
        facts.modified_ns += 1;
        kept.key = Key::new(Path::new("/bin/sh"), &facts);
        assert_eq!(recall(&place, &kept.key, &me), None, "the interpreter has changed");
    }

    #[test]
    fn a_garbled_or_foreign_cache_is_none() {
        let cache = tempfile::tempdir().unwrap();
        let place = cache.path().join("interpreters");
        let kept = remembered();
        remember(&place, &kept);

        let mut somebody_else = viewer(Vec::new());
        somebody_else.uid += 1;
        assert_eq!(recall(&place, &kept.key, &somebody_else), None);

        let file = place.join(kept.key.file_name());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o602)).unwrap();
        assert_eq!(recall(&place, &kept.key, &viewer(Vec::new())), None, "anybody can have written it");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        for garbled in [&b""[..], b"\xff\xfe{", b"{\"key\": 1}", &vec![b'['; 70_000]] {
            std::fs::write(&file, garbled).unwrap();
            assert_eq!(recall(&place, &kept.key, &viewer(Vec::new())), None);
        }
    }
}
