path=$1 owner=$2 group=$3 mode=$4 acl=$5 label=$6 token=$7 within=$8
umask 077
parent=$(real_directory "$path" "$within") || exit 1
name=${path##*/}
path=${parent%/}/$name
[ -d "$path" ] && exit 0
# Made under another name, so that one which was cut off is never taken for the directory itself.
temporary=${parent%/}/.$name.$token.new
rmdir -- "${parent%/}/.$name".*.new 2>/dev/null
trap 'rmdir -- "$temporary" 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM PIPE
mkdir -- "$temporary" || exit 1
exec 3<"$temporary"
handle=/proc/self/fd/3
[ -e "$handle" ] || handle=$temporary
if [ -L "$temporary" ] || ! give_attributes "$handle"; then
  exit 1
fi
flush "$handle"
[ -d "$path" ] && exit 0
mv -f -- "$temporary" "$path" || exit 1
trap - EXIT
flush "$parent"
