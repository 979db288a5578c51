# Activates this environment in csh and tcsh. To be sourced:
#     source bin/activate.csh
# and taken back with `deactivate`. Forks nothing.
# The names _OLD_VIRTUAL_* are the ones other creators' scripts use, so that each can take back what
# another one did.

# `if` takes one plain command, whose variables are looked up even when it is not run: hence `eval`
# and the dollar signs behind a backslash.
alias deactivate 'if ( $?_OLD_VIRTUAL_PATH ) eval setenv PATH \$_OLD_VIRTUAL_PATH:q; if ( $?_OLD_VIRTUAL_PYTHONHOME ) eval setenv PYTHONHOME \$_OLD_VIRTUAL_PYTHONHOME:q; if ( $?_OLD_VIRTUAL_PROMPT ) eval set prompt=\$_OLD_VIRTUAL_PROMPT:q; unset _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PYTHONHOME _OLD_VIRTUAL_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; if ( "\!:*" != "nondestructive" ) unalias deactivate'

# Whatever environment is active, this one's second time included, goes first.
deactivate nondestructive

setenv VIRTUAL_ENV ''
setenv VIRTUAL_ENV_PROMPT ''

set _OLD_VIRTUAL_PATH=$PATH:q
setenv PATH $VIRTUAL_ENV:q/bin:$PATH:q

if ( $?PYTHONHOME ) then
    set _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME:q
    unsetenv PYTHONHOME
endif

# A shell without a prompt gets none.
if ( ! $?VIRTUAL_ENV_DISABLE_PROMPT && $?prompt ) then
    set _OLD_VIRTUAL_PROMPT=$prompt:q
    set prompt=\($VIRTUAL_ENV_PROMPT:q\)\ $prompt:q
endif

rehash
