# What is wanted of a new file or directory. From here on its path is only used through $handle, an open descriptor, so
# that whoever may write to the directory cannot swap the file for a link in between.
give_attributes() {
  handle=$1
  chown -- "$owner:$group" "$handle" || return 1
  if command -v setfacl >/dev/null 2>&1; then
    setfacl -b -- "$handle" 2>/dev/null
    [ ! -d "$handle" ] || setfacl -k -- "$handle" 2>/dev/null
  fi
  chmod -- "$mode" "$handle" || return 1
  if [ -n "$acl" ]; then
    command -v setfacl >/dev/null 2>&1 || { echo 'setfacl is not installed' >&2; return 1; }
    printf '%s\n' "$acl" | setfacl --set-file=- -- "$handle" || return 1
  fi
  if [ -n "$label" ] && [ -e /sys/fs/selinux/enforce ]; then
    chcon -- "$label" "$handle" || return 1
  fi
}

# One file or directory to disk. Old versions of sync know no arguments and flush everything.
flush() {
  said=$(sync -- "$1" 2>&1) && return 0
  case $said in
  *rror* | *'o space'* | *uota*) printf '%s\n' "$said" >&2; return 1 ;;
  esac
  sync
}
