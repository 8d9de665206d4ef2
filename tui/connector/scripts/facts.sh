# Argument: the install directory. Prints the host's clock first and last, and facts between.
now() {
  precise=$(date +%s.%N 2>/dev/null)
  case $precise in
    *[!0-9.]* | '') date +%s ;;
    *) printf '%s\n' "$precise" ;;
  esac
}
printf 'clock %s\n' "$(now)"
printf 'hostname %s\n' "$(uname -n)"
printf 'kernel %s\n' "$(uname -s)"
printf 'machine %s\n' "$(uname -m)"
printf 'install %s %s\n' "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" "$(stat -L -c '%d:%i' "$1" 2>/dev/null)"
if [ -f "$1/.adldap-ha.lock" ] && [ ! -L "$1/.adldap-ha.lock" ]; then
  printf 'lock %s\n' "$(head -c 2000 "$1/.adldap-ha.lock" | tr '\000-\037' ' ')"
fi
for parked in "$1"/.adldap-ha/*/; do
  if [ -d "$parked" ]; then parked=${parked%/}; printf 'parked %s\n' "${parked##*/}"; fi
done
for release in /etc/os-release /usr/lib/os-release; do
  if [ -r "$release" ]; then sed 's/^/release /' "$release"; break; fi
done
sed -n 's/^MemTotal:[[:space:]]*/memory /p' /proc/meminfo 2>/dev/null
if [ -r /sys/fs/selinux/enforce ]; then printf 'selinux %s\n' "$(cat /sys/fs/selinux/enforce)"; fi
df -P -k "$1" 2>/dev/null | sed -n '2,$s/^/df /p'
sed 's/^/mount /' /proc/self/mounts 2>/dev/null
printf 'clock %s\n' "$(now)"
