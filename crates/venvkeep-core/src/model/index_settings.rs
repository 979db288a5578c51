//! Where an installer looks for distributions: the part of pip's configuration that says so, and nothing else of it.
//!
//! pip's configuration files can make pip do other things, of which `python = /x` (run that program) is the worst, so
//! only the keys below are taken over from an environment's own `pip.conf`. Source: pip's configuration documentation;
//! DESIGN section 3.

use serde::{Deserialize, Serialize};

/// Index settings, as far as they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexSettings {
    /// `index-url`: instead of PyPI.
    pub index_url: Option<String>,
    /// `extra-index-url`: besides it.
    pub extra_index_urls: Vec<String>,
    /// `find-links`: directories or pages with links to files.
    pub find_links: Vec<String>,
    /// `no-index`: nothing but those.
    pub no_index: Option<bool>,
    /// `cert`: the authorities to believe.
    pub cert: Option<String>,
    /// `client-cert`: whom the server shall believe.
    pub client_cert: Option<String>,
    /// `proxy`.
    pub proxy: Option<String>,
    /// `trusted-host`: servers that need no valid certificate.
    pub trusted_hosts: Vec<String>,
}

/// The keys that are read.
pub const KEYS: [&str; 8] = [
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "cert",
    "client-cert",
    "proxy",
    "trusted-host",
];

impl IndexSettings {
    /// Reads the sections `[global]` and `[install]` of a `pip.conf`; the latter wins, as it does for `pip install`.
    /// Lines that make no sense are passed over.
    pub fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (key, value) in conf_entries(text) {
            settings.set(&key, &value);
        }
        settings
    }

    /// Sets one key as pip spells it (case, `_` and a leading `--` do not matter); others are passed over, and so are
    /// values with control characters other than the blanks that part a list.
    ///
    /// What is set here is handed to installers in lines and variables: no value may bring a line of its own (Python
    /// ends lines at a carriage return too), nor a URL an option behind it.
    pub fn set(&mut self, key: &str, value: &str) {
        if value.chars().any(|character| character.is_control() && !character.is_ascii_whitespace()) {
            return;
        }
        let one = || {
            let value = value.trim();
            (!value.is_empty() && !value.contains(char::is_control)).then(|| value.to_owned())
        };
        let url = || one().filter(|url| !url.contains(char::is_whitespace));
        let list = || value.split_whitespace().map(str::to_owned).collect();
        match plain_key(key).as_str() {
            "index-url" => self.index_url = url().or(self.index_url.take()),
            "extra-index-url" => self.extra_index_urls = list(),
            "find-links" => self.find_links = list(),
            "no-index" => self.no_index = truth(value).or(self.no_index),
            "cert" => self.cert = one().or(self.cert.take()),
            "client-cert" => self.client_cert = one().or(self.client_cert.take()),
            "proxy" => self.proxy = one().or(self.proxy.take()),
            "trusted-host" => self.trusted_hosts = list(),
            _ => {}
        }
    }

    /// These settings where they are set, `weaker`'s elsewhere.
    #[must_use]
    pub fn over(self, weaker: Self) -> Self {
        let list = |mine: Vec<String>, theirs| if mine.is_empty() { theirs } else { mine };
        Self {
            index_url: self.index_url.or(weaker.index_url),
            extra_index_urls: list(self.extra_index_urls, weaker.extra_index_urls),
            find_links: list(self.find_links, weaker.find_links),
            no_index: self.no_index.or(weaker.no_index),
            cert: self.cert.or(weaker.cert),
            client_cert: self.client_cert.or(weaker.client_cert),
            proxy: self.proxy.or(weaker.proxy),
            trusted_hosts: list(self.trusted_hosts, weaker.trusted_hosts),
        }
    }

    /// Without user names, passwords and tokens in its addresses.
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        let list = |addresses: &[String]| addresses.iter().map(|one| bare_address(one)).collect();
        let one = |address: &Option<String>| address.as_deref().map(bare_address);
        Self {
            index_url: one(&self.index_url),
            extra_index_urls: list(&self.extra_index_urls),
            find_links: list(&self.find_links),
            // A proxy may be written without a scheme.
            proxy: one(&self.proxy).map(|proxy| match proxy.rsplit_once('@') {
                Some((_, host)) if !proxy.contains("://") => host.to_owned(),
                _ => proxy,
            }),
            ..self.clone()
        }
    }

    /// As the variables that pip takes each of them from.
    pub fn to_pip_variables(&self) -> Vec<(String, String)> {
        let one = |value: &Option<String>| value.clone().unwrap_or_default();
        let truth = |value: bool| if value { "1" } else { "0" }.to_owned();
        let values = [
            one(&self.index_url),
            self.extra_index_urls.join(" "),
            self.find_links.join(" "),
            self.no_index.map(truth).unwrap_or_default(),
            one(&self.cert),
            one(&self.client_cert),
            one(&self.proxy),
            self.trusted_hosts.join(" "),
        ];
        let named = KEYS.into_iter().map(pip_variable).zip(values);
        named.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Those that a requirements file can say, as its option lines.
    pub fn to_requirement_options(&self) -> String {
        let index = self.index_url.iter().map(|url| format!("--index-url {url}\n"));
        let extra = self.extra_index_urls.iter().map(|url| format!("--extra-index-url {url}\n"));
        let links = self.find_links.iter().map(|place| format!("--find-links {place}\n"));
        let none = self.no_index.filter(|&no| no).map(|_| "--no-index\n".to_owned());
        index.chain(extra).chain(links).chain(none).collect()
    }
}

/// A URL without the user's part and without a query; a path as it is.
fn bare_address(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// The variable that pip takes a key from.
pub fn pip_variable(key: &str) -> String {
    format!("PIP_{}", key.to_ascii_uppercase().replace('-', "_"))
}

/// A key without what pip does not look at: case, `_` for `-`, a leading `--`.
fn plain_key(key: &str) -> String {
    key.trim().trim_start_matches("--").to_ascii_lowercase().replace('_', "-")
}

/// The keys and values of a `pip.conf` that count for `pip install`: first those of `[global]`, then those of
/// `[install]`, which win. The keys are lower case with hyphens.
pub fn conf_entries(text: &str) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    for wanted in ["global", "install"] {
        let mut section = String::new();
        let mut entry: Option<(String, String)> = None;
        for line in text.lines().chain(["[end]"]) {
            let trimmed = line.trim();
            let continues = line.starts_with([' ', '\t']) && !trimmed.is_empty();
            if let (true, Some((_, value))) = (continues, &mut entry) {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            entries.extend(entry.take());
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                name.clone_into(&mut section);
            } else if section == wanted
                && let Some((key, value)) = trimmed.split_once(['=', ':'])
            {
                entry = Some((plain_key(key), value.trim().to_owned()));
            }
        }
    }
    entries
}

/// What Python's `configparser` and pip take for true and false.
fn truth(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Some(true),
        "0" | "false" | "no" | "off" | "n" | "f" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::IndexSettings;

    #[test]
    fn only_index_settings_come_over() {
        let conf = "[global]\nindex_url = https://one.example/simple\npython = /tmp/evil\ntarget=/x\n\
                    find-links =\n    /wheels\n    https://two.example/\n[install]\nno-index: yes\n\
                    index-url=https://three.example/simple\n[freeze]\nindex-url=https://no.example\n";
        let settings = IndexSettings::parse(conf);
        assert_eq!(settings.index_url.as_deref(), Some("https://three.example/simple"));
        assert_eq!(settings.find_links, ["/wheels", "https://two.example/"]);
        assert_eq!(settings.no_index, Some(true));
        assert!(settings.to_pip_variables().iter().all(|(_, value)| !value.contains("evil")));
        assert_eq!(
            settings.to_requirement_options(),
            "--index-url https://three.example/simple\n--find-links /wheels\n--find-links https://two.example/\n--no-index\n"
        );
    }

    #[test]
    fn a_value_cannot_smuggle_in_another_key() {
        let mut settings = IndexSettings::default();
        for end in ["\n", "\r", "\r\n", "\x0c"] {
            settings.set("PROXY", &format!("http://p{end}python = /tmp/evil"));
        }
        settings.set("index-url", "https://x --find-links /tmp/evil");
        settings.set("cert", "a\u{1b}[2J");
        assert_eq!(settings, IndexSettings::default());
    }

    #[test]
    fn credentials_are_taken_out_of_addresses() {
        let bare = |url: &str| super::bare_address(url);
        assert_eq!(bare("https://ana:p@ss@x:8080/simple?token=1#y"), "https://x:8080/simple");
        assert_eq!(bare("https://token@x"), "https://x");
        assert_eq!(bare("/wheels/a@b"), "/wheels/a@b");
        assert_eq!(bare("file:///a@b/c"), "file:///a@b/c");
        let mut settings = IndexSettings::default();
        settings.set("proxy", "ana:secret@proxy:3128");
        assert_eq!(settings.without_credentials().proxy.as_deref(), Some("proxy:3128"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_written_reads_back(text in any::<String>(), url in "[a-z]{1,9}://[a-z./]{0,20}") {
            let mut settings = IndexSettings::parse(&text);
            settings.set("index-url", &url);
            let mut again = IndexSettings::default();
            for (name, value) in settings.to_pip_variables() {
                again.set(name.strip_prefix("PIP_").unwrap(), &value);
            }
            assert_eq!(again, settings);
        }
    }
}
