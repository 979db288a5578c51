"""The ground for a measurement: the programs, an unprivileged user, an empty directory."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import Failed, Invocation
from scenarios import PREPARATIONS, Scenario

REPOSITORY = Path(__file__).resolve().parents[2]
# Not an account's: what is measured runs without privileges, also where root measures.
NOBODYS_UID = 61234


def find_tools(program: Path | None) -> dict[str, str]:
    """The path of every program that a scenario can name."""
    tools = os.environ.get("VENVKEEP_TEST_TOOLS") or f"/var/tmp/venvkeep-test-tools-{os.getuid()}"
    found = {
        "venvkeep": str(program or built()),
        "python3": "/usr/bin/python3",
        "python312": f"{tools}/python/3.12/bin/python3.12",
        "virtualenv": f"{tools}/venv/bin/virtualenv",
        "uv": f"{tools}/uv/uv",
        "sh": "/bin/sh",
        "find": "/usr/bin/find",
        "xargs": "/usr/bin/xargs",
        "sha256sum": "/usr/bin/sha256sum",
        "cp": "/bin/cp",
    }
    if not all(os.access(path, os.X_OK) for path in found.values()):
        subprocess.run([REPOSITORY / "tests/run", "--prepare"], check=True)
    return found


def built() -> Path:
    """The release binary; cargo says where it lies."""
    command = "cargo build --release --package venvkeep --message-format=json-render-diagnostics"
    output = subprocess.run(
        command.split(), cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    messages = map(json.loads, output.splitlines())
    return next(Path(path) for message in messages if (path := message.get("executable")))


class Ground:
    """A directory of the measuring user's own: the working directory until it is removed.

    What was made stays until then, unless it is large: a file system that has just deleted thousands
    of files takes longer over new ones. Who makes it as root goes on without privileges.
    """

    def __init__(self, tools: dict[str, str], above: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="venvkeep-bench-", dir=above)).resolve()
        # The build may lie where other users cannot enter.
        program = str(shutil.copy(tools["venvkeep"], self.path))
        self._made = self.path / "made"
        self._counter = 0
        # As for the program: the repository may lie where other users cannot enter.
        make_many = str(shutil.copy(Path(__file__).with_name("make_many.py"), self.path))
        environments = {name.upper(): str(self.path / name) for name in ("env", "real", "many")}
        self.words = tools | environments | {"venvkeep": program, "MAKE_MANY": make_many}
        self.words["CORES"] = str(len(os.sched_getaffinity(0)))
        if os.getuid() == 0:
            os.chown(self.path, NOBODYS_UID, NOBODYS_UID)
            os.setgroups([])
            os.setgid(NOBODYS_UID)
            os.setuid(NOBODYS_UID)
        os.umask(0o022)
        os.chdir(self.path)
        self.words["UID"] = str(os.getuid())
        self._used_home = self.path / "home"
        self._prepared: set[str] = set()

    def __enter__(self) -> Ground:
        return self

    def __exit__(self, *_: object) -> None:
        os.chdir("/")
        shutil.rmtree(self.path)

    def invocation(self, command: str, scenario: Scenario) -> Invocation:
        """The command with its `{words}` filled in, `{X}` by a new path, in surroundings that
        hold nothing of the caller's."""
        if scenario.is_large:
            self._tidy()
        self._counter += 1
        self._made.mkdir(exist_ok=True)
        home = self._made / f"home-{self._counter}" if scenario.new_home else self._used_home
        home.mkdir(exist_ok=True)
        words = self.words | {"X": str(self._last_place())}
        arguments = shlex.split(command.format_map(words))
        return arguments, self.variables(home)

    def variables(self, home: Path | None = None) -> dict[str, str]:
        """What a command sees of its surroundings."""
        self._used_home.mkdir(exist_ok=True)
        # SSL_CERT_FILE and SSL_CERT_DIR are left out: where they are set, reading hundreds of
        # certificates costs uv more than the environment does.
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home or self._used_home),
            "LANG": "C.UTF-8",
            "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        }

    def _tidy(self) -> None:
        for tree in [self._made, *self.path.glob(".*.venvkeep-*old-*")]:
            shutil.rmtree(tree, ignore_errors=True)

    def made_last(self) -> tuple[int, float]:
        """The number of entries and the MiB of files that the last command left at `{X}`."""
        entries = list(self._last_place().rglob("*"))
        size = sum(entry.lstat().st_size for entry in entries if entry.is_file())
        return len(entries), size / 2**20

    def _last_place(self) -> Path:
        return self._made / str(self._counter)

    def prepare(self, command: str) -> None:
        """Makes what the command builds on, unless that was done already."""
        for text, steps in PREPARATIONS.items():
            if text not in command or text in self._prepared:
                continue
            for step in steps:
                self.start(step)
            self._prepared.add(text)

    def start(self, step: str) -> None:
        """Runs a command that makes something to build on, with the caller's own index settings."""
        arguments = shlex.split(step.format_map(self.words))
        variables = os.environ | {"HOME": str(self._used_home)}
        if subprocess.run(arguments, env=variables, check=False).returncode != 0:
            raise Failed(f"could not be prepared: {' '.join(arguments)}")

    def machine(self) -> dict[str, str]:
        """What the figures depend on."""
        versions = {
            name: _said(self.words[name], "--version")
            for name in ("venvkeep", "python3", "virtualenv", "uv")
        }
        # virtualenv adds where it lies.
        versions["virtualenv"] = versions["virtualenv"].split(" from ")[0]
        return versions | {
            "kernel": os.uname().release,
            "processors": str(os.cpu_count()),
            "file system": _said("/usr/bin/df", "--output=fstype", str(self.path)).split()[-1],
            "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        }


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
