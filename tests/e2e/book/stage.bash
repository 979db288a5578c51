#!/usr/bin/env bash
# Runs the commands of one scene of the book, in a machine that looks like ana's: stage.bash PROGRAM GROUND SCENE.
# The commands come on standard input, one a line; what each printed comes out after a line `\001 NUMBER`.
#
# It is root in a mount namespace of its own, so that /home, /root, /usr/local and the accounts are the scene's. A command
# runs as ana; one that begins with `sudo ` as root with what sudo would tell it, from the environment that sudo would give it.
set -uo pipefail
umask 022
program=$1 GROUND=$2 scene=$3

# Before the mounts: the checkout may lie below /home.
# shellcheck source=tests/e2e/book/scenes.bash
. "${BASH_SOURCE[0]%/*}/scenes.bash"

mount -t tmpfs -o mode=755 home /home
mount -t tmpfs -o mode=700 root /root
mount -t tmpfs -o mode=755 opt /opt
mount -t tmpfs -o mode=755 local /usr/local
mkdir -p /usr/local/bin /home/ana /home/ben
cp "$program" /usr/local/bin/venvkeep
mount -t tmpfs -o mode=755 system "$GROUND/system"
printf '%s\n' root:x:0:0:root:/root:/bin/bash ana:x:12345:12345::/home/ana:/bin/bash \
    ben:x:12346:12346::/home/ben:/bin/bash >"$GROUND/system/passwd"
printf 'root:x:0:\nana:x:12345:\nben:x:12346:\n' >"$GROUND/system/group"
mount --bind "$GROUND/system/passwd" /etc/passwd
mount --bind "$GROUND/system/group" /etc/group
chown ana: /home/ana
chown ben: /home/ben
chmod 755 /home/ana /home/ben
PYTHON=python$(/usr/bin/python3 -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
readonly PATHS=/usr/local/bin:/usr/bin:/bin

ana() {
    setpriv --reuid ana --regid ana --clear-groups env -i HOME=/home/ana USER=ana SHELL=/bin/bash "PATH=$PATHS" \
        LANG=C.UTF-8 TERM=dumb PIP_NO_INDEX=1 PIP_FIND_LINKS="$GROUND/wheels" PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
}

as_root() {
    env -i HOME=/root USER=root "PATH=/usr/sbin:$PATHS:/sbin" LANG=C.UTF-8 TERM=dumb SUDO_UID=12345 SUDO_GID=12345 \
        SUDO_USER=ana SUDO_COMMAND=/bin/sh PIP_NO_INDEX=1 PIP_FIND_LINKS="$GROUND/wheels" \
        PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 "$@"
}

# What every scene begins with is made once: a project of ana's with an environment of the system's Python.
make_base() {
    ana mkdir proj
    ana /usr/bin/python3 -m venv proj/.venv
    ana proj/.venv/bin/python -m pip install --quiet requests rich
    find proj -name __pycache__ -prune -exec rm -r {} +
    tar -cf "$GROUND/base.tar" proj
}

cd /home/ana || exit
if [[ $scene == base ]]; then
    make_base
    exit
fi
HERE=$PWD
"scene_$scene" || exit
where=$GROUND/system/where
printf '%s\n' "$HERE" >"$where"
chown ana: "$where"
number=0
while IFS= read -r command; do
    printf '\n\001 %s\n' "$number"
    number=$((number + 1))
    as=ana
    if [[ $command == sudo\ * ]]; then as=as_root command=${command#sudo }; fi
    # Where a `cd` leads counts for the next command.
    # shellcheck disable=SC2016 # for the inner shell
    $as bash -c 'cd "$(cat "$1")" || exit; eval "$2"; code=$?; pwd >"$1"; exit $code' bash "$where" "$command" \
        </dev/null 2>&1
done
