# Arguments: markers, unit properties, units named in the cluster file (both separated by spaces), directories to inspect.
set -f
TZ=UTC0
export TZ
markers=$1
properties=$2
named=$3
shift 3

service_names() {
  while read -r one two rest; do
    for name in "$one" "$two"; do
      case $name in
        *@.service) break ;;
        *.service) printf '%s\n' "$name"; break ;;
      esac
    done
  done
}

units=
if command -v systemctl >/dev/null 2>&1; then
  names=$({
    systemctl list-unit-files --type=service --no-legend --no-pager
    systemctl list-units --type=service --all --no-legend --no-pager
  } 2>/dev/null | service_names | sort -u)
  if [ -n "$names$named" ]; then
    units=$(systemctl show --no-pager -p "$properties" -- $names $named 2>/dev/null)
  fi
fi
echo 'section units'
printf '%s\n' "$units" |
  awk 'BEGIN { RS = ""; ORS = "\n\n" } /server[.]js/ || /[Aa][Dd]-?[Ll][Dd][Aa][Pp]/ || /WorkingDirectory=[!-]*\/[^\n]/'
if [ -n "$named" ]; then
  echo
  systemctl show --no-pager -p "$properties" -- $named 2>/dev/null
fi

echo 'section directories'
for place in "$@"; do inspect "$place"; done
printf '%s\n' "$units" | sed -n 's/^WorkingDirectory=[!-]*//p' | sort -u |
  while IFS= read -r place; do
    case $place in
      / | '') ;;
      */admin) inspect "$place"; inspect "${place%/admin}" ;;
      /*) inspect "$place" ;;
    esac
  done

echo 'section processes'
set +f
for file in $(grep -l 'server[.]js' /proc/[0-9]*/cmdline 2>/dev/null); do
  process=${file%/cmdline}
  parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$process/status" 2>/dev/null)
  printf 'process %s\t%s\t%s\t%s\t%s\n' "${process#/proc/}" \
    "$(readlink "$process/cwd" 2>/dev/null)" \
    "$(tr '\0\n\t' '   ' <"/proc/$parent/cmdline" 2>/dev/null)" \
    "$(tr '\n\t' '  ' <"$process/cgroup" 2>/dev/null)" \
    "$(tr '\0\n\t' '   ' <"$file" 2>/dev/null)"
done

echo 'section init'
grep -l 'server[.]js' /etc/init/*.conf /etc/init.d/* 2>/dev/null | sed 's/^/init /'
exit 0
