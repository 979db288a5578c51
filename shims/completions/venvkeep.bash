# What bash completes for venvkeep. The program is asked at Tab and at no other time: its first line says whether files,
# directories or nothing besides may stand here, the others are candidates.
_venvkeep() {
    local line current=${COMP_WORDS[COMP_CWORD]} paths=''
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $paths ]]; then
            paths=$line
        else
            COMPREPLY+=("${line%%$'\t'*}")
        fi
    done < <(command venvkeep __complete bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    case $paths in
    files) paths=-f ;;
    directories) paths=-d ;;
    *) return 0 ;;
    esac
    # Lets readline quote names and end directories with a slash; for bash 3.2 see below.
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(compgen "$paths" -- "$current")
}
# bash 3.2 has no compopt: there every candidate is taken for a file's name, since those need the quotes.
if type compopt >/dev/null 2>&1; then
    complete -F _venvkeep venvkeep
else
    complete -o filenames -F _venvkeep venvkeep
fi
