# venvkeep for fish (3.0 and newer): activates the environments that you trust where you enter them, takes them
# back where you leave, and says once when one on the way is not yours. To be sourced from your configuration.
#
# VENVKEEP_DISABLE=1 turns it off, VENVKEEP_QUIET=1 keeps it silent, VIRTUAL_ENV_DISABLE_PROMPT=1 leaves the
# prompt alone. Nothing in an environment is ever sourced or run from here, and nothing here starts a process,
# but for the commands activate and venvkeep, and for the one line about an environment that is not yours.
# The comments of venvkeep.bash hold here as well.

# A new shell knows nothing yet; one that reads this file again keeps what it knows.
if not functions --query _venvkeep_look
    set --global _venvkeep_env '' # the environment that was activated from here
    set --global _venvkeep_how '' # why: auto (found on the way) or asked (by name)
    set --global _venvkeep_tag '' # what is put before the prompt
    set --global _venvkeep_idle '' # a VIRTUAL_ENV that was there at the start and is not on PATH
    set --global _venvkeep_idled '' # its VIRTUAL_ENV_PROMPT
    set --global _venvkeep_manual '' # an environment that something else activated
    set --global _venvkeep_held '' # the environment that the user deactivated and is still in
    set --global _venvkeep_left '' # a directory that another tool may bring back to PATH
    set --global _venvkeep_pwd '' # where the last look was
    set --global _venvkeep_told # the environments that something was said about
    set --global _venvkeep_home '' # PYTHONHOME as it was
    set --global _venvkeep_new true # nothing was looked at yet
    set --global _venvkeep_path ''
    set --global _venvkeep_name ''
end

# The state directory, as the program finds it.
function _venvkeep_state
    if string match --quiet -- '/*' "$XDG_STATE_HOME"
        echo -- "$XDG_STATE_HOME/venvkeep"
    else
        echo -- "$HOME/.local/state/venvkeep"
    end
end

# A file that is the user's, is there itself and can be read.
function _venvkeep_own_file
    test -f "$argv[1]" -a ! -L "$argv[1]" -a -O "$argv[1]" -a -r "$argv[1]"
end

# A directory that is the user's and is there itself.
function _venvkeep_own_directory
    test -d "$argv[1]" -a ! -L "$argv[1]" -a -O "$argv[1]"
end

# Whether the environment at $argv[1] is trusted. Then _venvkeep_path is its physical path, _venvkeep_name its name.
function _venvkeep_trusted
    set -l here $argv[1]
    set -g _venvkeep_path ''
    set -g _venvkeep_name ''
    # The user's own, each part in its place and no link.
    test -n "$here"
    and _venvkeep_own_directory "$here"
    and _venvkeep_own_directory "$here/bin"
    and _venvkeep_own_file "$here/pyvenv.cfg"
    and _venvkeep_own_file "$here/.venvkeep"
    or return 1
    # A sticky directory is one that others may add to. Of other modes fish tells nothing.
    not test -k "$here" -o -k "$here/bin"
    or return 1
    set -l token
    # One line, and no more of it than can be right, however long somebody made it.
    read --null --nchars 34 token <"$here/.venvkeep"
    # It becomes part of a path.
    set token (string match --regex -- '^[0-9a-f]{32}$' "$token")
    or return 1
    set -l records (_venvkeep_state)/trusted
    _venvkeep_own_file "$records/$token"
    and test -O "$records"
    or return 1
    set -l path
    set -l name
    begin
        read path
        read name
    end <"$records/$token"
    # The place that was trusted, not another one that the token was carried to. fish before 3.6 has no -ef.
    string match --quiet -- '/*/*' "$path"
    and not string match --quiet -- '*:*' "$path"
    and test "$path" = (builtin realpath -- "$here")
    and _venvkeep_own_directory (string replace --regex -- '/[^/]*$' '' "$path")
    or return 1
    set -g _venvkeep_used (_venvkeep_state)/used/$token
    set -g _venvkeep_path $path
    set -g _venvkeep_name (_venvkeep_letters "$name")
end

# Where the file $argv[1] points to, which stands for a project's environment (PEP 832).
function _venvkeep_redirected
    _venvkeep_own_file "$argv[1]"
    or return 1
    set -l target
    read --nchars 4096 target <"$argv[1]"
    set target (string trim -- "$target")
    test -n "$target"
    or return 1
    if string match --quiet -- '/*' "$target"
        echo -- $target
    else
        echo -- (string replace --regex -- '/[^/]*$' '' "$argv[1]")/$target
    end
end

# Notes that the environment is active now.
function _venvkeep_note
    set -l directory (string replace --regex -- '/[^/]*$' '' "$_venvkeep_used")
    if _venvkeep_own_directory "$directory"; and not test -L "$_venvkeep_used"
        begin
            true >"$_venvkeep_used"
        end 2>/dev/null
    end
    true
end

# What of a name can stand in a prompt.
function _venvkeep_letters
    set -l letters (string replace --all --regex -- '[^A-Za-z0-9._+-]' '' "$argv[1]")
    if test -n "$letters"
        echo -- $letters
    else
        echo venv
    end
end

# Whether the nearest environment from here upwards, to HOME, is trusted; it is in _venvkeep_path then. The
# nearest decides, as it does for the program.
function _venvkeep_find
    set -l dir $PWD
    set -l home (test -n "$HOME"; and builtin realpath -- "$HOME" 2>/dev/null)
    while true
        set -l above (string replace --regex -- '/$' '' "$dir")
        for name in .venv venv env
            set -l here "$above/$name"
            if test -e "$here/pyvenv.cfg"
                _venvkeep_trusted "$here"
                and return 0
                if not test -O "$here" -a -O "$here/bin" -a -O "$here/pyvenv.cfg"
                    _venvkeep_tell "$here"
                end
                return 1
            else if test -d "$here" -a ! -x "$here" -a ! -O "$here"
                _venvkeep_tell "$here"
                return 1
            else if test "$name" = .venv -a -f "$here"
                _venvkeep_trusted (_venvkeep_redirected "$here")
                return
            end
        end
        if test -z "$dir" -o "$dir" = / -o "$dir" = "$HOME" -o "$dir" = "$home"
            break
        end
        set dir (string replace --regex -- '/[^/]*$' '' "$dir")
    end
    set -l default (_venvkeep_state)/default
    _venvkeep_own_file "$default"
    or return 1
    set -l path
    read path <"$default"
    _venvkeep_trusted "$path"
end

# One line, once a shell: whose an environment is. The program knows how to say it.
function _venvkeep_tell
    if test -n "$VENVKEEP_QUIET"; or contains -- "$argv[1]" $_venvkeep_told
        return
    end
    set -g -a _venvkeep_told "$argv[1]"
    if command -q venvkeep
        command venvkeep notice -- "$argv[1]" </dev/null
    end
end

# Takes a directory out of PATH, once.
function _venvkeep_take_out
    if set -l position (contains --index -- "$argv[1]" $PATH)
        set -e PATH[$position]
    end
end

# Puts the environment $argv[1], called $argv[2], in front; $argv[3] says why.
function _venvkeep_enter
    set -g _venvkeep_env $argv[1]
    set -g _venvkeep_how $argv[3]
    set -g _venvkeep_tag ''
    if test "$argv[3]" = auto
        # Shells that start in this one know by it that nobody asked for the environment.
        set -gx VENVKEEP_ACTIVE $argv[1]
    end
    if test -n "$PYTHONHOME"
        set -g _venvkeep_home $PYTHONHOME
        set -e PYTHONHOME
    end
    set -gx VIRTUAL_ENV $argv[1]
    set -gx VIRTUAL_ENV_PROMPT $argv[2]
    set -gx PATH "$argv[1]/bin" $PATH
    _venvkeep_show $argv[2]
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
    if not string match --quiet -- '*_venvkeep_fish_prompt*' (functions fish_prompt)
        functions --query _venvkeep_fish_prompt
        and functions --erase _venvkeep_fish_prompt
        functions --copy fish_prompt _venvkeep_fish_prompt
        function fish_prompt --description 'The prompt, with the active Python environment before it'
            # First, since it may show the status of every part of the last pipeline.
            set -l lines (_venvkeep_fish_prompt)
            printf %s $_venvkeep_tag
            string join \n -- $lines
        end
    end
end

# The prompt as it was, unless it is another one by now: then ours, wherever it is, shows nothing more.
function _venvkeep_unshow
    set -g _venvkeep_tag ''
    if functions --query _venvkeep_fish_prompt
        and string match --quiet -- '*_venvkeep_fish_prompt*' (functions fish_prompt)
        functions --erase fish_prompt
        functions --copy _venvkeep_fish_prompt fish_prompt
        functions --erase _venvkeep_fish_prompt
    end
end

# Takes back exactly what was put in; what the user changed meanwhile stays.
function _venvkeep_leave
    _venvkeep_take_out "$_venvkeep_env/bin"
    _venvkeep_remember
    if test "$VIRTUAL_ENV" = "$_venvkeep_env"
        set -e VIRTUAL_ENV
        set -e VIRTUAL_ENV_PROMPT
        if test -n "$_venvkeep_idle"
            set -gx VIRTUAL_ENV $_venvkeep_idle
        end
        if test -n "$_venvkeep_idled"
            set -gx VIRTUAL_ENV_PROMPT $_venvkeep_idled
        end
    end
    if test -n "$_venvkeep_home"
        set -gx PYTHONHOME $_venvkeep_home
    end
    _venvkeep_unshow
    functions --erase deactivate
    _venvkeep_forget
end

function _venvkeep_forget
    set -e VENVKEEP_ACTIVE
    set -g _venvkeep_env ''
    set -g _venvkeep_how ''
    set -g _venvkeep_home ''
end

# direnv and mise save PATH as it was, and bring it back when they leave a directory.
function _venvkeep_remember
    if test -n "$DIRENV_DIFF$__MISE_DIFF"
        set -g _venvkeep_left "$_venvkeep_env/bin"
    end
end

# They have had their turn by now: PATH loses what we had left, and gets back what is active.
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
    _venvkeep_remember
    set -g _venvkeep_manual $_venvkeep_env
    _venvkeep_forget
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
end

# Brings the shell to what should be active here.
function _venvkeep_look
    # Nothing has changed, at most prompts; all of this is looked at again below.
    set -l unsettled "$_venvkeep_new$_venvkeep_left$_venvkeep_manual$VENVKEEP_DISABLE$_OLD_VIRTUAL_PATH$DIRENV_DIFF$__MISE_DIFF"
    if test "$PWD:$VIRTUAL_ENV:$unsettled" = "$_venvkeep_pwd:$_venvkeep_env:"
        if test -z "$_venvkeep_env"; or test "$_venvkeep_how" = auto -a -O "$_venvkeep_env/bin"
            return
        end
    end
    if test -n "$VENVKEEP_DISABLE"
        if test -n "$_venvkeep_env"
            _venvkeep_leave
        end
        set -g _venvkeep_new true
        return
    end
    if test -n "$_venvkeep_env"
        if test "$VIRTUAL_ENV" != "$_venvkeep_env"; or set -q _OLD_VIRTUAL_PATH
            _venvkeep_yield
        else if test "$_venvkeep_how" = asked
            if test -d "$_venvkeep_env/bin"
                return
            end
            _venvkeep_leave
        else if test "$PWD" = "$_venvkeep_pwd" -a -z "$_venvkeep_new" -a -O "$_venvkeep_env/bin"
            if test -n "$_venvkeep_left$DIRENV_DIFF$__MISE_DIFF"
                _venvkeep_mend
            end
            return
        end
    end
    set -l hold ''
    if test -z "$_venvkeep_env"
        if test -n "$_venvkeep_left" -a "$VIRTUAL_ENV/bin" = "$_venvkeep_left"; and not set -q _OLD_VIRTUAL_PATH
            # Brought back with PATH: nobody activated it.
            set -e VIRTUAL_ENV
            set -e VIRTUAL_ENV_PROMPT
            set -e VENVKEEP_ACTIVE
        end
        if test -n "$VIRTUAL_ENV" -a "$VIRTUAL_ENV" != "$_venvkeep_idle"
            set -g _venvkeep_manual $VIRTUAL_ENV
            return
        end
        if test -n "$_venvkeep_left"
            _venvkeep_mend
        end
        if test -n "$_venvkeep_manual"
            # Deactivated by hand: nothing else comes in its place until the tree is left.
            set hold true
            set -g _venvkeep_manual ''
        else if test "$PWD" = "$_venvkeep_pwd" -a -z "$_venvkeep_new"
            return
        end
    end
    set -g _venvkeep_pwd $PWD
    set -g _venvkeep_new ''
    _venvkeep_find
    or set -g _venvkeep_path ''
    if test -n "$hold"
        set -g _venvkeep_held $_venvkeep_path
    end
    if test "$_venvkeep_path" != "$_venvkeep_held"
        set -g _venvkeep_held ''
    end
    if test -n "$_venvkeep_env" -a "$_venvkeep_env" != "$_venvkeep_path"
        _venvkeep_leave
    end
    if test -n "$_venvkeep_path" -a -z "$_venvkeep_env" -a -z "$_venvkeep_held"
        _venvkeep_enter "$_venvkeep_path" "$_venvkeep_name" auto
        _venvkeep_note
    end
end

# Makes the environment $argv[1] (a path or a name; the nearest without) active from anywhere.
function _venvkeep_activate
    if string match --quiet -- '-*' "$argv[1]"; or set -q argv[2]
        # It knows what to say.
        set -lx VENVKEEP_SHELL fish
        command venvkeep activate $argv
        return
    end
    if test -n "$_venvkeep_held"; and not set -q argv[1]
        set -g _venvkeep_held ''
        set -g _venvkeep_new true
        _venvkeep_look
        if test -n "$_venvkeep_env"
            return
        end
    end
    set -l answer
    if set -q argv[1]
        set answer (command venvkeep activate --for-shell -- $argv[1])
    else
        set answer (command venvkeep activate --for-shell)
    end
    or return
    if test -n "$_venvkeep_env"
        _venvkeep_leave
    else if test -n "$VIRTUAL_ENV" -a "$VIRTUAL_ENV" != "$_venvkeep_idle"
        functions --query deactivate
        and deactivate
    end
    set -g _venvkeep_held ''
    _venvkeep_enter $answer[1] $answer[2] asked
end

# The program; what it changed shows at the next prompt.
function venvkeep
    switch "$argv[1]"
        case activate
            _venvkeep_activate $argv[2..-1]
            return
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
        _venvkeep_activate $argv
    end
end

# Opt-in: says what to type instead of sudo, and then lets sudo do what it was asked.
if test -n "$VENVKEEP_SUDO_GUARD"
    function _venvkeep_sudo_advice
        # With other options it may be for another user, or for none.
        while string match --quiet --regex -- '^(-[EHnPS]|[^/]*=.*)$' "$argv[1]"
            set -e argv[1]
        end
        set -l program (string replace --regex -- '^.*/' '' "$argv[1]")
        switch "$program $argv[2] $argv[3] $argv[4]"
            case 'pip install *' 'pip2 install *' 'pip3 install *' 'pip3.* install *' 'python* -m pip install'
                echo 'python -m pip install'
            case 'python* -m venv *' 'python* -m virtualenv *' 'virtualenv *' 'uv venv *'
                echo 'venvkeep new'
            case 'uv pip *'
                echo 'uv pip'
            case '*'
                return 1
        end
    end

    function sudo
        if isatty stderr; and set -l advice (_venvkeep_sudo_advice $argv)
            echo "venvkeep: with sudo this is made for root, and you cannot change it later; without: $advice" >&2
        end
        command sudo $argv
    end
end

# What the shell around this one has left in the environment. What it activated by itself goes, and comes back at
# the first prompt if it belongs here: PATH may have been put in another order since. What somebody asked for stays.
function _venvkeep_inherit
    set -l env $VIRTUAL_ENV
    if test -n "$_venvkeep_env"
        return
    end
    if test -n "$env"
        if test "$VENVKEEP_ACTIVE" = "$env"; or not test -d "$env/bin"
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
    end
    set -e VENVKEEP_ACTIVE
end

# Only in a shell that somebody types into.
if status is-interactive
    _venvkeep_inherit

    # The prompt is known only now, and so are direnv and mise, after which the hook is to come.
    function _venvkeep_first --on-event fish_prompt
        functions --erase _venvkeep_first
        if set -q _venvkeep_inherited
            set -e _venvkeep_inherited
            set -l name (string replace --regex -- '^.*/' '' "$VIRTUAL_ENV")
            test -n "$VIRTUAL_ENV_PROMPT"
            and set name $VIRTUAL_ENV_PROMPT
            _venvkeep_show (_venvkeep_letters "$name")
        end
        # For root nothing is activated by itself; fish before 3.2 does not say who it runs for.
        set -l user $EUID
        test -n "$user"
        or set user (id -u)
        if test "$user" != 0
            function _venvkeep_on_prompt --on-event fish_prompt
                _venvkeep_look
            end

            function _venvkeep_on_directory --on-variable PWD
                status is-command-substitution
                or _venvkeep_look
            end
            _venvkeep_look
        end
    end
end
