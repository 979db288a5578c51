"""A build backend (PEP 517, PEP 660) without dependencies: everything in src/ becomes a wheel."""

import base64
import hashlib
import zipfile
from email.parser import Parser
from pathlib import Path


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    source = Path("src")
    modules = {path.relative_to(source).as_posix(): path for path in source.rglob("*.py")}
    return _write(wheel_directory, {name: path.read_bytes() for name, path in modules.items()})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    stem, _ = _identity()
    pointer = "{}\n".format(Path("src").resolve()).encode()
    return _write(wheel_directory, {"__editable__.{}.pth".format(stem): pointer})


def _identity():
    metadata = Parser().parsestr(Path("PKG-INFO").read_text(encoding="utf-8"))
    return metadata["Name"].replace("-", "_").lower(), metadata["Version"]


def _write(directory, members):
    stem = "{}-{}".format(*_identity())
    info = stem + ".dist-info"
    members[info + "/METADATA"] = Path("PKG-INFO").read_bytes()
    members[info + "/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: kit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    rows = ["{},sha256={},{}".format(n, _digest(c), len(c)) for n, c in members.items()]
    rows.append(info + "/RECORD,,")
    members[info + "/RECORD"] = ("\n".join(rows) + "\n").encode()
    name = stem + "-py3-none-any.whl"
    with zipfile.ZipFile(str(Path(directory, name)), "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member, content)
    return name


def _digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
