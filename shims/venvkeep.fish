# venvkeep for fish (3.0 and newer): activates the environments that you trust where you enter them, takes them
# back where you leave, and says once when one on the way is not yours. To be sourced from your configuration.
#
# VENVKEEP_DISABLE=1 turns it off, VENVKEEP_QUIET=1 keeps it silent, VIRTUAL_ENV_DISABLE_PROMPT=1 leaves the
# prompt alone. Nothing in an environment is ever sourced or run from here, and nothing here starts a process,
# but for the commands activate and venvkeep, and for the one line about an environment that is not yours.
# The comments of venvkeep.bash hold here as well.
#
# To fish each command costs some 10 µs, and a substitution five times that. So one `test` asks all that it can, and
# where somebody passes often nothing is substituted.

# What a shell remembers; what is empty or not there is not so.
#     _venvkeep_env       the environment that was activated from here
#     _venvkeep_how       why: auto (found on the way) or asked (by name)
#     _venvkeep_tag       what is put before the prompt
#     _venvkeep_idle      a VIRTUAL_ENV that was there at the start and is not on PATH; _idled: its VIRTUAL_ENV_PROMPT
#     _venvkeep_manual    an environment that something else activated
#     _venvkeep_held      the environment that the user deactivated and is still in; `here`: the one found next
#     _venvkeep_left      a directory that another tool may bring back to PATH
#     _venvkeep_pwd       where the last look was; _new: nothing was looked at yet, or something has changed
#     _venvkeep_told      the environments that something was said about
#     _venvkeep_home      PYTHONHOME as it was
#     _venvkeep_state     the state directory; _top: HOME without links; _places: the variables that both come from
#     _venvkeep_whole     the whole of this file was read

# A new shell knows nothing yet; one that reads this file again keeps what it knows.
if not functions --query _venvkeep_find
    # A shell around this one may export all that it sets.
    if set -q _venvkeep_pwd
        for name in (set --names)
            string match --quiet -- '_venvkeep_*' $name
            and set -e $name
        end
    end
    set -g _venvkeep_new true
end
# Perhaps the rest is of another version.
set -q _venvkeep_loading
or set --global _venvkeep_whole ''

# The state directory, as the program finds it.
function _venvkeep_locate
    set -g _venvkeep_places "$HOME:$XDG_STATE_HOME"
    set -g _venvkeep_top (test -n "$HOME"; and builtin realpath -- "$HOME" 2>/dev/null)
    set -g _venvkeep_state "$HOME/.local/state/venvkeep"
    string match --quiet -- '/*' "$XDG_STATE_HOME"
    and set -g _venvkeep_state "$XDG_STATE_HOME/venvkeep"
end

# Whether the nearest environment from here upwards, to HOME, is trusted; it is in _venvkeep_path then. The
# nearest decides, as it does for the program.
function _venvkeep_find
    test "$HOME:$XDG_STATE_HOME" = "$_venvkeep_places"
    or _venvkeep_locate
    set -l dir $PWD
    while true
        if test -e "$dir/.venv" -o -e "$dir/venv" -o -e "$dir/env"
            test -n "$_venvkeep_whole"
            or _venvkeep_more
            or return
            for here in "$dir/.venv" "$dir/venv" "$dir/env"
                if test -e "$here/pyvenv.cfg"
                    _venvkeep_trusted "$here" "$dir"
                    and return
                    if not test -O "$here" -a -O "$here/bin" -a -O "$here/pyvenv.cfg"
                        _venvkeep_tell "$here"
                    end
                    return 1
                else if test -d "$here" -a ! -x "$here" -a ! -O "$here"
                    _venvkeep_tell "$here"
                    return 1
                else if test "$here" = "$dir/.venv" -a -f "$here"
                    _venvkeep_redirected "$here"
                    return
                end
            end
        end
        if test -z "$dir" -o "$dir" = / -o "$dir" = "$HOME" -o "$dir" = "$_venvkeep_top"
            break
        end
        set dir (string replace --regex -- '/[^/]*$' '' "$dir")
    end
    set -l default "$_venvkeep_state/default"
    test -f "$default" -a ! -L "$default" -a -O "$default" -a -r "$default"
    and _venvkeep_more
    or return
    set -l path
    read --delimiter \n path <"$default"
    _venvkeep_trusted "$path" (string replace --regex -- '/[^/]*$' '' "$path")
end

# Brings the shell to what should be active here.
function _venvkeep_look
    # Not we alone have been at work.
    if test "$VIRTUAL_ENV" != "$_venvkeep_env" -o "$_venvkeep_how" = asked \
            -o -n "$_venvkeep_left$_venvkeep_manual$VENVKEEP_DISABLE$_OLD_VIRTUAL_PATH$DIRENV_DIFF$__MISE_DIFF"
        _venvkeep_more
        and _venvkeep_settle
        or return
    end
    set -g _venvkeep_pwd $PWD
    set -g _venvkeep_new ''
    _venvkeep_find
    or set -g _venvkeep_path ''
    if test -n "$_venvkeep_held"
        if test "$_venvkeep_held" = here
            set -g _venvkeep_held $_venvkeep_path
        else if test "$_venvkeep_held" != "$_venvkeep_path"
            set -g _venvkeep_held ''
        end
    end
    if test -n "$_venvkeep_env" -a "$_venvkeep_env" != "$_venvkeep_path"
        _venvkeep_leave
    end
    if test -n "$_venvkeep_path" -a -z "$_venvkeep_env$_venvkeep_held"
        _venvkeep_enter "$_venvkeep_path" "$_venvkeep_name" auto
        # Active now: by the time of an empty file, so that nothing is started for it.
        if test -d "$_venvkeep_state/used" -a -O "$_venvkeep_state/used" -a ! -L "$_venvkeep_used"
            begin
                true >"$_venvkeep_used"
            end 2>/dev/null
        end
    end
    true
end

# The program; what it changed shows at the next prompt.
function venvkeep
    switch "$argv[1]"
        case activate
            if _venvkeep_more
                _venvkeep_activate $argv[2..-1]
                return
            end
        case deactivate
            if functions --query deactivate; and not set -q argv[2]
                deactivate
                return 0
            end
        case new heal trust
            set -g _venvkeep_held ''
    end
    set -lx VENVKEEP_SHELL fish
    command venvkeep $argv
    set -l code $status
    set -g _venvkeep_new true
    return $code
end

if not functions --query activate
    function activate --description 'Activate a Python environment'
        venvkeep activate $argv
    end
end

# Opt-in: says what to type instead of sudo, and then lets sudo do what it was asked.
if test -n "$VENVKEEP_SUDO_GUARD"
    function sudo
        isatty stderr
        and _venvkeep_more
        and _venvkeep_sudo_advice $argv
        command sudo $argv
    end
end

# An installation has this file twice: whole, and without the part from here to the line that ends it, which is what a
# new shell reads. Whether that part is there; read now if need be.
function _venvkeep_more
    test -n "$_venvkeep_whole"
    and return
    set -l file (string replace --regex -- '-start(\.fish)$' '$1' (functions --details _venvkeep_more))
    # Where this file was read by a relative path, what lies under that name here may be anybody's.
    string match --quiet -- '/*' "$file"
    and test -f "$file" -a -O "$file" -a -r "$file"
    or return
    set -g _venvkeep_loading true
    source $file
    set -e _venvkeep_loading
    test -n "$_venvkeep_whole"
end

# ---- rare ----

set --global _venvkeep_whole true

# Whether the environment at $here, in the directory $above, is trusted. Then _venvkeep_path is its physical path,
# _venvkeep_name its name.
function _venvkeep_trusted --argument-names here above
    # The user's own, each part in its place and no link. A sticky directory is one that others may add to; of other
    # modes fish tells nothing.
    test -O "$here" -a ! -L "$here" -a ! -k "$here" \
        -a -d "$here/bin" -a -O "$here/bin" -a ! -L "$here/bin" -a ! -k "$here/bin" \
        -a -f "$here/pyvenv.cfg" -a -O "$here/pyvenv.cfg" -a ! -L "$here/pyvenv.cfg" \
        -a -f "$here/.venvkeep" -a -O "$here/.venvkeep" -a ! -L "$here/.venvkeep" -a -r "$here/.venvkeep"
    or return 1
    # One line with its end, and no more of it than can be right, however long somebody made it.
    read --local --null --nchars 34 --delimiter \n -a token <"$here/.venvkeep"
    # It becomes part of a path.
    string match --quiet --regex -- '^[0-9a-f]{32} $' "$token"
    or return 1
    set -l records "$_venvkeep_state/trusted"
    set -l record "$records/$token[1]"
    test -f "$record" -a ! -L "$record" -a -O "$record" -a -r "$record" -a -O "$records"
    or return 1
    read --local --null --delimiter \n -a lines <"$record"
    # The place that was trusted, not another one that the token was carried to. fish before 3.6 has no -ef.
    if test "$lines[1]" != "$here"
        test "$lines[1]" = (builtin realpath -- "$here")
        or return 1
        set above (string replace --regex -- '/[^/]*$' '' "$lines[1]")
    end
    test -O "$above" -a ! -L "$above"
    and string match --quiet --regex -- '^/[^:]*/[^:]*$' "$lines[1]"
    or return 1
    set -g _venvkeep_used "$_venvkeep_state/used/$token[1]"
    set -g _venvkeep_path $lines[1]
    set -g _venvkeep_name "$lines[2]"
    # What of it can stand in a prompt; mostly that is all.
    string match --quiet --regex -- '^[A-Za-z0-9._+-]+$' "$_venvkeep_name"
    or set -g _venvkeep_name (_venvkeep_letters "$_venvkeep_name")
end

function _venvkeep_letters
    set -l letters (string replace --all --regex -- '[^A-Za-z0-9._+-]' '' "$argv[1]")
    if test -n "$letters"
        echo -- $letters
    else
        echo venv
    end
end

# Puts the environment at $path, called $name, in front; $why says why.
function _venvkeep_enter --argument-names path name why
    set -g _venvkeep_env $path
    set -g _venvkeep_how $why
    if test "$why" = auto
        # Shells that start in this one know by it that nobody asked for the environment.
        set -gx VENVKEEP_ACTIVE $path
    end
    if test -n "$PYTHONHOME"
        set -g _venvkeep_home $PYTHONHOME
        set -e PYTHONHOME
    end
    set -gx VIRTUAL_ENV $path
    set -gx VIRTUAL_ENV_PROMPT $name
    set -gx PATH "$path/bin" $PATH
    _venvkeep_show $name
end

# The name in the prompt, and the command that takes it away.
function _venvkeep_show
    function deactivate --description 'Leave the active Python environment'
        _venvkeep_deactivate
    end
    if test -n "$VIRTUAL_ENV_DISABLE_PROMPT"
        return
    end
    set -g _venvkeep_tag "($argv[1]) "
    # A prompt that was never shown is not loaded yet, and what is not loaded cannot be copied.
    functions --query fish_prompt
    if functions --query _venvkeep_fish_prompt
        # Either it is ours still, or the user has made another one while an environment was active.
        string match --quiet -- '*_venvkeep_fish_prompt*' (functions fish_prompt)
        and return
        functions --erase _venvkeep_fish_prompt
    end
    functions --copy fish_prompt _venvkeep_fish_prompt
    function fish_prompt --description 'The prompt, with the active Python environment before it'
        # First, since it may show the status of every part of the last pipeline.
        set -l lines (_venvkeep_fish_prompt)
        printf '%s\n' "$_venvkeep_tag$lines[1]" $lines[2..-1]
    end
end

# The prompt as it was, unless it is another one by now: then ours, wherever it is, shows nothing more.
function _venvkeep_unshow
    set -g _venvkeep_tag ''
    if functions --query _venvkeep_fish_prompt
        and string match --quiet -- '*_venvkeep_fish_prompt*' (functions fish_prompt)
        functions --erase fish_prompt
        if functions --query fish_prompt
            # To fish before 3.1 fish's own comes back by itself, and what is there is not copied over.
            functions _venvkeep_fish_prompt \
                | string replace --regex -- '^function _venvkeep_fish_prompt' 'function fish_prompt' | source
        else
            functions --copy _venvkeep_fish_prompt fish_prompt
        end
        functions --erase _venvkeep_fish_prompt
    end
end

# Takes back exactly what was put in; what the user changed meanwhile stays.
function _venvkeep_leave
    if test "$PATH[1]" = "$_venvkeep_env/bin"
        set -e PATH[1]
    else
        _venvkeep_take_out "$_venvkeep_env/bin"
    end
    if test -n "$DIRENV_DIFF$__MISE_DIFF"
        _venvkeep_remember
    end
    if test "$VIRTUAL_ENV" = "$_venvkeep_env"
        set -e VIRTUAL_ENV
        set -e VIRTUAL_ENV_PROMPT
        if test -n "$_venvkeep_idle$_venvkeep_idled"
            test -n "$_venvkeep_idle"
            and set -gx VIRTUAL_ENV $_venvkeep_idle
            test -n "$_venvkeep_idled"
            and set -gx VIRTUAL_ENV_PROMPT $_venvkeep_idled
        end
    end
    if test -n "$_venvkeep_home"
        set -gx PYTHONHOME $_venvkeep_home
    end
    if test -n "$_venvkeep_tag"
        _venvkeep_unshow
    end
    functions --erase deactivate
    _venvkeep_forget
end

# Takes a directory out of PATH, once.
function _venvkeep_take_out
    if set -l position (contains --index -- "$argv[1]" $PATH)
        set -e PATH[$position]
    end
end

function _venvkeep_forget
    set -e VENVKEEP_ACTIVE
    set -g _venvkeep_env ''
    set -g _venvkeep_how ''
    set -g _venvkeep_home ''
end

# direnv and mise save PATH as it was, and bring it back when they leave a directory.
function _venvkeep_remember
    set -g _venvkeep_left "$_venvkeep_env/bin"
end

# What `deactivate` does: it holds until the user leaves the tree, or asks for an environment.
function _venvkeep_deactivate
    if test -z "$_venvkeep_env"
        return
    end
    if test "$_venvkeep_how" = auto
        set -g _venvkeep_held $_venvkeep_env
    else
        set -g _venvkeep_manual $_venvkeep_env
    end
    _venvkeep_leave
    return 0 # The prompt would show the 4 of a `set -e` that found nothing.
end

# What the shell around this one has left in the environment. What it activated by itself goes, and comes back at
# the first prompt if it belongs here: PATH may have been put in another order since. What somebody asked for stays.
function _venvkeep_inherit
    set -l env $VIRTUAL_ENV
    if test -z "$env"
    else if test "$VENVKEEP_ACTIVE" = "$env" -o ! -d "$env/bin"
        _venvkeep_take_out "$env/bin"
        set -e VIRTUAL_ENV
        set -e VIRTUAL_ENV_PROMPT
    else if not contains -- "$env/bin" $PATH
        set -g _venvkeep_idle $env
        set -g _venvkeep_idled "$VIRTUAL_ENV_PROMPT"
    else if not functions --query deactivate
        # Nested shells, tmux and editors bring the variables, and neither prompt nor `deactivate`.
        set -g _venvkeep_env $env
        set -g _venvkeep_how asked
        set -g _venvkeep_inherited true
    end
    set -e VENVKEEP_ACTIVE
end

# Where the file $argv[1] points to, which stands for a project's environment (PEP 832): whether that is trusted.
function _venvkeep_redirected
    test -O "$argv[1]" -a ! -L "$argv[1]" -a -r "$argv[1]"
    or return 1
    # One line, and no more of it than a path can have.
    set -l target
    set -l more
    begin
        read --null --nchars 4096 target
        read --null --nchars 1 more
        and return 1
    end <"$argv[1]"
    set target (string trim -- "$target")
    if set -q target[2]; or test -z "$target"; or string match --quiet -- '*'\r'*' "$target"
        return 1
    end
    if not string match --quiet -- '/*' "$target"
        set target (string replace --regex -- '/[^/]*$' '' "$argv[1]")/$target
    end
    _venvkeep_trusted "$target" (string replace --regex -- '/[^/]*$' '' "$target")
end

# One line, once a shell: whose an environment is. The program knows how to say it.
function _venvkeep_tell
    if test -n "$VENVKEEP_QUIET"; or contains -- "$argv[1]" $_venvkeep_told
        return
    end
    set -g -a _venvkeep_told "$argv[1]"
    if command -sq venvkeep
        command venvkeep notice -- "$argv[1]" </dev/null
    end
end

# What something else did meanwhile; whether there is to be a look for what belongs here.
function _venvkeep_settle
    if test -n "$VENVKEEP_DISABLE"
        test -n "$_venvkeep_env"
        and _venvkeep_leave
        set -g _venvkeep_new true
        return 1
    end
    if test -n "$_venvkeep_env"
        if test "$VIRTUAL_ENV" != "$_venvkeep_env"; or set -q _OLD_VIRTUAL_PATH
            _venvkeep_yield
        else if test "$_venvkeep_how" = asked
            test -d "$_venvkeep_env/bin"
            and return 1
            _venvkeep_leave
        else if test "$PWD" = "$_venvkeep_pwd" -a -z "$_venvkeep_new" -a -O "$_venvkeep_env/bin"
            test -n "$_venvkeep_left$DIRENV_DIFF$__MISE_DIFF"
            and _venvkeep_mend
            return 1
        end
    end
    if test -z "$_venvkeep_env"
        if test -n "$_venvkeep_left" -a "$VIRTUAL_ENV/bin" = "$_venvkeep_left"; and not set -q _OLD_VIRTUAL_PATH
            # Brought back with PATH: nobody activated it.
            set -e VIRTUAL_ENV
            set -e VIRTUAL_ENV_PROMPT
            set -e VENVKEEP_ACTIVE
        end
        if test -n "$VIRTUAL_ENV" -a "$VIRTUAL_ENV" != "$_venvkeep_idle"
            set -g _venvkeep_manual $VIRTUAL_ENV
            return 1
        end
        test -n "$_venvkeep_left"
        and _venvkeep_mend
        if test -n "$_venvkeep_manual"
            # Deactivated by hand: nothing else comes in its place until the tree is left.
            set -g _venvkeep_held here
            set -g _venvkeep_manual ''
        else if test "$PWD" = "$_venvkeep_pwd" -a -z "$_venvkeep_new"
            return 1
        end
    end
    true
end

# Other tools have had their turn by now: PATH loses what we had left, and gets back what is active.
function _venvkeep_mend
    if test -n "$_venvkeep_left" -a "$_venvkeep_left" != "$_venvkeep_env/bin"
        while contains -- "$_venvkeep_left" $PATH
            _venvkeep_take_out $_venvkeep_left
        end
    end
    if test -n "$_venvkeep_env"; and not contains -- "$_venvkeep_env/bin" $PATH
        set -gx PATH "$_venvkeep_env/bin" $PATH
    end
    # direnv still has it, and will bring it back when it leaves.
    if test -z "$DIRENV_DIFF"
        set -g _venvkeep_left ''
    end
end

# Something else activated an environment over ours, or took ours away: what we put in goes, also from what that
# has saved to bring back.
function _venvkeep_yield
    set -l bin "$_venvkeep_env/bin"
    # Of the same environment, activated once more, one stays.
    set -l count 0
    for directory in $PATH
        if test "$directory" = "$bin"
            set count (math $count + 1)
        end
    end
    if test "$VIRTUAL_ENV" != "$_venvkeep_env" -o $count -gt 1
        _venvkeep_take_out $bin
    end
    if set -q _OLD_VIRTUAL_PATH
        if set -l position (contains --index -- "$bin" $_OLD_VIRTUAL_PATH)
            set -e _OLD_VIRTUAL_PATH[$position]
        end
    else
        functions --erase deactivate
    end
    if test -n "$_venvkeep_home" -a -z "$VIRTUAL_ENV"
        set -gx PYTHONHOME $_venvkeep_home
    end
    _venvkeep_unshow
    if test -n "$DIRENV_DIFF$__MISE_DIFF"
        _venvkeep_remember
    end
    set -g _venvkeep_manual $_venvkeep_env
    _venvkeep_forget
end

# Makes the environment $argv[1] (a path or a name) active from anywhere; without, the nearest, or the default.
function _venvkeep_activate
    if string match --quiet -- '-*' "$argv[1]"; or set -q argv[2]
        # It knows what to say.
        set -lx VENVKEEP_SHELL fish
        command venvkeep activate $argv
        return
    end
    # The program says what speaks against it.
    set -lx VENVKEEP_QUIET true
    if not set -q argv[1]; and _venvkeep_find
        # What belongs here, as if the user came in now.
        _venvkeep_make_way
        set -g _venvkeep_new true
        _venvkeep_look
        test -n "$_venvkeep_env"
        and return
        # Something else is in the way that has no deactivate, or the shims are switched off: then it is asked for by hand.
    end
    set -l answer (env VIRTUAL_ENV= venvkeep activate --for-shell -- $argv)
    or return
    _venvkeep_make_way
    _venvkeep_enter $answer[1] $answer[2] asked
end

# Another environment is asked for than the one that is active, or was deactivated.
function _venvkeep_make_way
    if test -n "$_venvkeep_env"
        _venvkeep_leave
    else if test -n "$VIRTUAL_ENV" -a "$VIRTUAL_ENV" != "$_venvkeep_idle"
        functions --query deactivate
        and deactivate
    end
    set -g _venvkeep_held ''
    set -g _venvkeep_manual ''
end

# Says what to type instead of these words after sudo, where there is something better.
function _venvkeep_sudo_advice
    # With other options it may be for another user, or for none.
    while string match --quiet --regex -- '^(-[EHnPS]|[^/]*=.*)$' "$argv[1]"
        set -e argv[1]
    end
    set -l program (string replace --regex -- '^.*/' '' "$argv[1]")
    set -l advice
    switch "$program $argv[2] $argv[3] $argv[4]"
        case 'pip install *' 'pip2 install *' 'pip3 install *' 'pip3.* install *' 'python* -m pip install'
            set advice 'python -m pip install'
        case 'python* -m venv *' 'python* -m virtualenv *' 'virtualenv *' 'uv venv *'
            set advice 'venvkeep new'
        case 'uv pip *'
            set advice 'uv pip'
        case '*'
            return
    end
    echo "venvkeep: with sudo this is made for root, and you cannot change it later; without: $advice" >&2
end

# ---- as far as this ----

# Only in a shell that somebody types into.
if status is-interactive; and not set -q _venvkeep_loading
    if test -n "$VIRTUAL_ENV$VENVKEEP_ACTIVE" -a -z "$_venvkeep_env"
        _venvkeep_more
        and _venvkeep_inherit
    end

    # The prompt is known only now, and so are direnv and mise, after which the hook is to come.
    function _venvkeep_first --on-event fish_prompt
        functions --erase _venvkeep_first
        if set -q _venvkeep_inherited
            set -e _venvkeep_inherited
            set -l name (string replace --regex -- '^.*/' '' "$VIRTUAL_ENV")
            test -n "$VIRTUAL_ENV_PROMPT"
            and set name $VIRTUAL_ENV_PROMPT
            _venvkeep_more
            and _venvkeep_show (_venvkeep_letters "$name")
        end
        # For root nothing is activated by itself; fish before 3.2 does not say who it runs for.
        set -l user $EUID
        test -n "$user"
        or set user (id -u)
        if test "$user" != 0
            function _venvkeep_on_prompt --on-event fish_prompt
                # Nothing has changed, at most prompts; all of this is looked at again by _venvkeep_look.
                test "$PWD:$VIRTUAL_ENV:$_venvkeep_new$_venvkeep_left$_venvkeep_manual$VENVKEEP_DISABLE$_OLD_VIRTUAL_PATH$DIRENV_DIFF$__MISE_DIFF" \
                    = "$_venvkeep_pwd:$_venvkeep_env:" \
                    -a \( -z "$_venvkeep_env" -o "$_venvkeep_how" = auto -a -O "$_venvkeep_env/bin" \)
                or _venvkeep_look
            end

            function _venvkeep_on_directory --on-variable PWD
                status is-command-substitution
                or _venvkeep_look
            end
            _venvkeep_look
        end
    end
end
