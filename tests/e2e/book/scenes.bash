# The scenes of the book's examples: what lies in ana's home before the commands of a page are run. Sourced by
# `stage.bash`, as root, in a mount namespace whose /home is empty. `ana` starts a program as her.

# shellcheck disable=SC2034 # HERE is for the stage
# Root's environment in a project of hers, as `sudo python3 -m venv` and `sudo pip install` leave it, with a note of hers in it.
scene_root-owned() {
    scene_healthy
    chown -R 0:0 proj/.venv
    ana sh -c 'echo "try the new API" >notes.txt' && mv notes.txt proj/.venv/
}

# An environment of hers in ~/proj, with a few packages, known by its name.
scene_healthy() {
    tar -xf "$GROUND/base.tar"
    cd proj || return
    ana venvkeep list --import ~ana >/dev/null 2>&1
    cd ..
    HERE=$PWD/proj
}

# Nothing but an empty home.
scene_empty() {
    HERE=$PWD
}

# Root installed two of the packages under umask 077.
scene_strict-umask() {
    scene_healthy
    local site=proj/.venv/lib/$PYTHON/site-packages
    chown -R 0:0 "$site"/idna* "$site"/requests*
    chmod -R go-rwx "$site"/idna* "$site"/requests*
}

# The Python that the environment was made with is gone.
scene_interpreter-gone() {
    scene_healthy
    ana ln -sfn /opt/python/3.9/bin/python3.9 proj/.venv/bin/python3
    ana ln -sfn python3 proj/.venv/bin/python
    ana sed -i 's|^home = .*|home = /opt/python/3.9/bin|' proj/.venv/pyvenv.cfg
}

# A project that was renamed by hand, and the environment in it with it.
scene_moved() {
    scene_healthy
    mv proj api
    HERE=$PWD/api
}

# Root's environment, healed: the old tree is kept.
scene_healed() {
    scene_root-owned
    ana venvkeep heal "$PWD/proj" >/dev/null
}

# Files of an environment that were changed by hand, and one that is gone.
scene_altered() {
    scene_healthy
    local site=proj/.venv/lib/$PYTHON/site-packages
    ana sh -c "echo 'DEBUG = True' >>$site/requests/__init__.py; rm $site/idna/__init__.py"
}

# A home with several projects: two of root's, one whose Python is gone, two that are well.
scene_many() {
    local place
    tar -xf "$GROUND/base.tar"
    for place in src/api src/site old/report src/tool src/web; do
        ana mkdir -p "${place%/*}"
        ana venvkeep clone "$PWD/proj" "$PWD/$place/.venv" >/dev/null
    done
    rm -r proj .local
    chown -R 0:0 src/api/.venv src/site/.venv
    ana ln -sfn /opt/python/3.8/bin/python3.8 old/report/.venv/bin/python
    ana sed -i 's|^home = .*|home = /opt/python/3.8/bin|' old/report/.venv/pyvenv.cfg
    HERE=$PWD
}

# Two environments that venvkeep knows by their names.
scene_two() {
    scene_healthy
    ana venvkeep new --seed none tool >/dev/null 2>&1
    HERE=$PWD
}

# Root's pip filled ana's cache.
scene_root-cache() {
    scene_healthy
    ana mkdir -p .cache/pip/http-v2/a
    as_root sh -c 'echo x >/home/ana/.cache/pip/http-v2/a/entry'
    chown -R 0:0 .cache/pip/http-v2
}

# Two users: ana has an environment that is root's, ben one that is well.
scene_users() {
    scene_root-owned
    setpriv --reuid ben --regid ben --clear-groups env -i HOME=/home/ben PATH="$PATHS" \
        venvkeep new /home/ben/site/.venv >/dev/null 2>&1
}

# Root's pip installed for everybody under umask 027.
scene_unreadable-packages() {
    local site=/usr/local/lib/$PYTHON/dist-packages
    mkdir -p "$site"
    (umask 027 && as_root /usr/bin/python3 -m pip install --quiet --break-system-packages --no-deps --target "$site" requests idna)
    chmod 755 "$site"
    HERE=$PWD
}
