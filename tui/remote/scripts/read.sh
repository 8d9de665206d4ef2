boundary=$1
limit=$2
shift 2
for path do
  printf '%s' "$boundary"
  if [ -f "$path" ]; then
    if size=$(wc -c <"$path") && [ "$size" -gt "$limit" ]; then
      printf '%slarge %s' "$boundary" "$size"
      continue
    fi
    if cat -- "$path" 2>/dev/null; then
      printf '%sok' "$boundary"
    else
      printf '%sfailed %s' "$boundary" "$(cat -- "$path" 2>&1 >/dev/null)"
    fi
  elif [ -e "$path" ]; then
    printf '%sother' "$boundary"
  elif [ -L "$path" ]; then
    printf '%smissing' "$boundary"
  else
    printf '%sabsent %s' "$boundary" "$(ls -ld -- "$path" 2>&1 >/dev/null)"
  fi
done 2>/dev/null
