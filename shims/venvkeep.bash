# venvkeep for bash (3.2 and newer): activates the environments that you trust where you enter them, takes them
# back where you leave, and says once when one on the way is not yours. To be sourced from your profile.
# shellcheck shell=bash
#
# VENVKEEP_DISABLE=1 turns it off, VENVKEEP_QUIET=1 keeps it silent, VIRTUAL_ENV_DISABLE_PROMPT=1 leaves the
# prompt alone. Nothing in an environment is ever sourced or run from here, and nothing here starts a process,
# but for the commands activate and venvkeep, and for the one line about an environment that is not yours.
# bash copies a function each time that it is called, and a prompt is no place to wait: what is rare has functions of
# its own, and one [[ asks all that it can.

# Only a shell that somebody types into.
[[ $- == *i* ]] || return 0

# A new shell knows nothing yet; one that reads this file again keeps what it knows. With set -a everything comes in
# through the environment, functions too, but for the mark that says which shell it is from.
if [[ ${_venvkeep_shell-} != "$$" ]]; then
    # Our own function of the shell around this one, if any: the one of an activation script has saved PATH.
    if declare -F _venvkeep_look >/dev/null && [[ -z ${_OLD_VIRTUAL_PATH-} ]]; then unset -f deactivate; fi
    _venvkeep_shell=$$
    export -n _venvkeep_shell
    _venvkeep_env=     # the environment that was activated from here
    _venvkeep_how=     # why: auto (found on the way) or asked (by name)
    _venvkeep_tag=     # what was put before PS1
    _venvkeep_idle=    # a VIRTUAL_ENV that was there at the start and is not on PATH
    _venvkeep_idled=   # its VIRTUAL_ENV_PROMPT
    _venvkeep_manual=  # an environment that something else activated
    _venvkeep_held=    # the environment that the user deactivated and is still in; here: the one found next
    _venvkeep_left=    # a directory that another tool may bring back to PATH
    _venvkeep_pwd=     # where the last look was
    _venvkeep_told=:   # the environments that something was said about
    _venvkeep_home=    # PYTHONHOME as it was
    _venvkeep_new=true # nothing was looked at yet
    _venvkeep_used=    # the file that notes when the environment was last active
fi
# Perhaps the rest is of another version.
if [[ -z ${_venvkeep_loading-} ]]; then
    _venvkeep_whole=''
    export -n _venvkeep_whole
fi

# Whether the nearest environment from here upwards, to HOME, is trusted; it is in _venvkeep_path then. The
# nearest decides, as it does for the program.
function _venvkeep_find {
    local dir=${PWD%/} here
    # The state directory, as the program finds it.
    _venvkeep_state=${HOME-}/.local/state
    [[ ${XDG_STATE_HOME-} != /* ]] || _venvkeep_state=$XDG_STATE_HOME
    while :; do
        if [[ -e $dir/.venv || -e $dir/venv || -e $dir/env ]]; then
            [[ -n $_venvkeep_whole ]] || _venvkeep_more || return 1
            for here in "$dir/.venv" "$dir/venv" "$dir/env"; do
                if [[ -e $here/pyvenv.cfg ]]; then
                    if _venvkeep_trusted "$here"; then return 0; fi
                    if [[ ! -O $here || ! -O $here/bin || ! -O $here/pyvenv.cfg ]]; then _venvkeep_tell "$here"; fi
                    return 1
                elif [[ -d $here && ! -x $here && ! -O $here ]]; then
                    _venvkeep_tell "$here"
                    return 1
                elif [[ $here == */.venv && -f $here ]]; then
                    if _venvkeep_redirected "$here" && _venvkeep_trusted "$_venvkeep_reply"; then return 0; fi
                    return 1
                fi
            done
        fi
        if [[ -z $dir || $dir == "${HOME-}" || $dir -ef ${HOME-} ]]; then break; fi
        dir=${dir%/*}
    done
    here=$_venvkeep_state/venvkeep/default
    [[ -f $here && ! -L $here && -O $here && -r $here ]] && _venvkeep_more || return 1
    { IFS= read -r dir || :; } <"$here"
    _venvkeep_trusted "$dir"
}

# Brings the shell to what should be active here.
function _venvkeep_look {
    if [[ ${VIRTUAL_ENV-} != "$_venvkeep_env" || $_venvkeep_how == asked ||
        -n $_venvkeep_left$_venvkeep_manual${VENVKEEP_DISABLE-}${_OLD_VIRTUAL_PATH-}${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then
        _venvkeep_more && _venvkeep_settle || return 0
    fi
    _venvkeep_pwd=$PWD _venvkeep_new=''
    if ! _venvkeep_find; then _venvkeep_path=''; fi
    if [[ $_venvkeep_held == here ]]; then
        _venvkeep_held=$_venvkeep_path
    elif [[ $_venvkeep_held != "$_venvkeep_path" ]]; then
        _venvkeep_held=''
    fi
    if [[ -n $_venvkeep_env && $_venvkeep_env != "$_venvkeep_path" ]]; then _venvkeep_leave; fi
    if [[ -n $_venvkeep_path && -z $_venvkeep_env$_venvkeep_held ]]; then
        _venvkeep_enter "$_venvkeep_path" "$_venvkeep_name" auto
        # Active now: by the time of an empty file, so that nothing is started for it.
        if [[ -d ${_venvkeep_used%/*} && -O ${_venvkeep_used%/*} && ! -L $_venvkeep_used ]]; then
            { true >|"$_venvkeep_used"; } 2>/dev/null || :
        fi
    fi
}

# Runs "$@" where two names that differ by case are two, whatever the user's nocasematch.
function _venvkeep_plainly {
    local code=0
    if shopt -q nocasematch; then
        shopt -u nocasematch
        "$@" || code=$?
        shopt -s nocasematch
        return "$code"
    fi
    "$@"
}

# In PROMPT_COMMAND. The next command there, and the prompt, see the status of what the user typed; with set -e
# any other than 0 would end the shell.
function _venvkeep_hook {
    local code=$?
    # Nothing has changed, at most prompts; all of this is looked at again by _venvkeep_look. [ knows no nocasematch.
    if [[ -n $_venvkeep_new$_venvkeep_left$_venvkeep_manual${VENVKEEP_DISABLE-}${_OLD_VIRTUAL_PATH-}${DIRENV_DIFF-}${__MISE_DIFF-} ]] ||
        ! [ "$PWD:${VIRTUAL_ENV-}" = "$_venvkeep_pwd:$_venvkeep_env" ] ||
        ! [[ -z $_venvkeep_env || ($_venvkeep_how == auto && -O $_venvkeep_env/bin) ]]; then
        if shopt -q nocasematch; then _venvkeep_plainly _venvkeep_look; else _venvkeep_look; fi
    fi
    [[ $- == *e* ]] || return "$code"
}

# The program; what it changed shows at the next prompt.
function venvkeep {
    local code=0
    case ${1-} in
    activate)
        if _venvkeep_more; then
            shift
            _venvkeep_plainly _venvkeep_activate "$@"
            return
        fi
        ;;
    deactivate)
        if [[ $# -eq 1 ]] && declare -F deactivate >/dev/null; then
            \deactivate
            return 0
        fi
        ;;
    new | heal | trust)
        _venvkeep_held=''
        ;;
    esac
    VENVKEEP_SHELL=bash command venvkeep "$@" || code=$?
    _venvkeep_new=true
    return "$code"
}

if ! declare -F activate >/dev/null; then
    function activate { venvkeep activate "$@"; }
fi

# Opt-in: says what to type instead of sudo, and then lets sudo do what it was asked.
if [[ -n ${VENVKEEP_SUDO_GUARD-} ]]; then
    function sudo {
        if [[ -t 2 ]] && _venvkeep_more; then _venvkeep_sudo_advice "$@"; fi
        command sudo "$@"
    }
fi

# An installation has this file twice: whole, and without the part from here to the line that ends it, which is what a
# new shell reads. Whether that part is there; read now if need be.
function _venvkeep_more {
    local file=${BASH_SOURCE[0]%-start.bash}.bash _venvkeep_loading=true
    if [[ -n $_venvkeep_whole ]]; then return 0; fi
    # Where this file was read by a relative path, or its functions came from the shell around (set -a), its place is not
    # known any more, and what lies under that name here may be anybody's.
    # shellcheck disable=SC1090 # this file
    [[ $file == /* && -f $file && -O $file && -r $file ]] && . "$file"
}

# ---- rare ----

_venvkeep_whole=true

# Whether the environment at $1 is trusted. Then _venvkeep_path is its physical path, _venvkeep_name its name.
function _venvkeep_trusted {
    local here=$1 bin=$1/bin config=$1/pyvenv.cfg mark=$1/.venvkeep token='' records record above
    _venvkeep_path='' _venvkeep_name=''
    # The user's own, each part in its place and no link. A sticky directory is one that others may add to; of other
    # modes bash tells nothing.
    [[ -O $here && ! -L $here && ! -k $here && -d $bin && -O $bin && ! -L $bin && ! -k $bin &&
        -f $config && -O $config && ! -L $config && -f $mark && -O $mark && ! -L $mark && -r $mark ]] || return 1
    # One line with its end, and no more of it than can be right, however long somebody made it.
    ! IFS= read -r -d '' -n 34 token <"$mark" || return 1
    # It becomes part of a path.
    [[ ${#token} -eq 33 && ${token:32} == $'\n' && ${token:0:32} != *[!0123456789abcdef]* ]] || return 1
    records=$_venvkeep_state/venvkeep/trusted record=$_venvkeep_state/venvkeep/trusted/${token:0:32}
    [[ -f $record && -O $record && ! -L $record && -r $record && -O $records ]] || return 1
    IFS=$'\n' read -r -d '' _venvkeep_path _venvkeep_name <"$record" || :
    # The place that was trusted, not another one that the token was carried to.
    above=${_venvkeep_path%/*}
    [[ $_venvkeep_path == /*/* && $_venvkeep_path != *:* && $_venvkeep_path -ef $here &&
        ! -L $_venvkeep_path && -O $above && ! -L $above ]] || return 1
    _venvkeep_used=$_venvkeep_state/venvkeep/used/${token:0:32}
    case $_venvkeep_name in
    '' | *[!ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-]*)
        _venvkeep_letters "$_venvkeep_name"
        _venvkeep_name=$_venvkeep_reply
        ;;
    esac
}

# Where the file $1 points to, which stands for a project's environment (PEP 832). It need not be trusted: what it
# points to has to be.
function _venvkeep_redirected {
    local target=''
    [[ ! -L $1 && -O $1 && -r $1 ]] || return 1
    # No more of it than a path can have.
    ! IFS= read -r -d '' -n 4096 target <"$1" || return 1
    # What stands around it is not part of it, and a second line makes it no path at all.
    target=${target#"${target%%[![:space:]]*}"}
    target=${target%"${target##*[![:space:]]}"}
    [[ $target != *[$'\r\n']* ]] || return 1
    case $target in
    '') return 1 ;;
    /*) _venvkeep_reply=$target ;;
    *) _venvkeep_reply=${1%/*}/$target ;;
    esac
}

# What of the name $1 can stand in a prompt: nothing that bash expands there.
function _venvkeep_letters {
    _venvkeep_reply=${1//[!ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-]/}
    _venvkeep_reply=${_venvkeep_reply:-venv}
}

# One line, once a shell: whose the environment at $1 is. The program knows how to say it.
function _venvkeep_tell {
    if [[ -n ${VENVKEEP_QUIET-} || $_venvkeep_told == *":$1:"* ]]; then return 0; fi
    _venvkeep_told+=$1:
    if type -P venvkeep >/dev/null; then command venvkeep notice -- "$1" </dev/null || :; fi
}

# Puts the environment at $1, called $2, in front; $3 says why.
function _venvkeep_enter {
    _venvkeep_env=$1 _venvkeep_how=$3 _venvkeep_tag=''
    if [[ -n ${PYTHONHOME-} ]]; then
        _venvkeep_home=$PYTHONHOME
        unset PYTHONHOME
    fi
    export VIRTUAL_ENV=$1 VIRTUAL_ENV_PROMPT=$2 PATH=$1/bin${PATH:+:$PATH}
    if [[ $3 == auto ]]; then
        # Shells that start in this one know by it that nobody asked for the environment.
        export VENVKEEP_ACTIVE=$1
    fi
    _venvkeep_show "$2"
}

# The name $1 in the prompt, and the command that takes it away.
function _venvkeep_show {
    if [[ -z ${VIRTUAL_ENV_DISABLE_PROMPT-} ]]; then
        _venvkeep_tag="($1) "
        # An exported PS1 may have it from the shell around this one.
        if [[ ${PS1-} != "$_venvkeep_tag"* ]]; then PS1=$_venvkeep_tag${PS1-}; fi
    fi
    # shellcheck disable=SC2317 # the user calls it
    function deactivate { _venvkeep_plainly _venvkeep_deactivate; }
}

# Takes back exactly what was put in; what the user changed meanwhile stays.
function _venvkeep_leave {
    if [[ ${PATH-} == "$_venvkeep_env/bin:"* ]]; then
        # Where it was put: cutting off is quicker than searching.
        PATH=${PATH:${#_venvkeep_env}+5}
    else
        _venvkeep_without "$_venvkeep_env/bin" "${PATH-}"
        PATH=$_venvkeep_reply
    fi
    if [[ -n ${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_remember; fi
    if [[ ${VIRTUAL_ENV-} == "$_venvkeep_env" ]]; then
        unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
        if [[ -n $_venvkeep_idle ]]; then export VIRTUAL_ENV=$_venvkeep_idle; fi
        if [[ -n $_venvkeep_idled ]]; then export VIRTUAL_ENV_PROMPT=$_venvkeep_idled; fi
    fi
    if [[ -n $_venvkeep_tag ]]; then
        if [[ ${PS1-} == "$_venvkeep_tag"* ]]; then
            PS1=${PS1:${#_venvkeep_tag}}
        elif [[ ${PS1-} == *"$_venvkeep_tag"* ]]; then
            PS1=${PS1%%"$_venvkeep_tag"*}${PS1#*"$_venvkeep_tag"}
        fi
    fi
    if [[ -n $_venvkeep_home ]]; then export PYTHONHOME=$_venvkeep_home; fi
    unset VENVKEEP_ACTIVE
    unset -f deactivate
    _venvkeep_env='' _venvkeep_how='' _venvkeep_tag='' _venvkeep_home='' _venvkeep_used=''
}

# The list of directories $2 without the element $1: without the first, or with $3 without the last.
function _venvkeep_without {
    local list=:$2:
    _venvkeep_reply=$2
    [[ $list == *":$1:"* ]] || return 0
    if [[ -n ${3-} ]]; then
        list=${list%":$1:"*}:${list##*":$1:"}
    else
        list=${list%%":$1:"*}:${list#*":$1:"}
    fi
    list=${list#:}
    _venvkeep_reply=${list%:}
}

# What something else did meanwhile; whether there is to be a look for what belongs here.
function _venvkeep_settle {
    if [[ -n ${VENVKEEP_DISABLE-} ]]; then
        if [[ -n $_venvkeep_env ]]; then _venvkeep_leave; fi
        _venvkeep_new=true
        return 1
    fi
    if [[ -n $_venvkeep_env ]]; then
        if [[ ${VIRTUAL_ENV-} != "$_venvkeep_env" || -n ${_OLD_VIRTUAL_PATH-} ]]; then
            _venvkeep_yield
        elif [[ $_venvkeep_how == asked ]]; then
            if [[ -d $_venvkeep_env/bin ]]; then return 1; fi
            _venvkeep_leave
        elif [[ $PWD == "$_venvkeep_pwd" && -z $_venvkeep_new && -O $_venvkeep_env/bin ]]; then
            if [[ -n $_venvkeep_left${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_mend; fi
            return 1
        fi
    fi
    if [[ -z $_venvkeep_env ]]; then
        if [[ -n $_venvkeep_left && ${VIRTUAL_ENV-}/bin == "$_venvkeep_left" && -z ${_OLD_VIRTUAL_PATH-} ]]; then
            # Brought back with PATH: nobody activated it.
            unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT VENVKEEP_ACTIVE
        fi
        if [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "$_venvkeep_idle" ]]; then
            _venvkeep_manual=$VIRTUAL_ENV
            return 1
        fi
        if [[ -n $_venvkeep_left ]]; then _venvkeep_mend; fi
        if [[ -n $_venvkeep_manual ]]; then
            # Deactivated by hand: nothing else comes in its place until the tree is left.
            _venvkeep_held=here _venvkeep_manual=''
        elif [[ $PWD == "$_venvkeep_pwd" && -z $_venvkeep_new ]]; then
            return 1
        fi
    fi
}

# direnv and mise save PATH as it was, and bring it back when they leave a directory.
function _venvkeep_remember {
    _venvkeep_left=$_venvkeep_env/bin
}

# They have had their turn by now: PATH loses what we had left, and gets back what is active.
function _venvkeep_mend {
    while [[ -n $_venvkeep_left && $_venvkeep_left != "$_venvkeep_env/bin" && :${PATH-}: == *":$_venvkeep_left:"* ]]; do
        _venvkeep_without "$_venvkeep_left" "$PATH"
        PATH=$_venvkeep_reply
    done
    if [[ -n $_venvkeep_env && :${PATH-}: != *":$_venvkeep_env/bin:"* ]]; then PATH=$_venvkeep_env/bin:${PATH-}; fi
    # direnv still has it, and will bring it back when it leaves.
    if [[ -z ${DIRENV_DIFF-} ]]; then _venvkeep_left=''; fi
}

# Something else activated an environment over ours, or took ours away: what we put in goes, also from what that
# has saved to bring back.
function _venvkeep_yield {
    local bin=$_venvkeep_env/bin tag=$_venvkeep_tag
    _venvkeep_without "$bin" "${PATH-}" last
    # Of the same environment, activated once more, one stays.
    if [[ ${VIRTUAL_ENV-} != "$_venvkeep_env" || :$_venvkeep_reply: == *":$bin:"* ]]; then PATH=$_venvkeep_reply; fi
    if [[ -n ${_OLD_VIRTUAL_PATH-} ]]; then
        _venvkeep_without "$bin" "$_OLD_VIRTUAL_PATH"
        _OLD_VIRTUAL_PATH=$_venvkeep_reply
    else
        unset -f deactivate
    fi
    if [[ -n $tag ]]; then
        if [[ ${PS1-} == *"$tag"* ]]; then PS1=${PS1%"$tag"*}${PS1##*"$tag"}; fi
        if [[ ${_OLD_VIRTUAL_PS1-} == *"$tag"* ]]; then
            _OLD_VIRTUAL_PS1=${_OLD_VIRTUAL_PS1%"$tag"*}${_OLD_VIRTUAL_PS1##*"$tag"}
        fi
    fi
    if [[ -z ${VIRTUAL_ENV-} && -n $_venvkeep_home ]]; then export PYTHONHOME=$_venvkeep_home; fi
    unset VENVKEEP_ACTIVE
    if [[ -n ${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_remember; fi
    _venvkeep_manual=$_venvkeep_env
    _venvkeep_env='' _venvkeep_how='' _venvkeep_tag='' _venvkeep_home='' _venvkeep_used=''
}

# What `deactivate` does: it holds until the user leaves the tree, or asks for an environment.
function _venvkeep_deactivate {
    if [[ -z $_venvkeep_env ]]; then return 0; fi
    if [[ $_venvkeep_how == auto ]]; then _venvkeep_held=$_venvkeep_env; else _venvkeep_manual=$_venvkeep_env; fi
    _venvkeep_leave
}

# Makes the environment $1 (a path or a name) active from anywhere; without, the nearest, or the default.
function _venvkeep_activate {
    # The program says what speaks against it.
    local answer VENVKEEP_QUIET=true
    if [[ ${1-} == -* || $# -gt 1 ]]; then
        # It knows what to say.
        VENVKEEP_SHELL=bash command venvkeep activate "$@"
        return
    fi
    if [[ $# -eq 0 ]] && _venvkeep_find; then
        # What belongs here, as if the user came in now.
        _venvkeep_make_way
        _venvkeep_new=true
        _venvkeep_look
        if [[ -n $_venvkeep_env ]]; then return 0; fi
        # Something else is in the way that has no deactivate, or the shims are switched off: then it is asked for by hand.
    fi
    answer=$(VIRTUAL_ENV='' command venvkeep activate --for-shell ${1+--} ${1+"$1"}) || return
    _venvkeep_make_way
    _venvkeep_enter "${answer%%$'\n'*}" "${answer##*$'\n'}" asked
}

# Another environment is asked for than the one that is active, or was deactivated.
function _venvkeep_make_way {
    if [[ -n $_venvkeep_env ]]; then
        _venvkeep_leave
    elif [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "$_venvkeep_idle" ]]; then
        if declare -F deactivate >/dev/null; then \deactivate; fi
    fi
    _venvkeep_held='' _venvkeep_manual=''
}

# What the shell around this one has left in the environment. What it activated by itself goes, and comes back at
# the first prompt if it belongs here: PATH may have been put in another order since. What somebody asked for stays.
function _venvkeep_inherit {
    local env=${VIRTUAL_ENV-}
    if [[ -n $env && (${VENVKEEP_ACTIVE-} == "$env" || ! -d $env/bin) ]]; then
        _venvkeep_without "$env/bin" "${PATH-}"
        PATH=$_venvkeep_reply
        unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    elif [[ -n $env && :${PATH-}: != *":$env/bin:"* ]]; then
        _venvkeep_idle=$env _venvkeep_idled=${VIRTUAL_ENV_PROMPT-}
    elif [[ -n $env ]] && ! declare -F deactivate >/dev/null; then
        # Nested shells, tmux and editors bring the variables, and neither prompt nor `deactivate`.
        _venvkeep_letters "${VIRTUAL_ENV_PROMPT:-${env##*/}}"
        _venvkeep_env=$env _venvkeep_how=asked
        _venvkeep_show "$_venvkeep_reply"
    fi
    unset VENVKEEP_ACTIVE
}

# Says what to type instead of these words after sudo, where there is something better.
function _venvkeep_sudo_advice {
    # With other options it may be for another user, or for none.
    while [[ ${1-} == -[EHnPS] || ${1-} == *=* ]]; do shift; done
    local program=${1-}
    program=${program##*/}
    case "$program ${2-} ${3-} ${4-}" in
    'pip install '* | pip[23]' install '* | pip3.*' install '*) _venvkeep_reply='python -m pip install' ;;
    python*' -m pip install') _venvkeep_reply='python -m pip install' ;;
    python*' -m venv '* | python*' -m virtualenv '* | 'virtualenv '* | 'uv venv '*)
        _venvkeep_reply='venvkeep new'
        ;;
    'uv pip '*) _venvkeep_reply='uv pip' ;;
    *) return 0 ;;
    esac
    printf 'venvkeep: with sudo this is made for root, and you cannot change it later; without: %s\n' \
        "$_venvkeep_reply" >&2
}

# ---- as far as this ----

# Read by a shell that has it already.
if [[ -n ${_venvkeep_loading-} ]]; then return 0; fi

if [[ -z $_venvkeep_env && -n ${VIRTUAL_ENV-}${VENVKEEP_ACTIVE-} ]]; then
    if _venvkeep_more; then _venvkeep_plainly _venvkeep_inherit; fi
fi

# For root nothing is activated by itself. The hook comes first: what else is there may show the environment in a
# prompt of its own. direnv and mise may bring back an older PATH, so that there it comes last as well.
if ((EUID != 0)) && [[ ${PROMPT_COMMAND[*]-} != *_venvkeep_hook* ]]; then
    PROMPT_COMMAND="_venvkeep_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
    case "${PROMPT_COMMAND[*]} ${STARSHIP_PROMPT_COMMAND-}" in
    *_direnv_hook* | *_mise_hook*)
        if ((${#PROMPT_COMMAND[@]} > 1)); then
            PROMPT_COMMAND+=(_venvkeep_hook)
        else
            # shellcheck disable=SC2179 # a string here
            PROMPT_COMMAND+=$'\n_venvkeep_hook'
        fi
        ;;
    esac
fi
