"""What is compared with what.

`{X}` is a path where nothing is, `{ENV}` an environment with packages; every other word in braces
stands for a program.
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


BARE = "{venvkeep} new --seed none {X}"
BARE_PEERS = ("{uv} venv {X}", "{python3} -m venv --without-pip {X}", "{virtualenv} --no-seed {X}")
SEEDED = "{venvkeep} new {X}"
# uv's seed comes from the index: here from a filled cache, without asking the index again.
UV_SEEDED = "{uv} venv --offline --seed {X}"
SEEDED_PEERS = ("{python3} -m venv {X}", "{virtualenv} {X}", UV_SEEDED)
PACKAGES = "flask requests rich black sqlalchemy ipython pytest pillow"

# Once, before a command that holds the text, and with the caller's own index settings.
PREPARATIONS = {
    "{ENV}": ("{python3} -m venv {ENV}", f"{{ENV}}/bin/pip install --quiet {PACKAGES}"),
    UV_SEEDED: ("{uv} venv --quiet --seed {ENV}-for-the-cache",),
}

SCENARIOS = (
    Scenario("bare", "An environment without pip", BARE, BARE_PEERS),
    Scenario("bare-first", "The same, a user's first run", BARE, BARE_PEERS, new_home=True),
    Scenario("seeded", "An environment with pip", SEEDED, SEEDED_PEERS),
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
)
