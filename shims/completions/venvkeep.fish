# What fish completes for venvkeep. The program is asked at Tab and at no other time: its first line says whether files,
# directories or nothing besides may stand here, the others are candidates.
function __venvkeep_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command venvkeep __complete fish (count $words) $words "$current" 2>/dev/null)
    printf '%s\n' $lines[2..-1]
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current" ''
    end
end
complete --command venvkeep --no-files --arguments '(__venvkeep_complete)'
