# Arguments: lock | relock | unlock, lock file, run. The lock's text comes on standard input. 73: somebody holds it; prints
# the text. The directory's owner may have planted links under these names: nothing is written through one.
flush() { sync "$1" 2>/dev/null || sync; }
new=$2.$3
case $1 in
  lock | relock)
    umask 022
    rm -f "$new" || exit 72
    set -C
    cat >"$new" || { rm -f "$new"; exit 72; }
    set +C
    # A lock that a power cut leaves empty would say of nobody that he holds it.
    flush "$new"
    if [ -L "$2" ] || [ -d "$2" ]; then
      rm -f "$new"
      echo "$2 is no plain file" >&2
      exit 72
    fi
    if [ "$1" = relock ]; then
      mv -f "$new" "$2" || { rm -f "$new"; exit 72; }
      flush "${2%/*}"
      exit 0
    fi
    if ln "$new" "$2" 2>/dev/null; then
      rm -f "$new"
      flush "${2%/*}"
      exit 0
    fi
    rm -f "$new"
    if [ -e "$2" ]; then cat "$2"; exit 73; fi
    exit 72
    ;;
  unlock)
    if grep -q -F "\"run\": \"$3\"" "$2" 2>/dev/null; then rm -f "$2"; fi
    exit 0
    ;;
esac
