# inspect DIRECTORY: says what of $markers it has, who owns it, and its package.json. Silent when it has nothing.
inspect() {
  real=$(unset CDPATH; cd "$1" 2>/dev/null && pwd -P) || return 0
  has=
  for marker in $markers; do
    if [ -e "$real/$marker" ]; then has="$has $marker"; fi
  done
  [ -n "$has" ] || return 0
  printf 'directory %s\nreal %s\nowner %s\nhas%s\n' "$1" "$real" "$(stat -c '%U %G' "$real")" "$has"
  if [ -r "$real/package.json" ]; then sed 's/^/package /' "$real/package.json"; echo; fi
  echo 'end'
}
