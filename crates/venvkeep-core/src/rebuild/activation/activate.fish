# Activates this environment in fish. To be sourced:
#     source bin/activate.fish
# and taken back with `deactivate`. Forks nothing.
# The names _OLD_* are the ones other creators' scripts use, so that each can take back what another
# one did.

function deactivate --description 'Leave the active Python environment'
    # The one element that was put in is taken out: what was added to PATH meanwhile stays.
    if test -n "$VIRTUAL_ENV"
        if set -l position (contains --index -- "$VIRTUAL_ENV/bin" $PATH)
            set --erase PATH[$position]
        end
    end
    set --erase --global _OLD_VIRTUAL_PATH

    if test -n "$_OLD_VIRTUAL_PYTHONHOME"
        set --global --export PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
        set --erase --global _OLD_VIRTUAL_PYTHONHOME
    end

    if test -n "$_OLD_FISH_PROMPT_OVERRIDE"
        set --erase --global _OLD_FISH_PROMPT_OVERRIDE
        # Gone where another tool has taken it away meanwhile.
        if functions --query _old_fish_prompt
            functions --erase fish_prompt __venvkeep_status
            if functions --query fish_prompt
                # To fish before 3.1 fish's own comes back by itself, and what is there is not copied over.
                functions _old_fish_prompt \
                    | string replace --regex -- '^function _old_fish_prompt' 'function fish_prompt' | source
            else
                functions --copy _old_fish_prompt fish_prompt
            end
            functions --erase _old_fish_prompt
        end
    end

    set --erase --global VIRTUAL_ENV
    set --erase --global VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != nondestructive
        functions --erase deactivate
    end
end

# Whatever environment is active, this one's second time included, goes first.
deactivate nondestructive

set --global --export VIRTUAL_ENV ''
set --global --export VIRTUAL_ENV_PROMPT ''

set --global _OLD_VIRTUAL_PATH $PATH
set --global --export PATH "$VIRTUAL_ENV/bin" $PATH

if test -n "$PYTHONHOME"
    set --global _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set --erase PYTHONHOME
end

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"
    # A prompt that was never shown is not loaded yet, and what is not loaded cannot be copied.
    functions --query fish_prompt
    functions --copy fish_prompt _old_fish_prompt

    # The prompt behind ours may show the last command's status.
    function __venvkeep_status
        return $argv[1]
    end

    function fish_prompt --description 'The prompt, with the active Python environment before it'
        set -l last_status $status
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        __venvkeep_status $last_status
        _old_fish_prompt
    end

    set --global _OLD_FISH_PROMPT_OVERRIDE $VIRTUAL_ENV
end
