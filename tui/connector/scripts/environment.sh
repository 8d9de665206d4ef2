# Argument: unit. Prints how the values are known (process | unit), then NUL-ended NAME=value pairs or what systemd says.
TZ=UTC0
export TZ
pid=$(systemctl show --no-pager -p MainPID -- "$1" | sed -n 's/^MainPID=//p')
if [ -n "$pid" ] && [ "$pid" != 0 ] && [ -r "/proc/$pid/environ" ]; then
  echo 'process'
  cat "/proc/$pid/environ"
  exit 0
fi
echo 'unit'
systemctl show --no-pager -p Environment,EnvironmentFiles -- "$1"
systemctl show --no-pager -p EnvironmentFiles -- "$1" |
  sed -n 's/^EnvironmentFiles=-\{0,1\}//p' | sed 's/ (ignore_errors=[a-z]*)$//' |
  while IFS= read -r file; do sed 's/^/File=/' "$file" 2>/dev/null; done
exit 0
