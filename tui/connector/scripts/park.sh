# Arguments: park | unpark, install directory, run, relative path, its name in the parking directory;
# list, install directory, run; discard | sweep, install directory, run, the set's directories that files are written to.
# Everything is a rename inside one file system. 74: a link, which nobody of us made, leads out of the install directory.
root=$2
parking=$root/.adldap-ha/$3
relative=$4
parked=$parking/$5
flush() { sync "$1" 2>/dev/null || sync; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
inside() {
  top=$(unset CDPATH; cd -P "$root" && pwd -P) || exit
  real=$(unset CDPATH; cd -P "$(dirname "$root/$relative")" && pwd -P) || exit
  case $real/ in "${top%/}"/*) ;; *) echo "$relative leads out of $root" >&2; exit 74 ;; esac
}
# A write that was cut off may still go on: without its temporary file it cannot land on top of what follows.
forget_writes() { rm -f "$(dirname "$1")/.$(basename "$1")".*.new 2>/dev/null; }
sweep() {
  for place do
    [ -d "$root/$place" ] && [ ! -L "$root/$place" ] || continue
    find "$root/$place" -maxdepth "$([ "$place" = . ] && echo 1 || echo 6)" \( -type f -o -type d \) -name '.*.new' |
      grep -E '/\.[^/]+\.[0-9a-f]{16}\.new$' |
      while IFS= read -r left; do if [ -d "$left" ]; then rmdir "$left" 2>/dev/null; else rm -f "$left"; fi; done
  done
}
if [ -L "$root/.adldap-ha" ] || [ -L "$parking" ]; then exit 74; fi
case $1 in
  park)
    if exists "$parked"; then echo parked; exit 0; fi
    [ ! -d "$(dirname "$root/$relative")" ] || { inside; forget_writes "$root/$relative"; }
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
    inside
    forget_writes "$root/$relative"
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
    shift 3
    sweep "$@"
    rm -rf "$parking" || exit
    rmdir "$root/.adldap-ha" 2>/dev/null
    exit 0
    ;;
  sweep)
    shift 3
    sweep "$@"
    ;;
esac
