path=$1 tree=$2 within=$3
parent=${path%/*}
if [ -d "${parent:-/}" ]; then
  parent=$(real_directory "$path" "$within") || exit 1
  path=${parent%/}/${path##*/}
  # A write that was cut off and goes on somewhere must not bring the file back.
  rm -f -- "${parent%/}/.${path##*/}".*.new 2>/dev/null
fi
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
flush "${parent:-/}"
