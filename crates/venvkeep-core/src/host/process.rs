//! Starting programs: only a [`TrustedProgram`] (and, for `run`, becoming what the user typed), with the variables that it is given and nothing else, without a
//! standard input, with a bound on what it may print and an end when the user interrupts.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

use super::checkpoint::reach;
use super::programs::TrustedProgram;
use crate::model::interrupt::Interrupt;

/// How much of each output stream is kept: its end, which is where programs say what went wrong.
const KEPT_OUTPUT: usize = 1 << 20;

/// One start of a program.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// What to start.
    pub program: &'a TrustedProgram,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// All of its environment variables.
    pub variables: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub directory: &'a Path,
    /// How long it may take; `None` for as long as it wants (installing a large list).
    pub patience: Option<Duration>,
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its standard output, at most 1 MiB.
    pub stdout: Vec<u8>,
    /// The end of its standard error, at most 1 MiB.
    pub stderr: Vec<u8>,
}

/// Why a program's end was not seen.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("could not start {}: {source}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It took longer than it may.
    #[error("{} did not answer within {} seconds", .program.display(), .patience.as_secs())]
    TooSlow {
        /// The program.
        program: PathBuf,
        /// How long it had.
        patience: Duration,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Runs a program to its end, handing each line of its standard error to `on_line` as it comes.
pub fn run(
    invocation: &Invocation<'_>,
    interrupt: &Interrupt,
    on_line: &mut dyn FnMut(&str),
) -> Result<Finished, ProcessError> {
    let program = invocation.program.path();
    let start = |source| ProcessError::Start { program: program.to_owned(), source };
    reach("start", program).map_err(|error| start(error.into()))?;
    let mut child = Command::new(program)
        .args(&invocation.arguments)
        .env_clear()
        .envs(invocation.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(invocation.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Its own group, so that what it starts can be ended with it. The terminal's Ctrl-C no longer reaches it, but
        // the caller's flag does.
        .process_group(0)
        .spawn()
        .map_err(start)?;
    let outcome = attend(&mut child, invocation, interrupt, on_line);
    if outcome.is_err() {
        stop(&mut child);
    }
    let (stdout, stderr) = outcome?;
    let status = child.wait().map_err(start)?;
    Ok(Finished { status, stdout, stderr })
}

/// Becomes a program that the user named, found as a shell finds it in the `PATH` among the variables; only an error
/// comes back. It is the same process, so that signals, the terminal and the exit code are the program's own.
pub fn become_program(command: &[OsString], variables: &BTreeMap<OsString, OsString>) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::ErrorKind::NotFound.into();
    };
    Command::new(program).args(arguments).env_clear().envs(variables).exec()
}

/// A piece of output, or the end of a stream.
enum Output {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    End,
}

/// Collects output until both streams end, time is up, or the user interrupts.
fn attend(
    child: &mut Child,
    invocation: &Invocation<'_>,
    interrupt: &Interrupt,
    on_line: &mut dyn FnMut(&str),
) -> Result<(Vec<u8>, Vec<u8>), ProcessError> {
    let output = listen(child);
    let deadline = invocation.patience.map(|patience| (Instant::now() + patience, patience));
    let (mut stdout, mut stderr) = (VecDeque::new(), VecDeque::new());
    let mut line = Vec::new();
    let mut open = 2;
    while open > 0 {
        if interrupt.requested() {
            return Err(ProcessError::Interrupted);
        }
        if let Some((at, patience)) = deadline
            && Instant::now() > at
        {
            return Err(ProcessError::TooSlow { program: invocation.program.path().to_owned(), patience });
        }
        match output.recv_timeout(Duration::from_millis(100)) {
            Ok(Output::Stdout(bytes)) => keep_end(&mut stdout, &bytes),
            Ok(Output::Stderr(bytes)) => {
                keep_end(&mut stderr, &bytes);
                for part in bytes.split_inclusive(|&byte| byte == b'\n' || byte == b'\r') {
                    line.extend_from_slice(part);
                    if part.ends_with(b"\n") || part.ends_with(b"\r") {
                        on_line(String::from_utf8_lossy(&line).trim_end());
                        line.clear();
                    }
                }
            }
            Ok(Output::End) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok((stdout.into(), stderr.into()))
}

fn listen(child: &mut Child) -> Receiver<Output> {
    let (sender, receiver) = channel();
    if let Some(stream) = child.stdout.take() {
        forward(stream, sender.clone(), Output::Stdout);
    }
    if let Some(stream) = child.stderr.take() {
        forward(stream, sender, Output::Stderr);
    }
    receiver
}

fn forward(mut stream: impl Read + Send + 'static, to: Sender<Output>, wrap: fn(Vec<u8>) -> Output) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if to.send(wrap(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
        // Nobody listens any more when the run was given up.
        let _ = to.send(Output::End);
    });
}

fn keep_end(kept: &mut VecDeque<u8>, bytes: &[u8]) {
    kept.extend(bytes);
    let excess = kept.len().saturating_sub(KEPT_OUTPUT);
    kept.drain(..excess);
}

/// How often is looked whether something has ended, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(20), 50);

/// Asks a program and all that it started to end, makes them end when they do not, and waits until they are gone: what
/// they were writing into is removed next.
fn stop(child: &mut Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // They may have ended already.
    let _ = kill_process_group(group, Signal::TERM);
    // Until it is waited for, the program's end leaves its number, which is the group's, to nobody else.
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    wait_until(|| !matches!(waitid(WaitId::Pid(group), peek), Ok(None)));
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    // What the program had started is waited for by the system's first process. Where that does not do so (a
    // container), dead processes stay in the group for ever, so there is an end to this too.
    wait_until(|| test_kill_process_group(group).is_err());
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let (pause, times) = LOOK;
    for _ in 0..times {
        if is_so() {
            return;
        }
        std::thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests look at the disk by themselves")]

    use std::fs;
    use std::path::Path;
    use std::thread::sleep;
    use std::time::Duration;

    use super::{Interrupt, Invocation, ProcessError, run};
    use crate::host::credentials;
    use crate::host::programs;

    /// A program whose child beats once in 20 ms into the file `beat`, and goes on when it is asked to end.
    const BEATING: &str = "(trap '' TERM; while :; do echo . >> beat; sleep 0.02; done) & echo up >&2; trap 'exit 1' TERM; wait";

    fn start(directory: &Path, patience: Option<Duration>, interrupt: &Interrupt) -> ProcessError {
        let shell = programs::trust(Path::new("/bin/sh"), &credentials::viewer(Vec::new())).unwrap();
        let invocation = Invocation {
            program: &shell,
            arguments: ["-c", BEATING].map(Into::into).to_vec(),
            variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
            directory,
            patience,
        };
        let flag = interrupt.flag();
        run(&invocation, interrupt, &mut |_| {
            if patience.is_none() {
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        })
        .unwrap_err()
    }

    fn assert_silent(directory: &Path) {
        let beats = || fs::read(directory.join("beat")).map_or(0, |text| text.len());
        let before = beats();
        sleep(Duration::from_millis(200));
        assert_eq!(beats(), before, "a child of the program outlived it");
    }

    #[test]
    fn nothing_of_it_is_left_after_an_interruption() {
        let directory = tempfile::tempdir().unwrap();
        let error = start(directory.path(), None, &Interrupt::default());
        assert!(matches!(error, ProcessError::Interrupted), "{error}");
        assert_silent(directory.path());
    }

    #[test]
    fn nothing_of_it_is_left_when_patience_ends() {
        let directory = tempfile::tempdir().unwrap();
        let error = start(directory.path(), Some(Duration::from_millis(300)), &Interrupt::default());
        assert!(matches!(error, ProcessError::TooSlow { .. }), "{error}");
        assert_silent(directory.path());
    }
}
