#!/usr/bin/env bash
# From this clone to a guest's HTTP answer over its floating IP, by the README's commands: seconds after each step.
# On a machine where nothing is installed it measures what a newcomer waits for, fetching included.
# Words given to it go to `up`. It leaves the cloud standing.
set -euo pipefail
case "${1:-}" in
-h | --help)
    echo "usage: bench/first_answer.sh [words for up]"
    sed -n 's/^# //p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
if [ "$(id -u)" != 0 ]; then
    echo "error: this brings a cloud up: it needs root" >&2
    exit 2
fi
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
started=$EPOCHREALTIME
since() { awk -v a="$started" -v b="$EPOCHREALTIME" -v what="$1" 'BEGIN { printf "%7.1f s  %s\n", b - a, what }'; }
os() { ./onestack exec openstack "$@"; }

./onestack up "$@"
since "up"
os network create net1 -f value -c id >/dev/null
os subnet create --network net1 --subnet-range 10.1.0.0/24 net1 -f value -c id >/dev/null
os router create --external-gateway public router1 -f value -c id >/dev/null
os router add subnet router1 net1
os security group create web -f value -c id >/dev/null
os security group rule create --protocol tcp --dst-port 80 web -f value -c id >/dev/null
since "network, router, security group"
os server create --image tiny --flavor m1.nano --network net1 --security-group web --wait first -f value -c status
since "server ACTIVE"
address=$(os floating ip create public -f value -c floating_ip_address)
os server add floating ip first "$address"
until ./onestack exec curl -s --max-time 2 "http://$address/"; do
    ((SECONDS < 900)) || { echo "no answer from $address within 900 s" >&2; exit 1; }
done
since "the guest answers HTTP"
