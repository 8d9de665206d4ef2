# Arguments: unit, seconds. Clears a start limit, starts a unit and waits until it is active. 75: time is up, 76: masked,
# 77: it failed at once, 78: no such unit.
unit=$1
deadline=$(($(date +%s) + $2))
load=$(systemctl show --no-pager -p LoadState -- "$unit") || exit
case $load in
  *=masked*) exit 76 ;;
  *=not-found*) exit 78 ;;
esac
systemctl reset-failed -- "$unit" 2>/dev/null
systemctl start --no-block -- "$unit" || exit
while :; do
  state=$(systemctl show --no-pager -p ActiveState,SubState,Result -- "$unit") || exit
  case $state in
    *ActiveState=active*) exit 0 ;;
    *ActiveState=failed*) printf '%s\n' "$state"; exit 77 ;;
    *SubState=auto-restart*) printf '%s\n' "$state"; exit 0 ;;
  esac
  if [ "$(date +%s)" -ge "$deadline" ]; then printf '%s\n' "$state"; exit 75; fi
  sleep 0.2 2>/dev/null || sleep 1
done
