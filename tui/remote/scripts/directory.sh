path=$1 owner=$2 group=$3 mode=$4 acl=$5 label=$6 within=$7
umask 077
parent=$(real_directory "$path" "$within") || exit 1
path=${parent%/}/${path##*/}
[ -d "$path" ] && exit 0
mkdir -- "$path" || { [ -d "$path" ] && exit 0; exit 1; }
exec 3<"$path"
handle=/proc/self/fd/3
[ -e "$handle" ] || handle=$path
if [ -L "$path" ] || ! give_attributes "$handle"; then
  rmdir -- "$path"
  exit 1
fi
flush "$handle"
flush "$parent"
