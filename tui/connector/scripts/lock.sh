# Arguments: lock | unlock, lock file, run. The lock's text comes on standard input. 73: somebody holds it; prints the text.
case $1 in
  lock)
    new=$2.$3
    umask 022
    cat >"$new" || { rm -f "$new"; exit 72; }
    if ln "$new" "$2" 2>/dev/null; then
      rm -f "$new"
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
