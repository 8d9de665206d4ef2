# Arguments: unit properties, units. Prints `systemctl show`, and the NAMES of variables that environment files set.
TZ=UTC0
export TZ
properties=$1
shift
for unit in "$@"; do
  shown=$(systemctl show --no-pager -p "$properties" -- "$unit") || exit
  printf '%s\n' "$shown"
  printf '%s\n' "$shown" | sed -n 's/^EnvironmentFiles=-\{0,1\}//p' | sed 's/ (ignore_errors=[a-z]*)$//' |
    while IFS= read -r file; do
      sed -n 's/^[[:space:]]*\(export[[:space:]]\)\{0,1\}[[:space:]]*\([A-Za-z_][A-Za-z0-9_]*\)=.*/FromFile=\2/p' \
        "$file" 2>/dev/null
    done
  echo
done
