path=$1 tree=$2
if [ ! -e "$path" ] && [ ! -L "$path" ]; then
  said=$(ls -ld -- "$path" 2>&1 >/dev/null)
  case $said in
  *ermission*) printf '%s\n' "$said" >&2; exit 1 ;;
  esac
  exit 0
fi
if [ "$tree" = yes ]; then
  rm -rf -- "$path" || exit 1
else
  rm -f -- "$path" || exit 1
fi
parent=${path%/*}
flush "${parent:-/}"
