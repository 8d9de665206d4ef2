describe() {
  stat -c "$boundary|%f|%s|%Y|%U|%u|%G|%g|%n" -- "$@"
  for path do
    if [ -L "$path" ]; then
      printf '%s>%s|%s' "$boundary" "$(readlink -- "$path")" "$path"
    fi
  done
  if command -v getfacl >/dev/null 2>&1; then
    printf '%s+' "$boundary"
    getfacl -s -E -p -- "$@" 2>/dev/null
  fi
  if [ -e /sys/fs/selinux/enforce ]; then
    stat -c "$boundary@%C|%n" -- "$@" 2>/dev/null
  fi
  :
}
