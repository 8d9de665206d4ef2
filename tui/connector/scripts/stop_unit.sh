# Arguments: unit, seconds. Stops a unit and waits until it is gone. Ends with 75 when time is up.
unit=$1
deadline=$(($(date +%s) + $2))
systemctl stop --no-block -- "$unit" || exit
while :; do
  state=$(systemctl show --no-pager -p ActiveState,SubState,MainPID -- "$unit") || exit
  case $state in
    *ActiveState=inactive* | *ActiveState=failed*)
      case $state in *MainPID=0* | *MainPID=) exit 0 ;; esac ;;
  esac
  if [ "$(date +%s)" -ge "$deadline" ]; then printf '%s\n' "$state"; exit 75; fi
  sleep 0.2 2>/dev/null || sleep 1
done
