# venvkeep for zsh (5.0 and newer): activates the environments that you trust where you enter them, takes them
# back where you leave, and says once when one on the way is not yours. To be sourced from your profile.
#
# VENVKEEP_DISABLE=1 turns it off, VENVKEEP_QUIET=1 keeps it silent, VIRTUAL_ENV_DISABLE_PROMPT=1 leaves the
# prompt alone. Nothing in an environment is ever sourced or run from here, and nothing here starts a process,
# but for the commands activate and venvkeep, and for the one line about an environment that is not yours.
# The comments of venvkeep.bash hold here as well; where zsh allows more, it is said.
# Options are as zsh has them (emulate -L) in the functions that are called from outside, and so in all that those call.
# A function costs more to call than what it does, and `read` reads by the byte: $(<file) does not, and starts nothing.

# Only a shell that somebody types into.
[[ -o interactive ]] || return 0

# A new shell knows nothing yet; one that reads this file again keeps what it knows. State may come in through
# the environment (set -a), functions of this name do not.
if ! typeset -f _venvkeep_hook >/dev/null; then
    typeset -g _venvkeep_env=     # the environment that was activated from here
    typeset -g _venvkeep_how=     # why: auto (found on the way) or asked (by name)
    typeset -g _venvkeep_tag=     # what was put before PS1
    typeset -g _venvkeep_idle=    # a VIRTUAL_ENV that was there at the start and is not on PATH
    typeset -g _venvkeep_idled=   # its VIRTUAL_ENV_PROMPT
    typeset -g _venvkeep_own=     # what came after the user's own entry of the environment, where -U made it one
    typeset -g _venvkeep_manual=  # an environment that something else activated
    typeset -g _venvkeep_held=    # the environment that the user deactivated and is still in; here: the one found next
    typeset -g _venvkeep_left=    # a directory that another tool may bring back to PATH
    typeset -g _venvkeep_pwd=     # where the last look was
    typeset -g _venvkeep_told=:   # the environments that something was said about
    typeset -g _venvkeep_home=    # PYTHONHOME as it was
    typeset -g _venvkeep_new=true # nothing was looked at yet
    typeset -g _venvkeep_used=    # the file that notes when the environment was last active
    typeset -g _venvkeep_reply= _venvkeep_path= _venvkeep_name= _venvkeep_state=
fi
typeset -g _venvkeep_file=${(%):-%x} # this one
# Perhaps the rest is of another version.
if [[ -z ${_venvkeep_loading-} ]]; then typeset -g _venvkeep_whole=; fi

# Whether the nearest environment from here upwards, to HOME, is trusted; it is in _venvkeep_path then. The
# nearest decides, as it does for the program.
function _venvkeep_find {
    local dir=${PWD%/} here
    # The state directory, as the program finds it.
    _venvkeep_state=${HOME-}/.local/state
    [[ ${XDG_STATE_HOME-} != /* ]] || _venvkeep_state=$XDG_STATE_HOME
    while true; do
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
        if [[ -z $dir || $dir == ${HOME-} || $dir -ef ${HOME-} ]]; then break; fi
        dir=${dir%/*}
    done
    here=$_venvkeep_state/venvkeep/default
    [[ -f $here && ! -L $here && -O $here && -r $here ]] && _venvkeep_more || return 1
    dir=
    IFS= read -r dir <$here
    _venvkeep_trusted "$dir"
}

# Brings the shell to what should be active here.
function _venvkeep_look {
    emulate -L zsh
    if ((ZSH_SUBSHELL)); then return 0; fi
    if [[ ${VIRTUAL_ENV-} != $_venvkeep_env || $_venvkeep_how == asked ||
        -n $_venvkeep_left$_venvkeep_manual${VENVKEEP_DISABLE-}${_OLD_VIRTUAL_PATH-}${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then
        _venvkeep_more && _venvkeep_settle || return 0
    fi
    _venvkeep_pwd=$PWD _venvkeep_new=''
    if ! _venvkeep_find; then _venvkeep_path=''; fi
    if [[ $_venvkeep_held == here ]]; then
        _venvkeep_held=$_venvkeep_path
    elif [[ $_venvkeep_held != $_venvkeep_path ]]; then
        _venvkeep_held=''
    fi
    if [[ -n $_venvkeep_env && $_venvkeep_env != $_venvkeep_path ]]; then _venvkeep_leave; fi
    if [[ -n $_venvkeep_path && -z $_venvkeep_env$_venvkeep_held ]]; then
        _venvkeep_enter "$_venvkeep_path" "$_venvkeep_name" auto
        # Active now: by the time of an empty file, so that nothing is started for it.
        if [[ -d ${_venvkeep_used%/*} && -O ${_venvkeep_used%/*} && ! -L $_venvkeep_used ]]; then
            { true >|$_venvkeep_used; } 2>/dev/null
        fi
    fi
    return 0
}

# At the prompt and when the directory changes; zsh itself keeps the status for the prompt. What happens in a
# subshell is over with it.
function _venvkeep_hook {
    # Nothing has changed, at most prompts; all of this is looked at again by _venvkeep_look.
    [[ $PWD == "$_venvkeep_pwd" && ${VIRTUAL_ENV-} == "$_venvkeep_env" &&
        -z $_venvkeep_new$_venvkeep_left$_venvkeep_manual${VENVKEEP_DISABLE-}${_OLD_VIRTUAL_PATH-}${DIRENV_DIFF-}${__MISE_DIFF-} &&
        (-z $_venvkeep_env || ($_venvkeep_how == auto && -O $_venvkeep_env/bin)) ]] || _venvkeep_look
}

# The program; what it changed shows at the next prompt.
function venvkeep {
    emulate -L zsh
    local code=0
    case ${1-} in
    activate)
        if _venvkeep_more; then
            shift
            _venvkeep_activate "$@"
            return
        fi
        ;;
    deactivate)
        if [[ $# -eq 1 ]] && typeset -f deactivate >/dev/null; then
            \deactivate
            return 0
        fi
        ;;
    new | heal | trust)
        _venvkeep_held=''
        ;;
    esac
    VENVKEEP_SHELL=zsh command venvkeep "$@" || code=$?
    _venvkeep_new=true
    return $code
}

if ! typeset -f activate >/dev/null; then
    function activate { venvkeep activate "$@"; }
fi

# Opt-in: says what to type instead of sudo, and then lets sudo do what it was asked.
if [[ -n ${VENVKEEP_SUDO_GUARD-} ]]; then
    # `sudo() {` would not parse where sudo is an alias.
    function sudo {
        if [[ -t 2 ]] && _venvkeep_more; then _venvkeep_sudo_advice "$@"; fi
        command sudo "$@"
    }
fi

# An installation has this file twice: whole, and without the part from here to the line that ends it, which is what a
# new shell reads. Whether that part is there; read now if need be.
function _venvkeep_more {
    emulate -L zsh
    if [[ -n $_venvkeep_whole ]]; then return 0; fi
    local file=${_venvkeep_file%-start.zsh}.zsh _venvkeep_loading=true
    # Where this file was read by a relative path, what lies under that name here may be anybody's.
    [[ $file == /* && -f $file && -O $file && -r $file ]] && . $file
}

# ---- rare ----

_venvkeep_whole=true

# Whether the environment at $1 is trusted. Then _venvkeep_path is its physical path, _venvkeep_name its name.
function _venvkeep_trusted {
    local here=$1 bin=$1/bin config=$1/pyvenv.cfg mark=$1/.venvkeep token records record above
    # As values, since with the user's sh_glob they would not parse as patterns.
    local open='(Nf:o+w:)' other='(N^L33)'
    local -a lines
    _venvkeep_path='' _venvkeep_name=''
    # The user's own, each part in its place and no link.
    [[ -O $here && ! -L $here && -d $bin && -O $bin && ! -L $bin && -f $config && -O $config && ! -L $config &&
        -f $mark && -O $mark && ! -L $mark && -r $mark ]] || return 1
    # zsh can look at modes: what everybody can change since it was trusted is trusted no more. And at sizes: there is
    # one line with its end, however long somebody made it.
    lines=($here${~open} $bin${~open} $config${~open} $mark${~other})
    ((${#lines} == 0)) || return 1
    token=$(<$mark)
    # It becomes part of a path.
    [[ ${#token} -eq 32 && $token != *[^0123456789abcdef]* ]] || return 1
    records=$_venvkeep_state/venvkeep/trusted record=$_venvkeep_state/venvkeep/trusted/$token
    [[ -f $record && -O $record && ! -L $record && -r $record && -O $records ]] || return 1
    lines=("${(@f)$(<$record)}")
    _venvkeep_path=${lines[1]} _venvkeep_name=${lines[2]-}
    # The place that was trusted, not another one that the token was carried to.
    above=${_venvkeep_path%/*}
    [[ $_venvkeep_path == /*/* && $_venvkeep_path != *:* && $_venvkeep_path -ef $here &&
        ! -L $_venvkeep_path && -O $above && ! -L $above ]] || return 1
    _venvkeep_used=$_venvkeep_state/venvkeep/used/$token
    case $_venvkeep_name in
    '' | *[^ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-]*)
        _venvkeep_letters "$_venvkeep_name"
        _venvkeep_name=$_venvkeep_reply
        ;;
    esac
}

# Where the file $1 points to, which stands for a project's environment (PEP 832).
function _venvkeep_redirected {
    emulate -L zsh
    setopt extended_glob
    local target=''
    [[ ! -L $1 && -O $1 && -r $1 ]] || return 1
    # No longer than a path can be.
    local large='(NL+4096)'
    local -a unfit
    unfit=($1${~large})
    ((${#unfit} == 0)) || return 1
    target=$(<$1)
    # What stands around it is not part of it, and a second line makes it no path at all.
    target=${${target##[[:space:]]#}%%[[:space:]]#}
    [[ $target != *[$'\n\r\0']* ]] || return 1
    case $target in
    '') return 1 ;;
    /*) _venvkeep_reply=$target ;;
    *) _venvkeep_reply=${1%/*}/$target ;;
    esac
}

# What of the name $1 can stand in a prompt: nothing that zsh expands there.
function _venvkeep_letters {
    _venvkeep_reply=${1//[^ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-]/}
    _venvkeep_reply=${_venvkeep_reply:-venv}
}

# One line, once a shell: whose the environment at $1 is. The program knows how to say it.
function _venvkeep_tell {
    if [[ -n ${VENVKEEP_QUIET-} || $_venvkeep_told == *":$1:"* ]]; then return 0; fi
    _venvkeep_told+=$1:
    if whence -p venvkeep >/dev/null; then command venvkeep notice -- "$1" </dev/null; fi
    return 0
}

# Puts the environment at $1, called $2, in front; $3 says why.
function _venvkeep_enter {
    _venvkeep_env=$1 _venvkeep_how=$3 _venvkeep_tag=''
    if [[ -n ${PYTHONHOME-} ]]; then
        _venvkeep_home=$PYTHONHOME
        unset PYTHONHOME
    fi
    typeset -gx VIRTUAL_ENV=$1 VIRTUAL_ENV_PROMPT=$2
    _venvkeep_own=''
    # With typeset -U path, an entry of the user's own is lost now.
    if [[ ${(t)path}${(t)PATH} == *unique* && :${PATH-}: == *":$1/bin:"* ]]; then _venvkeep_own=${${:-:$PATH:}#*":$1/bin:"}:; fi
    typeset -gx PATH=$1/bin${PATH:+:$PATH}
    if [[ $3 == auto ]]; then
        # Shells that start in this one know by it that nobody asked for the environment.
        typeset -gx VENVKEEP_ACTIVE=$1
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
    function deactivate { _venvkeep_deactivate; }
}

# Takes back exactly what was put in; what the user changed meanwhile stays.
function _venvkeep_leave {
    if [[ ${PATH-} == "$_venvkeep_env/bin:"* ]]; then
        PATH=${PATH#"$_venvkeep_env/bin:"}
    else
        _venvkeep_without "$_venvkeep_env/bin" "${PATH-}"
        PATH=$_venvkeep_reply
    fi
    if [[ -n $_venvkeep_own ]]; then _venvkeep_give_back; fi
    if [[ -n ${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_remember; fi
    if [[ ${VIRTUAL_ENV-} == $_venvkeep_env ]]; then
        unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
        if [[ -n $_venvkeep_idle ]]; then typeset -gx VIRTUAL_ENV=$_venvkeep_idle; fi
        if [[ -n $_venvkeep_idled ]]; then typeset -gx VIRTUAL_ENV_PROMPT=$_venvkeep_idled; fi
    fi
    if [[ -n $_venvkeep_tag && ${PS1-} == *"$_venvkeep_tag"* ]]; then
        PS1=${PS1%%"$_venvkeep_tag"*}${PS1#*"$_venvkeep_tag"}
    fi
    if [[ -n $_venvkeep_home ]]; then typeset -gx PYTHONHOME=$_venvkeep_home; fi
    unset VENVKEEP_ACTIVE
    if typeset -f deactivate >/dev/null; then unfunction deactivate; fi
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

# The user's own entry of the environment, where it was lost: before the first directory that still follows it.
function _venvkeep_give_back {
    local bin=$_venvkeep_env/bin after=${_venvkeep_own%%:*}
    if [[ :${PATH-}: == *":$bin:"* ]]; then return 0; fi
    if [[ -n $after && :${PATH-}: == *":$after:"* ]]; then
        after=:$after:
        PATH=${${${:-:$PATH:}/$after/:$bin$after}[2,-2]}
    else
        PATH=${PATH:+$PATH:}$bin
    fi
}

# What something else did meanwhile; whether there is to be a look for what belongs here.
function _venvkeep_settle {
    if [[ -n ${VENVKEEP_DISABLE-} ]]; then
        if [[ -n $_venvkeep_env ]]; then _venvkeep_leave; fi
        _venvkeep_new=true
        return 1
    fi
    if [[ -n $_venvkeep_env ]]; then
        if [[ ${VIRTUAL_ENV-} != $_venvkeep_env || -n ${_OLD_VIRTUAL_PATH-} ]]; then
            _venvkeep_yield
        elif [[ $_venvkeep_how == asked ]]; then
            if [[ -d $_venvkeep_env/bin ]]; then return 1; fi
            _venvkeep_leave
        elif [[ $PWD == $_venvkeep_pwd && -z $_venvkeep_new && -O $_venvkeep_env/bin ]]; then
            if [[ -n $_venvkeep_left${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_mend; fi
            return 1
        fi
    fi
    if [[ -z $_venvkeep_env ]]; then
        if [[ -n $_venvkeep_left && ${VIRTUAL_ENV-}/bin == $_venvkeep_left && -z ${_OLD_VIRTUAL_PATH-} ]]; then
            # Brought back with PATH: nobody activated it.
            unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT VENVKEEP_ACTIVE
        fi
        if [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != $_venvkeep_idle ]]; then
            _venvkeep_manual=$VIRTUAL_ENV
            return 1
        fi
        if [[ -n $_venvkeep_left ]]; then _venvkeep_mend; fi
        if [[ -n $_venvkeep_manual ]]; then
            # Deactivated by hand: nothing else comes in its place until the tree is left.
            _venvkeep_held=here _venvkeep_manual=''
        elif [[ $PWD == $_venvkeep_pwd && -z $_venvkeep_new ]]; then
            return 1
        fi
    fi
    return 0
}

# direnv and mise save PATH as it was, and bring it back when they leave a directory.
function _venvkeep_remember {
    _venvkeep_left=$_venvkeep_env/bin
}

# They have had their turn by now: PATH loses what we had left, and gets back what is active.
function _venvkeep_mend {
    while [[ -n $_venvkeep_left && $_venvkeep_left != $_venvkeep_env/bin && :${PATH-}: == *":$_venvkeep_left:"* ]]; do
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
    if [[ ${VIRTUAL_ENV-} != $_venvkeep_env || :$_venvkeep_reply: == *":$bin:"* ]]; then PATH=$_venvkeep_reply; fi
    if [[ -n ${_OLD_VIRTUAL_PATH-} ]]; then
        _venvkeep_without "$bin" "$_OLD_VIRTUAL_PATH"
        _OLD_VIRTUAL_PATH=$_venvkeep_reply
    else
        if typeset -f deactivate >/dev/null; then unfunction deactivate; fi
    fi
    if [[ -n $tag ]]; then
        if [[ ${PS1-} == *"$tag"* ]]; then PS1=${PS1%"$tag"*}${PS1##*"$tag"}; fi
        if [[ ${_OLD_VIRTUAL_PS1-} == *"$tag"* ]]; then
            _OLD_VIRTUAL_PS1=${_OLD_VIRTUAL_PS1%"$tag"*}${_OLD_VIRTUAL_PS1##*"$tag"}
        fi
    fi
    if [[ -z ${VIRTUAL_ENV-} && -n $_venvkeep_home ]]; then typeset -gx PYTHONHOME=$_venvkeep_home; fi
    unset VENVKEEP_ACTIVE
    if [[ -n ${DIRENV_DIFF-}${__MISE_DIFF-} ]]; then _venvkeep_remember; fi
    _venvkeep_manual=$_venvkeep_env
    _venvkeep_env='' _venvkeep_how='' _venvkeep_tag='' _venvkeep_home='' _venvkeep_used=''
}

# What `deactivate` does: it holds until the user leaves the tree, or asks for an environment.
function _venvkeep_deactivate {
    emulate -L zsh
    if [[ -z $_venvkeep_env ]]; then return 0; fi
    if [[ $_venvkeep_how == auto ]]; then _venvkeep_held=$_venvkeep_env; else _venvkeep_manual=$_venvkeep_env; fi
    _venvkeep_leave
}

# Makes the environment $1 (a path or a name) active from anywhere; without, the nearest, or the default.
function _venvkeep_activate {
    emulate -L zsh
    # The program says what speaks against it.
    local answer VENVKEEP_QUIET=true
    if [[ ${1-} == -* || $# -gt 1 ]]; then
        # It knows what to say.
        VENVKEEP_SHELL=zsh command venvkeep activate "$@"
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
    elif [[ -n ${VIRTUAL_ENV-} && $VIRTUAL_ENV != $_venvkeep_idle ]]; then
        if typeset -f deactivate >/dev/null; then \deactivate; fi
    fi
    _venvkeep_held='' _venvkeep_manual=''
}

# What the shell around this one has left in the environment. What it activated by itself goes, and comes back at
# the first prompt if it belongs here: PATH may have been put in another order since. What somebody asked for stays.
function _venvkeep_inherit {
    emulate -L zsh
    local env=${VIRTUAL_ENV-}
    if [[ -n $env && (${VENVKEEP_ACTIVE-} == $env || ! -d $env/bin) ]]; then
        _venvkeep_without "$env/bin" "${PATH-}"
        PATH=$_venvkeep_reply
        unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    elif [[ -n $env && :${PATH-}: != *":$env/bin:"* ]]; then
        _venvkeep_idle=$env _venvkeep_idled=${VIRTUAL_ENV_PROMPT-}
    elif [[ -n $env ]] && ! typeset -f deactivate >/dev/null; then
        # Nested shells, tmux and editors bring the variables, and neither prompt nor `deactivate`.
        _venvkeep_letters "${VIRTUAL_ENV_PROMPT:-${env##*/}}"
        _venvkeep_env=$env _venvkeep_how=asked
        _venvkeep_show "$_venvkeep_reply"
    fi
    unset VENVKEEP_ACTIVE
}

# Says what to type instead of these words after sudo, where there is something better.
function _venvkeep_sudo_advice {
    emulate -L zsh
    # With other options it may be for another user, or for none.
    while [[ ${1-} == -[EHnPS] || ${1-} == *=* ]]; do shift; done
    local program=${${1-}##*/}
    case "$program ${2-} ${3-} ${4-}" in
    'pip install '* | pip[23]' install '* | pip3.*' install '*) _venvkeep_reply='python -m pip install' ;;
    python*' -m pip install') _venvkeep_reply='python -m pip install' ;;
    python*' -m venv '* | python*' -m virtualenv '* | 'virtualenv '* | 'uv venv '*)
        _venvkeep_reply='venvkeep new'
        ;;
    'uv pip '*) _venvkeep_reply='uv pip' ;;
    *) return 0 ;;
    esac
    print -ru2 -- "venvkeep: with sudo this is made for root, and you cannot change it later; without: $_venvkeep_reply"
}

# ---- as far as this ----

# Read by a shell that has it already.
if [[ -n ${_venvkeep_loading-} ]]; then return 0; fi

if [[ -z $_venvkeep_env && -n ${VIRTUAL_ENV-}${VENVKEEP_ACTIVE-} ]]; then
    if _venvkeep_more; then _venvkeep_inherit; fi
fi

# For root nothing is activated by itself. Last, after direnv and mise; zsh expands prompts after all hooks.
if ((EUID != 0)); then
    # In a function: with the user's ksh_arrays a plain name would be the first of their hooks alone.
    function _venvkeep_hooks {
        emulate -L zsh
        typeset -ga precmd_functions chpwd_functions
        precmd_functions=(${precmd_functions:#_venvkeep_hook} _venvkeep_hook)
        chpwd_functions=(${chpwd_functions:#_venvkeep_hook} _venvkeep_hook)
    }
    _venvkeep_hooks
fi
