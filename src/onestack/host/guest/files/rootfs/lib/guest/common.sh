# Words that the guest's scripts share.
# shellcheck shell=sh

RUN=/run/guest

# The serial port is where Nova's console log looks; the kernel's console may be another one.
log() {
    echo "onestack-guest: $*" >/dev/ttyS0 2>/dev/null || echo "onestack-guest: $*" >/dev/console
}

uptime_seconds() { cut -d ' ' -f 1 /proc/uptime; }

wait_for() { # SECONDS COMMAND...: until the command succeeds, for so long at most
    end=$(($(cut -d . -f 1 /proc/uptime) + $1))
    shift
    until "$@"; do
        [ "$(cut -d . -f 1 /proc/uptime)" -lt "$end" ] || return 1
        usleep 100000
    done
}

address() { # the first interface's IPv4 address
    ip -4 -o addr show dev eth0 scope global 2>/dev/null | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1
}

# The page of the HTTP server: made anew whenever the name or an address changes.
publish() {
    echo "hostname=$(hostname) address=$(address)" >"$RUN/page.$$"
    mv "$RUN/page.$$" $RUN/page
}
