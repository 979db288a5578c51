"""What is compared with what.

`{X}` is a path where nothing is; `{ENV}` is an environment with packages, `{REAL}` a large one as
data scientists and web developers have it, `{MANY}` one of a single distribution with very many
small files; every other word in braces stands for a program.
"""

from typing import NamedTuple


class Scenario(NamedTuple):
    """One command of ours, and those that a user would pick instead."""

    name: str
    title: str
    ours: str
    theirs: tuple[str, ...]
    # As a user's very first run of the tool: with nothing remembered in the home directory.
    new_home: bool = False
    # How many pairs, unless the user says.
    pairs: int = 20
    # What one run made is removed before the next (not timed), or it would fill the disk.
    is_large: bool = False


BARE = "{venvkeep} new --seed none {X}"
BARE_PEERS = ("{uv} venv {X}", "{python3} -m venv --without-pip {X}", "{virtualenv} --no-seed {X}")
SEEDED = "{venvkeep} new {X}"
# uv's seed comes from the index: here from a filled cache, without asking the index again.
UV_SEEDED = "{uv} venv --offline --seed {X}"
SEEDED_PEERS = ("{python3} -m venv {X}", "{virtualenv} {X}", UV_SEEDED)
# The same number of distributions and files on both sides: pip alone, in a Python that brings no setuptools.
PIP_ALONE = "{venvkeep} new -p {python312} {X}"
UV_PIP_ALONE = "{uv} venv --offline --seed --python {python312} {X}"
PACKAGES = "flask requests rich black sqlalchemy ipython pytest pillow"
# Some 130 distributions with their dependencies, 30,000 files and 700 MB.
REAL_PACKAGES = (
    "numpy pandas scipy scikit-learn matplotlib django jupyterlab notebook boto3 sqlalchemy"
    " requests flask pytest black ipython pillow sympy"
)
HEAL = "{venvkeep} heal --force --offline {REAL}"
UV_REBUILT = (
    "{sh} -c '{uv} venv --quiet {X} && {uv} pip install --quiet --offline --link-mode=copy"
    " --python {X} --requirement {REAL}.txt'"
)
# From wheels on the disk: what the index takes is not pip's doing.
PIP_REBUILT = (
    "{sh} -c '{REAL}/bin/pip freeze > {X}.txt && {python3} -m venv {X} && {X}/bin/pip install"
    " --quiet --no-index --find-links {REAL}-wheels --requirement {X}.txt'"
)
ALL_HASHED = "{sh} -c '{find} {REAL} -type f -print0 | {xargs} -0 -n 64 -P {CORES} {sha256sum}'"

# Once, before a command that holds the text, and with the caller's own index settings.
PREPARATIONS = {
    "{ENV}": ("{python3} -m venv {ENV}", f"{{ENV}}/bin/pip install --quiet {PACKAGES}"),
    UV_SEEDED: ("{uv} venv --quiet --seed {ENV}-for-the-cache",),
    UV_PIP_ALONE: ("{uv} venv --quiet --seed --python {python312} {ENV}-for-pip-alone",),
    "{REAL}": (
        "{uv} venv --quiet --seed --python {python3} {REAL}",
        f"{{uv}} pip install --quiet --link-mode=copy --python {{REAL}} {REAL_PACKAGES}",
        "{sh} -c '{REAL}/bin/pip freeze > {REAL}.txt'",
    ),
    PIP_REBUILT: (
        "{REAL}/bin/pip wheel --quiet --no-deps --wheel-dir {REAL}-wheels --requirement {REAL}.txt",
    ),
    "{MANY}": ("{python3} -m venv --without-pip {MANY}", "{python3} {MAKE_MANY} {MANY}"),
}

SCENARIOS = (
    Scenario("bare", "An environment without pip", BARE, BARE_PEERS),
    Scenario("bare-first", "The same, a user's first run", BARE, BARE_PEERS, new_home=True),
    Scenario("seeded", "An environment with pip", SEEDED, SEEDED_PEERS),
    Scenario("seeded-3.12", "An environment of Python 3.12 with pip", PIP_ALONE, (UV_PIP_ALONE,)),
    # Not against uv, which would have to download its seed.
    Scenario(
        "seeded-first", "The same, a user's first run", SEEDED, SEEDED_PEERS[:2], new_home=True
    ),
    Scenario(
        "seeded-used",
        "An environment with pip, and the first start of that pip",
        "{sh} -c '{venvkeep} new {X} && {X}/bin/pip list'",
        tuple(f"{{sh}} -c '{peer} && {{X}}/bin/pip list'" for peer in SEEDED_PEERS),
    ),
    Scenario(
        "freeze",
        "The frozen list of an environment with packages",
        "{venvkeep} freeze {ENV}",
        ("{uv} pip freeze --python {ENV}", "{ENV}/bin/pip freeze"),
    ),
    Scenario(
        "check",
        "The diagnosis of an environment with packages, and the bare search for others' files",
        "{venvkeep} check {ENV}",
        ("{find} {ENV} ! -user {UID}",),
    ),
    Scenario(
        "heal-copy",
        "A large environment healed from its own bytes, and its bare copy",
        HEAL,
        ("{cp} -r {REAL} {X}",),
        pairs=10,
        is_large=True,
    ),
    Scenario(
        "heal-uv",
        "The same, and made again from a filled cache",
        HEAL,
        (UV_REBUILT,),
        pairs=10,
        is_large=True,
    ),
    Scenario(
        "heal-pip",
        "The same, and frozen and made again by pip from wheels on the disk",
        HEAL,
        (PIP_REBUILT,),
        pairs=3,
        is_large=True,
    ),
    Scenario(
        "check-large",
        "The diagnosis of a large environment, and the bare search for others' files",
        "{venvkeep} check {REAL}",
        ("{find} {REAL} ! -user {UID}",),
    ),
    Scenario(
        "check-deep",
        "Every file of a large environment against its hash, and all of them hashed on all cores",
        "{venvkeep} check --deep {REAL}",
        (ALL_HASHED,),
        pairs=10,
    ),
    Scenario(
        "freeze-large",
        "The frozen list of a large environment",
        "{venvkeep} freeze {REAL}",
        ("{uv} pip freeze --python {REAL}", "{REAL}/bin/pip freeze"),
    ),
    Scenario(
        "heal-many",
        "60,000 small files: healed, and copied",
        "{venvkeep} heal --force --offline {MANY}",
        ("{cp} -r {MANY} {X}",),
        pairs=5,
        is_large=True,
    ),
    Scenario(
        "check-many",
        "60,000 small files: the diagnosis, and the bare search for others' files",
        "{venvkeep} check {MANY}",
        ("{find} {MANY} ! -user {UID}",),
    ),
)
