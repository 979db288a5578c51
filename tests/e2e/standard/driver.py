"""Runs the standard library's own tests of `venv` on environments that venvkeep makes.

    python -I driver.py VENVKEEP DIRECTORY

DIRECTORY holds the `test` package of this Python. `venv.EnvBuilder`, which everything in the module goes through, is
replaced by one that calls venvkeep. Prints one JSON document: what ran, what failed, what was left out and why.
"""

import json
import os
import shutil
import subprocess
import sys
import unittest
import venv

VENVKEEP, DIRECTORY = sys.argv[1:]

COMMAND = "pyvenv.cfg names venvkeep's version, not a command of venv's"
IGNORE = "there is always a .gitignore, as with the command `python -m venv` since 3.13"
LEFT_OUT = {
    "test_defaults": COMMAND,
    "test_defaults_with_str_path": COMMAND,
    "test_defaults_with_pathlib_path": COMMAND,
    "test_defaults_with_pathlike": COMMAND,
    "test_config_file_command_key": COMMAND,
    "test_prompt": "the prompt is always written, because it is the project's name and not the directory's",
    "test_overwrite_existing": "a place that is taken is refused, and never written over",
    "test_upgrade": "an environment is not changed in place: that is what heal is for",
    "test_upgrade_dependencies": "about the command that venv starts, without any environment",
    "test_create_scm_ignore_files_multiple": "about subclasses of EnvBuilder",
    "test_create_scm_ignore_files_empty": IGNORE,
    "test_cli_without_scm_ignore_files": IGNORE,
    "test_zippath_from_non_installed_posix": "starts another Python's venv, which is not replaced there",
    "test_venv_same_path": "about a function of venv's, without any environment",
    "test_devnull": "about the system, without any environment",
}

StandardBuilder = venv.EnvBuilder


class Builder(StandardBuilder):
    """Makes environments with venvkeep."""

    def create(self, env_dir):
        path = os.path.abspath(os.fspath(env_dir))
        if self.clear and os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.isdir(path) and not os.listdir(path):
            # The tests make it first; venvkeep takes an empty directory for somebody's.
            os.rmdir(path)
        arguments = [VENVKEEP, "new", "--quiet", "--python", sys._base_executable, path]
        arguments += ["--seed", "pip" if self.with_pip else "none"]
        if self.system_site_packages:
            arguments.append("--system-site-packages")
        if self.prompt is not None:
            arguments += ["--prompt", self.prompt]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode == 2:
            raise ValueError(done.stderr.decode())
        if done.returncode != 0:
            raise OSError(done.stderr.decode())


class Result(unittest.TestResult):
    """Remembers the names of what ran."""

    def __init__(self):
        super().__init__()
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(test.id().rsplit(".", 1)[-1])


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def main():
    sys.path.insert(0, DIRECTORY)
    from test import test_venv

    venv.EnvBuilder = Builder
    every = list(cases(unittest.defaultTestLoader.loadTestsFromModule(test_venv)))
    names = {test.id().rsplit(".", 1)[-1] for test in every}
    applying = [test for test in every if test.id().rsplit(".", 1)[-1] not in LEFT_OUT]
    result = Result()
    unittest.TestSuite(applying).run(result)
    failed = {test.id(): trace for test, trace in result.failures + result.errors}
    skipped = {test.id().rsplit(".", 1)[-1]: why for test, why in result.skipped}
    left_out = {name: why for name, why in LEFT_OUT.items() if name in names}
    print(json.dumps({"passed": result.passed, "failed": failed, "skipped": skipped, "left_out": left_out}))


main()
