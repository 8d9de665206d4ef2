path=$1 owner=$2 group=$3 mode=$4 acl=$5 label=$6 wanted=$7 token=$8 within=$9
umask 077
target=$(readlink -f -- "$path") || target=$path
[ -n "$target" ] || target=$path
directory=$(real_directory "$target" "$within") || exit 1
if [ -d "$target" ]; then
  echo "$target: Is a directory" >&2
  exit 1
fi
name=${target##*/}
target=${directory%/}/$name
cd -P -- "$directory" || exit 1
if [ "$(pwd -P)" != "$directory" ]; then
  echo "$directory was moved meanwhile" >&2
  exit 1
fi
# From here on relative to that directory, which nobody can replace by a link any more. A write that was cut off and goes
# on somewhere loses its temporary file, so that it cannot land on top of what follows.
rm -f -- "./.$name".*.new 2>/dev/null
temporary=./.$name.$token.new
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM PIPE

digest() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum | cut -c1-64
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r | cut -c1-64
  else
    shasum -a 256 | cut -c1-64
  fi
}

set -C
exec 3>"$temporary"
set +C
handle=/proc/self/fd/3
[ -e "$handle" ] || handle=$temporary
give_attributes "$handle" || exit 1
cat >&3 || exit 1
flush "$handle" || exit 1
found=$(digest <"$handle")
if [ "$found" != "$wanted" ]; then
  echo 'checksum differs' >&2
  exit 3
fi
if [ -d "./$name" ]; then
  echo "$target: Is a directory" >&2
  exit 1
fi
mv -f -- "$temporary" "./$name" || exit 1
trap - EXIT
flush .
