# Compiles every module below a directory, as pip does with what it installs. Run as `python -I -S -c`, from Python 3.8
# on. The second argument is what the modules' code names as their directory: Python puts the real one in its place
# when it imports them. The third is the time that sources get, which their bytecode names.
import compileall
import os
import py_compile
import sys

top, shown, when = sys.argv[1], sys.argv[2], int(sys.argv[3])
for directory, _, names in os.walk(top):
    for name in names:
        if name.endswith(".py"):
            os.utime(os.path.join(directory, name), (when, when))
compileall.compile_dir(
    top,
    maxlevels=100,
    ddir=shown,
    force=True,
    quiet=2,
    invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,
)
