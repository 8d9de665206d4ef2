# Arguments: mark | since | last, unit, lines, cursor, seconds since 1970 at which the cursor was taken.
# First line: the host's time. A last line "-- failed" says that journalctl refused.
if [ "$(id -u)" = 0 ]; then quiet=--quiet; else quiet=; fi
read_log() { journalctl $quiet --no-pager --all -o cat --show-cursor "$@"; }
date +%s
case $1 in
  mark)
    end=$(read_log -u "$2" -n 1 | sed -n 's/^-- cursor: //p' | tail -n 1)
    if [ -z "$end" ]; then end=$(read_log -n 1 | sed -n 's/^-- cursor: //p' | tail -n 1); fi
    printf '%s\n' "$end"
    ;;
  last)
    if latest=$(read_log -u "$2" -n "$3"); then
      case $latest in
        *'STARTING AD'*) ;;
        *)
          # A connector that has run for long started before these lines: say how that went.
          journalctl $quiet --no-pager --all -o cat -u "$2" -n 100000 2>/dev/null |
            grep -E 'STARTING AD|Agent (accepted|rejected)|Connected to websocket|reconnecting' | tail -n 20
          ;;
      esac
      printf '%s\n' "$latest"
    else
      echo '-- failed'
    fi
    ;;
  since)
    {
      if [ -n "$4" ] && read_log -u "$2" --after-cursor="$4"; then
        :
      else
        read_log -u "$2" --since="@$5" || echo '-- failed'
      fi
    } | tail -n "$(($3 + 1))"
    ;;
esac
