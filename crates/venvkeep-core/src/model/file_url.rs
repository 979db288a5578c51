//! `file:` URLs (RFC 8089) and the percent signs in them (RFC 3986): how a path of any bytes is written on one line.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// `file:///...` with every byte escaped that is not plain.
pub fn to_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/_.-~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// The path that a `file:///…` URL means, percent signs decoded, without query and fragment; `None` for every other
/// text.
pub fn to_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = path.split(['?', '#']).next().filter(|path| path.starts_with('/'))?;
    Some(PathBuf::from(OsString::from_vec(percent_decode(path))))
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|pair| std::str::from_utf8(pair).ok());
        match code.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{to_path, to_url};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};

    #[test]
    fn urls_of_other_tools_are_understood() {
        for (url, path) in [
            ("file:///a%20b", Some("/a b")),
            ("file://localhost/a#egg=x", Some("/a")),
            ("file:///a%2", Some("/a%2")),
            ("file://host/a", None),
            ("/a", None),
        ] {
            assert_eq!(to_path(url).as_deref(), path.map(Path::new), "{url}");
        }
    }

    proptest! {
        #[test]
        fn every_path_comes_back_from_one_plain_word(bytes in any::<Vec<u8>>()) {
            let path = PathBuf::from(OsString::from_vec([b"/".as_slice(), &bytes].concat()));
            let url = to_url(&path);
            prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?;$[]".contains(&byte)), "{url}");
            prop_assert_eq!(to_path(&url), Some(path));
        }
    }
}
