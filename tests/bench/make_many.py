"""Puts one distribution of 60,000 small files into an environment: `make_many.py ENV`."""

import base64
import hashlib
import sys
from pathlib import Path

DIRECTORIES, FILES = 300, 200

site = next(Path(sys.argv[1]).glob("lib/python3*/site-packages"))
record = []


def write(name: str, content: str) -> None:
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=")
    record.append(f"{name},sha256={digest.decode()},{len(content)}")


for directory in range(DIRECTORIES):
    for file in range(FILES):
        write(f"many/d{directory:03}/f{file:03}.txt", f"{directory} {file}\n" * 20)
info = "many-1.0.dist-info"
write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: many\nVersion: 1.0\n")
write(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
(site / info / "RECORD").write_text("\n".join([*record, f"{info}/RECORD,,", ""]))
