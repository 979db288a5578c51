# The one question a base interpreter is asked: what are you? Run as `python -I -S -c`, it answers with
# one line of JSON on standard output and starts and writes nothing.
#
# It must at least parse everywhere, Python 2.7 included: an interpreter that is too old says so.
import json
import sys


def scheme(sysconfig):
    """Where an environment's files lie, relative to its prefix.

    Debian's default scheme is one for the system (dist-packages), not for environments: those have
    a scheme of their own since 3.11, and use `posix_prefix` before. Headers go where pip puts them.
    """
    name = "venv" if "venv" in sysconfig.get_scheme_names() else "posix_prefix"
    prefix = "/environment"
    paths = sysconfig.get_paths(name, {"base": prefix, "platbase": prefix})
    relative = dict((key, paths[key][len(prefix) + 1 :]) for key in ("purelib", "platlib", "scripts", "data"))
    relative["include"] = "include/site/python%d.%d" % sys.version_info[:2]
    return relative


def libc(os):
    """Name and version of the C library, as wheel tags need them; none where there is no such thing."""
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
        return {"name": name, "version": version}
    except (AttributeError, OSError, TypeError, ValueError):
        pass
    import glob
    import re

    for loader in glob.glob("/lib/ld-musl-*.so.1"):
        with open(loader, "rb") as file:
            version = re.search(b"\0(1\\.[0-9]+\\.[0-9]+)\0", file.read())
        if version:
            return {"name": "musl", "version": version.group(1).decode()}
    return None


def dotted(info):
    """A version_info as a version; the last part only of a pre-release."""
    text = "%d.%d.%d" % info[:3]
    if info[3] == "final":
        return text
    return text + {"alpha": "a", "beta": "b"}.get(info[3], "rc") + str(info[4])


def markers(os):
    """The values that environment markers are compared with (PEP 508).

    Not from the module `platform`, which starts `uname` up to Python 3.8.
    """
    system = os.uname()
    implementation = sys.implementation.name
    return {
        "implementation_name": implementation,
        "implementation_version": dotted(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": system.machine,
        "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(
            implementation, implementation
        ),
        "platform_release": system.release,
        "platform_system": system.sysname,
        "platform_version": system.version,
        "python_full_version": dotted(sys.version_info),
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
    }


def answer():
    import os
    import sysconfig

    variable = sysconfig.get_config_var
    return {
        "executable": sys.executable,
        "implementation": sys.implementation.name,
        "version": dotted(sys.version_info),
        "cache_tag": sys.implementation.cache_tag,
        "base_prefix": sys.base_prefix,
        "stdlib": sysconfig.get_path("stdlib"),
        "free_threaded": bool(variable("Py_GIL_DISABLED")),
        "extension_suffix": variable("EXT_SUFFIX"),
        "platform": sysconfig.get_platform(),
        "libc": libc(os),
        "scheme": scheme(sysconfig),
        "wheel_dir": variable("WHEEL_PKG_DIR") or None,
        "markers": markers(os),
    }


if sys.version_info < (3, 8):
    print(json.dumps({"too_old": "%d.%d.%d" % sys.version_info[:3]}))
else:
    print(json.dumps({"facts": answer()}))
