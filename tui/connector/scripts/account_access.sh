# Arguments: the path of config.json, then every path of the set. Run as the service account: only the kernel knows what
# ACLs, groups and the directories above amount to. Prints the number of each path that it cannot use, or that is absent.
config=$1
shift
number=0
for path do
  if [ -d "$path" ]; then
    [ -r "$path" ] && [ -x "$path" ] || echo "refused $number"
  elif [ -e "$path" ]; then
    if [ ! -r "$path" ] || { [ "$path" = "$config" ] && [ ! -w "$path" ]; }; then echo "refused $number"; fi
  else
    case $(ls -ld -- "$path" 2>&1) in
      *'o such file'*) echo "absent $number" ;;
      *) echo "refused $number" ;;
    esac
  fi
  number=$((number + 1))
done
