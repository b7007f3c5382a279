# Runs a command inside the base as the first process of new mount and PID namespaces (see inside.py).
#
#   enter.sh BASE SHARE [--bind SOURCE PLACE]... COMMAND...
#
# SHARE, a folder of this machine, is /mnt inside, and each SOURCE is at its PLACE. Everything that is mounted here, and every process that is
# left, goes away with this process.
set -eu
base="$1"
share="$2"
shift 2
mount --bind "$share" "$base/mnt"
while [ "$1" = --bind ]; do
    mount --bind "$2" "$base$3"
    shift 3
done
mount --rbind /dev "$base/dev"
mount -t proc proc "$base/proc"
mount -t tmpfs -o mode=1777 tmpfs "$base/tmp"
exec chroot "$base" "$@"
