//! The environment variables an installer is started with.
//!
//! The user's own, because a build may need any of them, except those that would send the installation elsewhere,
//! change Python's behaviour, or lead back into the broken environment, which may be the active one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Installer;
use super::settings::Given;
use crate::host::programs::clean_search_path;
use crate::model::caller::Caller;

/// Variables of pip that say how to reach packages. Where they are is told in full; all others are left out.
const PIP_KEPT: [&str; 6] =
    ["CACHE_DIR", "NO_CACHE_DIR", "TIMEOUT", "DEFAULT_TIMEOUT", "RETRIES", "KEYRING_PROVIDER"];

/// Variables of uv that would aim it at another environment or change what is installed.
const UV_LEFT_OUT: [&str; 20] = [
    "PYTHON",
    "SYSTEM_PYTHON",
    "BREAK_SYSTEM_PACKAGES",
    "TARGET",
    "PREFIX",
    "PROJECT",
    "PROJECT_ENVIRONMENT",
    "WORKING_DIRECTORY",
    "WORKING_DIR",
    "LINK_MODE",
    "COMPILE_BYTECODE",
    "CONSTRAINT",
    "BUILD_CONSTRAINT",
    "OVERRIDE",
    "EXCLUDE",
    "REQUIRE_HASHES",
    "RESOLUTION",
    "EXCLUDE_NEWER",
    "NO_INSTALLER_METADATA",
    "MANAGED_PYTHON",
];

/// Variables that hold one path each, which uv takes relative to where it is started: not where the user is.
const UV_PATHS: [&str; 5] =
    ["UV_CACHE_DIR", "UV_CONFIG_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT"];

/// All variables for one start of the installer; `private` is a directory of this run's that nobody else can enter.
pub(super) fn for_installer(
    installer: &Installer,
    caller: &Caller,
    given: &Given,
    private: &Path,
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = caller
        .variables
        .iter()
        .filter(|(name, _)| is_kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Ok(path) = std::env::join_paths(clean_search_path(&caller.search_path())) {
        variables.push(("PATH".into(), path));
    }
    // The installer's group is not the terminal's: whoever asked there would wait for ever. git fails instead, and ssh
    // asks in a window where it can.
    variables.extend(pairs(&[("GIT_TERMINAL_PROMPT", "0"), ("SSH_ASKPASS_REQUIRE", "force")]));
    // pip starts a script that it unpacks there to build what is no wheel, and Python takes modules from beside a script:
    // in `/tmp` these could be anybody's.
    variables.push(("TMPDIR".into(), private.into()));
    match installer {
        Installer::Pip { .. } => {
            // pip then reads no file: see `settings`.
            variables.extend(pairs(&[("PIP_CONFIG_FILE", "/dev/null")]));
            let told = given.settings.to_pip_variables().into_iter();
            // Of two of one name the later counts: what the user has set as a variable stays.
            let means = given.means.clone().into_iter().filter(|(name, _)| caller.variable(name).is_none());
            variables.extend(told.chain(means).map(|(name, value)| (name.into(), value.into())));
        }
        Installer::Uv(_) => {
            variables.extend(for_uv(caller, given));
            for (_, value) in
                variables.iter_mut().filter(|(name, _)| UV_PATHS.iter().any(|path| name == path))
            {
                *value = caller.absolute(value.as_ref()).into();
            }
        }
    }
    variables
}

fn is_kept(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let rest = |prefix: &str| bytes.strip_prefix(prefix.as_bytes()).map(String::from_utf8_lossy);
    if let Some(setting) = rest("PIP_") {
        return PIP_KEPT.contains(&setting.as_ref());
    }
    if let Some(setting) = rest("UV_") {
        return !UV_LEFT_OUT.contains(&setting.as_ref());
    }
    let python = bytes.starts_with(b"PYTHON") || bytes.starts_with(b"__PYVENV");
    let active = bytes.starts_with(b"VIRTUAL_ENV") || bytes.starts_with(b"CONDA");
    !python && !active && bytes != b"PATH" && bytes != b"TMPDIR"
}

/// Certificates, proxies and hosts, which uv takes from variables only; what the user has set already stays.
fn for_uv(caller: &Caller, given: &Given) -> Vec<(OsString, OsString)> {
    let settings = &given.settings;
    let hosts = Some(settings.trusted_hosts.join(" ")).filter(|hosts| !hosts.is_empty());
    let wanted = [
        ("SSL_CERT_FILE", settings.cert.clone()),
        ("SSL_CLIENT_CERT", settings.client_cert.clone()),
        ("HTTP_PROXY", settings.proxy.clone()),
        ("HTTPS_PROXY", settings.proxy.clone()),
        ("UV_INSECURE_HOST", hosts),
    ];
    wanted
        .into_iter()
        .filter(|(name, _)| caller.variable(name).is_none())
        .filter_map(|(name, value)| Some((name.into(), value?.into())))
        .collect()
}

fn pairs(given: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    given.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::is_kept;

    #[test]
    fn what_would_aim_elsewhere_is_left_out() {
        let left_out = [
            "PIP_TARGET",
            "PIP_CONFIG_FILE",
            "PIP_PYTHON",
            "PIP_USER",
            "PIP_NO_DEPS",
            "UV_TARGET",
            "UV_PYTHON",
            "PYTHONPATH",
            "PYTHONHOME",
            "VIRTUAL_ENV",
            "VIRTUAL_ENV_PROMPT",
            "CONDA_PREFIX",
            "PATH",
            "TMPDIR",
            "__PYVENV_LAUNCHER__",
        ];
        for name in left_out {
            assert!(!is_kept(OsStr::new(name)), "{name}");
        }
        for name in [
            "PIP_TIMEOUT",
            "PIP_KEYRING_PROVIDER",
            "UV_INDEX",
            "UV_CACHE_DIR",
            "HOME",
            "CFLAGS",
            "https_proxy",
        ] {
            assert!(is_kept(OsStr::new(name)), "{name}");
        }
    }
}
