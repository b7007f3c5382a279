# Runs as a hook of mmdebstrap while the base is built; $1 is the base's root folder.
#
# Puts a kernel, the few modules a guest needs, a boot sector and an HTTP server into
# <base>/usr/share/onestack/guest. Their packages are unpacked, not installed: installing them would bring
# initramfs-tools and its triggers, and a service.
set -eu
place="$1/usr/share/onestack/guest"
scratch="$place/scratch"
mkdir -p "$scratch/tree" "$place/modules"
export APT_CONFIG="${MMDEBSTRAP_APT_CONFIG:?this runs as a hook of mmdebstrap}"
cd "$scratch"
kernel="$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)"
apt-get -q download -o APT::Sandbox::User=root "$kernel" syslinux-common lighttpd
for package in ./*.deb; do
    dpkg-deb -x "$package" tree
done
cp "tree/boot/vmlinuz-${kernel#linux-image-}" "$place/vmlinuz"
cp tree/usr/lib/syslinux/mbr/mbr.bin "$place/mbr.bin"
cp tree/usr/sbin/lighttpd tree/usr/lib/lighttpd/mod_cgi.so "$place/"
echo "${kernel#linux-image-}" >"$place/release"
# Network and disks of virtio; the power button; IDE, SATA and SCSI for whoever asks Nova for another bus;
# file systems of configuration drives.
for module in \
    failover net_failover virtio_net virtio_blk virtio_scsi virtio-rng \
    button evdev \
    scsi_common scsi_mod sd_mod sr_mod cdrom libata ata_piix libahci ahci \
    isofs fat vfat nls_ascii nls_cp437 nls_iso8859-1 nls_utf8; do
    find tree/usr/lib/modules tree/lib/modules -name "$module.ko*" -exec cp {} "$place/modules/" \; 2>/dev/null || true
done
test -s "$place/modules/virtio_net.ko.xz" || test -s "$place/modules/virtio_net.ko"
cd /
rm -rf "$scratch"
