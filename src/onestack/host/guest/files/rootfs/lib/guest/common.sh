# Words that the guest's scripts share. Starting a program costs an emulated processor tens of milliseconds,
# so what the shell can do itself is left to it.
# shellcheck shell=sh

RUN=/run/guest

# The serial port is where Nova's console log looks; the kernel's console may be another one.
log() {
    echo "onestack-guest: $*" >/dev/ttyS0 2>/dev/null || echo "onestack-guest: $*" >/dev/console
}

now() { # sets `up` to the seconds since the kernel started, `whole` to the same without a fraction
    read -r up _ </proc/uptime
    whole="${up%.*}"
}

wait_for() { # SECONDS COMMAND...: until the command succeeds, for so long at most
    now
    end=$((whole + $1))
    shift
    until "$@"; do
        now
        [ "$whole" -lt "$end" ] || return 1
        usleep 100000
    done
}

# The page of the HTTP server: made anew whenever the name or the first interface's address changes.
publish() {
    read -r name </proc/sys/kernel/hostname
    address=
    [ ! -s $RUN/address ] || read -r address <$RUN/address
    page="hostname=$name address=$address"
    # In one step: requests are answered meanwhile.
    echo "$page" >"$RUN/page.$$"
    mv "$RUN/page.$$" $RUN/page
}

# Drivers of disks other than virtio's, and file systems but the root's. They cost an emulated processor a
# second or two, and are seldom needed.
other_disks() {
    # shellcheck disable=SC2016  # the inner shell's own process id
    sh -c 'renice -n 19 -p $$; exec modprobe -a "$@"' drivers \
        virtio-rng ata_piix ahci virtio_scsi sd_mod sr_mod isofs vfat >/dev/null 2>&1
}
