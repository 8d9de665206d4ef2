# Arguments: park | unpark | list | discard, install directory, run, [relative path, its name in the parking directory].
# Everything is a rename inside one file system. 74: the parking directory is a link, which nobody of us made.
root=$2
parking=$root/.adldap-ha/$3
relative=$4
parked=$parking/$5
flush() { sync "$1" 2>/dev/null || sync; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
if [ -L "$root/.adldap-ha" ] || [ -L "$parking" ]; then exit 74; fi
case $1 in
  park)
    if exists "$parked"; then echo parked; exit 0; fi
    exists "$root/$relative" || { echo nothing; exit 0; }
    umask 077
    mkdir -p "$parking" && chmod 700 "$root/.adldap-ha" "$parking" || exit
    mv -f "$root/$relative" "$parked" || exit
    flush "$parking"
    flush "$(dirname "$root/$relative")"
    echo parked
    ;;
  unpark)
    exists "$parked" || { echo nothing; exit 0; }
    if exists "$root/$relative"; then
      rm -rf "$parking/.replaced" || exit
      mv -f "$root/$relative" "$parking/.replaced" || exit
    fi
    mv -f "$parked" "$root/$relative" || exit
    flush "$(dirname "$root/$relative")"
    rm -rf "$parking/.replaced"
    echo back
    ;;
  list)
    [ -d "$parking" ] || exit 0
    ls "$parking"
    ;;
  discard)
    rm -rf "$parking" || exit
    rmdir "$root/.adldap-ha" 2>/dev/null
    exit 0
    ;;
esac
