# Arguments: markers separated by spaces, then the directories to inspect.
set -f
markers=$1
shift
for place in "$@"; do inspect "$place"; done
