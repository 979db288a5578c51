//! The remotes in a git repository's `config` (git-config, "Configuration file").

/// The URL of the remote that a freeze names: the first one of `origin`, else the first of any.
pub fn remote_url(config: &str) -> Option<String> {
    let mut first = None;
    let mut section = Section::Other;
    for line in config.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = Section::parse(header);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if section == Section::Other || !key.trim().eq_ignore_ascii_case("url") {
            continue;
        }
        let value = plain_value(value);
        if section == Section::Origin {
            return Some(value);
        }
        first.get_or_insert(value);
    }
    first
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// `[remote "origin"]`
    Origin,
    /// `[remote "NAME"]`
    Remote,
    /// Anything else.
    Other,
}

impl Section {
    fn parse(header: &str) -> Self {
        let Some((title, name)) = header.split_once('"') else { return Self::Other };
        if !title.trim().eq_ignore_ascii_case("remote") {
            return Self::Other;
        }
        if name.split('"').next() == Some("origin") { Self::Origin } else { Self::Remote }
    }
}

/// A value without its quotes, its escapes undone, and without the comment behind it.
fn plain_value(text: &str) -> String {
    let mut value = String::new();
    let mut quoted = false;
    let mut characters = text.trim().chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(escaped) => value.push(escaped),
                None => {}
            },
            _ => value.push(character),
        }
    }
    value.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::remote_url;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn origin_before_others() {
        let config = "[core]\n\tbare = false\n[remote \"up\"]\n\turl = https://up/x.git\n\
                      [remote \"origin\"]\n\tfetch = +refs/*\n\tURL = git@h:o/r.git ; mine\n";
        assert_eq!(remote_url(config).as_deref(), Some("git@h:o/r.git"));
        let config =
            "[remote \"up\"]\n\tpushurl = x\n\turl = \"https://up/#x\" # note\n[branch \"m\"]\n\turl = no\n";
        assert_eq!(remote_url(config).as_deref(), Some("https://up/#x"));
        assert_eq!(remote_url("[core]\nurl = x\n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = remote_url(&text);
            let _ = remote_url(&format!("[remote \"origin\"]\nurl = {text}"));
        }

        #[test]
        fn a_plain_url_comes_back(url in "[a-z]{3,5}://[a-z.]{1,9}/[a-z/]{0,9}") {
            prop_assert_eq!(remote_url(&format!("[remote \"o\"]\n\turl = {url}\n")), Some(url));
        }
    }
}
