//! Where an installer looks for distributions: the part of pip's configuration that says so, and nothing else of it.
//!
//! pip's configuration files can make pip do other things, of which `python = /x` (run that program) is the worst, so
//! only the keys below are taken over from an environment's own `pip.conf`. Source: pip's configuration documentation;
//! DESIGN section 3.

use std::fmt::Write;

/// Index settings, as far as they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
                if let Some((key, value)) = entry.take() {
                    settings.set(&key, &value);
                }
                if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                    continue;
                }
                if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                    name.clone_into(&mut section);
                } else if section == wanted
                    && let Some((key, value)) = trimmed.split_once(['=', ':'])
                {
                    entry = Some((key.to_owned(), value.trim().to_owned()));
                }
            }
        }
        settings
    }

    /// Sets one key as pip spells it (case, `_` and a leading `--` do not matter); others are passed over, and so are
    /// values with control characters other than the line ends that part a list.
    pub fn set(&mut self, key: &str, value: &str) {
        let key = key.trim().trim_start_matches("--").to_ascii_lowercase().replace('_', "-");
        if value.chars().any(|character| character.is_control() && !character.is_ascii_whitespace()) {
            return;
        }
        let one = || Some(value.trim().to_owned()).filter(|value| !value.is_empty() && !value.contains('\n'));
        let list = || value.split_whitespace().map(str::to_owned).collect();
        match key.as_str() {
            "index-url" => self.index_url = one().or(self.index_url.take()),
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

    /// As a `pip.conf` with these keys and no others; empty when nothing is set.
    pub fn to_pip_conf(&self) -> String {
        let mut text = String::new();
        let one = |key: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{key} = {value}\n")).unwrap_or_default()
        };
        let list = |key: &str, values: &[String]| {
            if values.is_empty() {
                String::new()
            } else {
                format!("{key} =\n    {}\n", values.join("\n    "))
            }
        };
        text.push_str(&one("index-url", &self.index_url));
        text.push_str(&list("extra-index-url", &self.extra_index_urls));
        text.push_str(&list("find-links", &self.find_links));
        if let Some(no_index) = self.no_index {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "no-index = {no_index}");
        }
        text.push_str(&one("cert", &self.cert));
        text.push_str(&one("client-cert", &self.client_cert));
        text.push_str(&one("proxy", &self.proxy));
        text.push_str(&list("trusted-host", &self.trusted_hosts));
        if text.is_empty() { text } else { format!("[global]\n{text}") }
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
        assert!(!settings.to_pip_conf().contains("evil"));
        assert_eq!(
            settings.to_requirement_options(),
            "--index-url https://three.example/simple\n--find-links /wheels\n--find-links https://two.example/\n--no-index\n"
        );
    }

    #[test]
    fn a_value_cannot_smuggle_in_another_key() {
        let mut settings = IndexSettings::default();
        settings.set("PROXY", "http://p\npython = /tmp/evil");
        settings.set("cert", "a\u{1b}[2J");
        assert_eq!(settings, IndexSettings::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_written_reads_back(text in any::<String>(), url in "[a-z]{1,9}://[a-z./]{0,20}") {
            let mut settings = IndexSettings::parse(&text);
            settings.set("index-url", &url);
            let again = IndexSettings::parse(&settings.to_pip_conf());
            assert_eq!(again, settings);
        }
    }
}
