# Arguments: mark | since | last, unit, lines, cursor, seconds since 1970 at which the cursor was taken.
read_log() { journalctl --quiet --no-pager --all -o cat --show-cursor "$@"; }
case $1 in
  mark)
    date +%s
    end=$(read_log -u "$2" -n 1 | sed -n 's/^-- cursor: //p' | tail -n 1)
    if [ -z "$end" ]; then end=$(read_log -n 1 | sed -n 's/^-- cursor: //p' | tail -n 1); fi
    printf '%s\n' "$end"
    ;;
  last)
    date +%s
    read_log -u "$2" -n "$3"
    ;;
  since)
    date +%s
    {
      if [ -n "$4" ]; then
        read_log -u "$2" --after-cursor="$4" 2>/dev/null || read_log -u "$2" --since="@$5"
      else
        read_log -u "$2" --since="@$5"
      fi
    } | tail -n "$(($3 + 1))"
    ;;
esac
