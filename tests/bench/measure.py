"""Two commands in turns, so that a busy machine disturbs both alike, and what each run cost."""

from __future__ import annotations

import ctypes
import os
import re
import resource  # noqa: F401 # os.wait4 needs it, when root's Python may be out of reach already
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """A command that was to be measured did not do its work: there is nothing to compare."""


class Spread(NamedTuple):
    """What a figure was over all runs."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        return cls(min(figures), statistics.median(figures), max(figures))


class Counts(NamedTuple):
    """What does not depend on the machine's mood; None where there is no tool to count with."""

    system_calls: int | None
    programs_started: int | None
    instructions: int | None


# What to start, and its environment variables.
Invocation = tuple[Sequence[str], dict[str, str]]
# Clears the ground and says what to start on it.
Maker = Callable[[], Invocation]


class Stopwatch:
    """Starts commands in the working directory, which also takes their messages."""

    def __init__(self) -> None:
        # Orphans come to this process: see `peak`.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._messages = Path("messages").absolute()

    def run(self, invocation: Invocation) -> None:
        """Without measuring."""
        self.timed(invocation)

    def pairs(self, makers: Sequence[Maker], number: int) -> dict[str, list[Sequence[float]]]:
        """`number` times one of each maker's commands after the other. Times are in milliseconds;
        a peak, in MiB, is the largest single process of fewer runs of their own (see `peak`)."""
        times = [[self.timed(make()) for make in makers] for _ in range(number)]
        return {
            "wall_ms": [[wall for wall, _ in pair] for pair in times],
            "cpu_ms": [[cpu for _, cpu in pair] for pair in times],
            "peak_mib": [[self.peak(make()) for make in makers] for _ in range(min(number, 5))],
        }

    def counts(self, make: Maker) -> Counts:
        """One run under strace, and one under valgrind, which takes some fifty times as long."""
        calls = started = instructions = None
        if strace := shutil.which("strace"):
            table = Path("strace").absolute()
            arguments, variables = make()
            self.timed(([strace, "-f", "-c", "-o", str(table), *arguments], variables))
            calls, started = _in_table(table.read_text())
        if valgrind := shutil.which("valgrind"):
            logs = Path("valgrind").absolute()
            logs.mkdir()
            options = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
            options += ["--trace-children=yes", f"--log-file={logs}/%p"]
            arguments, variables = make()
            self.timed(([valgrind, *options, *arguments], variables))
            instructions = sum(_in_log(log.read_text()) for log in logs.iterdir())
            shutil.rmtree(logs)
        return Counts(calls, started, instructions)

    def timed(self, invocation: Invocation) -> tuple[float, float]:
        """Wall time and processor time in milliseconds."""
        begun = time.perf_counter()
        child = self._start(invocation)
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - begun
        self._insist(status, invocation)
        return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3

    def peak(self, invocation: Invocation) -> float:
        """Linux counts the starting process's own memory into the peak of what it starts, and
        this one is a whole Python. So a small shell starts the command and leaves it an orphan."""
        arguments, variables = invocation
        launcher = self._start((["/bin/sh", "-c", '"$@" &', "sh", *arguments], variables))
        largest = 0
        while True:
            try:
                child, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                return largest / 1024
            self._insist(status, invocation)
            if child != launcher:
                largest = max(largest, usage.ru_maxrss)

    def _start(self, invocation: Invocation) -> int:
        arguments, variables = invocation
        overwrite = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        streams = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(self._messages), overwrite, 0o600),
        ]
        return os.posix_spawn(arguments[0], arguments, variables, file_actions=streams)

    def _insist(self, status: int, invocation: Invocation) -> None:
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            messages = self._messages.read_text(errors="replace")
            raise Failed(f"{' '.join(invocation[0])}\nended with {code}:\n{messages}")


def _in_table(table: str) -> tuple[int, int]:
    """System calls, and programs started, in what `strace -c` wrote."""
    # The columns: % time, seconds, usecs/call, calls, errors where there were any, name.
    rows = {row[-1]: row for line in table.splitlines() if len(row := line.split()) >= 5}
    total, execve = rows["total"], rows["execve"]
    failed = int(execve[4]) if len(execve) == 6 else 0
    return int(total[3]), int(execve[3]) - failed


def _in_log(log: str) -> int:
    """Instructions that cachegrind counted in one process."""
    found = re.findall(r"I\s+refs:\s+([\d,]+)", log)
    return int(found[-1].replace(",", "")) if found else 0
