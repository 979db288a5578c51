# In the place of a path, in an environment that may be moved: the directory above this script's.
set --global --export VIRTUAL_ENV (realpath (dirname (status filename))/..)
