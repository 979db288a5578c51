# venvkeep for bash: activates the environments that you trust, and notices those that are not yours.
# Sourced from your profile; nothing in here is filled in.
