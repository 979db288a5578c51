//! One run of a program: as whom, with which environment, for how long, and what came of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{OrFail, Who};

/// Generous for a loaded machine with two cores; what takes longer hangs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// `umask` and limits are inherited and the process has one of each for all threads: a shell sets them for one child.
const SET_LIMITS: &str = r#"umask "$1" && ulimit -v "$2" && shift 2 && exec "$@""#;

/// A program that is about to run. The environment holds HOME, PATH, LANG and TERM, and what the
/// test adds; the umask is 022; standard input is empty.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `run`"]
pub struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) who: Who,
    directory: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    umask: Option<u32>,
    memory: Option<u32>,
    stdin: Vec<u8>,
    pub(crate) time_limit: Duration,
}

impl Invocation {
    pub(crate) fn new(program: &Path, who: Who, home: &Path) -> Self {
        let path = match who {
            Who::Root => "/usr/sbin:/usr/bin:/sbin:/bin",
            Who::User | Who::Other => "/usr/bin:/bin",
        };
        let variables = [
            ("HOME", home.as_os_str()),
            ("PATH", OsStr::new(path)),
            ("LANG", OsStr::new("C.UTF-8")),
            ("TERM", OsStr::new("dumb")),
        ];
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            who,
            directory: home.to_owned(),
            variables: variables.map(|(name, value)| (name.into(), value.into())).into(),
            umask: None,
            memory: None,
            stdin: Vec::new(),
            time_limit: TIME_LIMIT,
        }
    }

    /// The program's own path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Appends one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Appends arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Runs in `directory` instead of the home.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        directory.as_ref().clone_into(&mut self.directory);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Takes an environment variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.variables.remove(name.as_ref());
        self
    }

    /// Puts `directory` first in PATH.
    pub fn path_first(self, directory: impl AsRef<Path>) -> Self {
        let mut path = directory.as_ref().as_os_str().to_owned();
        if let Some(rest) = self.variables.get(OsStr::new("PATH")) {
            path.push(":");
            path.push(rest);
        }
        self.env("PATH", path)
    }

    /// Adds what `sudo` would tell root about the user who called it.
    pub fn under_sudo_of(self, caller: Who) -> Self {
        self.env("SUDO_UID", caller.uid().to_string())
            .env("SUDO_GID", caller.gid().to_string())
            .env("SUDO_USER", "somebody")
            .env("SUDO_COMMAND", "/usr/bin/venvkeep")
    }

    /// The user's index settings name one directory of wheels, and nothing else.
    pub fn wheels_only(self, directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref();
        self.env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", directory)
            .env("UV_OFFLINE", "1")
            .env("UV_FIND_LINKS", directory)
    }

    /// The user's index settings name an index that nobody answers for.
    pub fn index_unreachable(self) -> Self {
        let nowhere = "http://127.0.0.1:9/simple";
        self.env("PIP_INDEX_URL", nowhere)
            .env("PIP_RETRIES", "0")
            .env("UV_DEFAULT_INDEX", nowhere)
            .env("UV_HTTP_RETRIES", "0")
    }

    /// The machine's own settings for the package index: for the suite that needs it. They come
    /// from the environment of the tests, where certificates, proxies and mirrors are named.
    pub fn index_of_the_machine(mut self) -> Self {
        let is_setting = |name: &str| {
            let name = name.to_ascii_uppercase();
            name.starts_with("PIP_")
                || name.starts_with("UV_")
                || name.starts_with("SSL_CERT_")
                || name.ends_with("_PROXY")
        };
        let settings = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_setting));
        self.variables.extend(settings);
        self
    }

    /// Runs under this umask instead of 022.
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = Some(umask);
        self
    }

    /// Lets the program have this many kibibytes of address space: it fails when it asks for more.
    pub fn memory(mut self, kibibytes: u32) -> Self {
        self.memory = Some(kibibytes);
        self
    }

    /// Gives the program something to read: at most what a pipe holds (64 KiB).
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Kills the program, and fails the test, after this time instead of two minutes.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The program and its arguments, for another program that starts it (strace).
    pub fn words(&self) -> Vec<OsString> {
        [self.program.clone().into_os_string()].into_iter().chain(self.args.iter().cloned()).collect()
    }

    /// Starts the program in its own process group and leaves it to the caller.
    pub fn spawn(&self) -> Child {
        self.command().spawn().or_fail("start", &self.program)
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it does not start, or does not end within the time limit.
    #[must_use = "a run whose outcome nobody looks at tests nothing"]
    #[track_caller]
    pub fn run(&self) -> Output {
        let mut child = self.spawn();
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading is judged by its outcome.
            stdin.write_all(&self.stdin).ok();
        }
        let group = Pid::from_child(&child);
        let (ended, watch) = mpsc::channel::<()>();
        let limit = self.time_limit;
        let watchdog = thread::spawn(move || {
            let hangs = watch.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if hangs {
                // Fails only when the last process of the group ended this very moment.
                kill_process_group(group, Signal::KILL).ok();
            }
            hangs
        });
        let output = child.wait_with_output().or_fail("wait for", &self.program);
        drop(ended);
        let output = Output {
            command: self.to_string(),
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!watchdog.join().unwrap_or(true), "killed after {limit:?}: {output}");
        output
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = if self.umask.is_none() && self.memory.is_none() {
            Command::new(&self.program)
        } else {
            let umask = format!("{:03o}", self.umask.unwrap_or(0o022));
            let memory = self.memory.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", SET_LIMITS, "sh", &umask, &memory]).arg(&self.program);
            shell
        };
        command
            .args(&self.args)
            .env_clear()
            .envs(&self.variables)
            .current_dir(&self.directory)
            .stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if self.who != Who::Root {
            // The standard library also clears the supplementary groups.
            command.uid(self.who.uid()).gid(self.who.gid());
        }
        command
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.who, self.program.display())?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}

/// What a program said and how it ended. The assertions return it, so that they chain.
#[derive(Clone, Debug)]
pub struct Output {
    command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

#[expect(clippy::return_self_not_must_use, reason = "the assertions return it only so that they chain")]
impl Output {
    pub(crate) fn new(command: String, status: ExitStatus, stdout: String, stderr: String) -> Self {
        Self { command, status, stdout, stderr }
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.code(0)
    }

    /// Asserts this exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "expected exit code {code} of {self}");
        self
    }

    /// Asserts that standard output contains `text`.
    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "expected {text:?} on stdout of {self}");
        self
    }

    /// Asserts that standard output does not contain `text`.
    #[track_caller]
    pub fn stdout_lacks(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "expected no {text:?} on stdout of {self}");
        self
    }

    /// Asserts that standard output is exactly `text`.
    #[track_caller]
    pub fn stdout_is(self, text: &str) -> Self {
        assert!(self.stdout == text, "expected exactly {text:?} on stdout of {self}");
        self
    }

    /// Asserts that standard error contains `text`.
    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected {text:?} on stderr of {self}");
        self
    }

    /// Asserts that standard error does not contain `text`.
    #[track_caller]
    pub fn stderr_lacks(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "expected no {text:?} on stderr of {self}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn stdout_json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("expected JSON ({error}) on stdout of {self}"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.command)?;
        match self.status.signal() {
            Some(signal) => writeln!(f, "--- killed by signal {signal}")?,
            None => writeln!(f, "--- {}", self.status)?,
        }
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
    }
}
