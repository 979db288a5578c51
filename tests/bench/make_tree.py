"""A home as a developer has it: `make_tree.py ROOT FILES VENVKEEP ENVIRONMENT...` makes ROOT with about FILES files, and
thirty clones of the given environments among them, in turns, by that venvkeep. Six of these have one file that everybody may change, deep inside.

What it makes is the same every time.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = 30
POLLUTED = 6
# What fills a home: its share of the files, how many lie in one directory, and how deep these are.
KINDS = (
    ("node_modules", 0.45, 12, 6),
    ("src", 0.20, 15, 5),
    (".cache", 0.15, 40, 3),
    (".git/objects", 0.15, 25, 1),
    ("data", 0.05, 400, 2),
)
PARTS = "lib src core util test api doc node model view data index types build".split()


def main() -> None:
    root, files = Path(sys.argv[1]), int(sys.argv[2])
    venvkeep, originals = sys.argv[3], sys.argv[4:]
    chance = random.Random(7)
    root.mkdir()
    projects = [root / f"work/customer-{number // 6}/project-{number}" for number in range(ENVIRONMENTS)]
    for number, project in enumerate(projects):
        project.mkdir(parents=True)
        clone = [venvkeep, "clone", "--quiet", originals[number % len(originals)], project / ".venv"]
        subprocess.run(clone, check=True, stdout=subprocess.DEVNULL)
        files -= sum(len(names) for _, _, names in os.walk(project / ".venv"))
    for kind, share, in_each, depth in KINDS:
        fill(chance, [project / kind for project in projects], int(files * share), in_each, depth)
    for project in projects[:: ENVIRONMENTS // POLLUTED]:
        site = next((project / ".venv").glob("lib/python3*/site-packages"))
        deepest = max(site.rglob("*/"), key=lambda path: len(path.parts))
        everybodys = deepest / "everybodys.py"
        everybodys.touch()
        everybodys.chmod(0o666)


def fill(chance: random.Random, places: list[Path], files: int, in_each: int, depth: int) -> None:
    while files > 0:
        place = chance.choice(places)
        for _ in range(chance.randint(1, depth)):
            place /= f"{chance.choice(PARTS)}-{chance.randrange(12)}"
        place.mkdir(parents=True, exist_ok=True)
        count = min(files, chance.randint(1, 2 * in_each))
        for number in range(count):
            os.close(os.open(place / f"{chance.choice(PARTS)}_{number}_{files}.js", os.O_CREAT, 0o644))
        files -= count


if __name__ == "__main__":
    main()
