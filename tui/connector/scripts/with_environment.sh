# Arguments: directory, program, its arguments. Standard input: lines NAME=value, an empty line, then the program's own
# input. So no value of the environment ever stands in a command line.
cd "$1" || exit
shift
while IFS= read -r line; do
  [ -n "$line" ] || break
  export "${line%%=*}=${line#*=}"
done
command -v "$1" >/dev/null 2>&1 || exit 127
exec "$@"
