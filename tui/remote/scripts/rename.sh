source=$1 target=$2
from=${source%/*} to=${target%/*}
if [ ! -e "$source" ] && [ ! -L "$source" ]; then
  ls -ld -- "$source" >/dev/null || exit 1
fi
if [ -d "$target" ]; then
  echo "$target: Is a directory" >&2
  exit 1
fi
if [ "$(stat -c %d -- "$source")" != "$(stat -c %d -- "${to:-/}")" ]; then
  echo "$target is on another file system" >&2
  exit 1
fi
mv -f -- "$source" "$target" || exit 1
flush "${to:-/}"
[ "$from" = "$to" ] || flush "${from:-/}"
