# real_directory PATH ROOT: the directory of PATH with every link resolved. Fails, and says so, when ROOT is given and it
# leads out of it: whoever owns a directory can plant links in it, and root must not follow them to elsewhere.
real_directory() {
  parent=${1%/*}
  real=$(unset CDPATH; cd -P -- "${parent:-/}" && pwd -P) || { ls -ld -- "${parent:-/}/." >/dev/null; return 1; }
  [ -n "$2" ] || { printf '%s\n' "$real"; return 0; }
  top=$(unset CDPATH; cd -P -- "$2" && pwd -P) || return 1
  case $real/ in
  "${top%/}"/*) printf '%s\n' "$real" ;;
  *) echo "$1 leads out of $2, to $real" >&2; return 1 ;;
  esac
}
