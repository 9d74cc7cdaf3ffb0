#!/bin/bash
# The same image by hand, tuned: everything on tmpfs, the initramfs made once, the disk packed with mke2fs -d and zstd.
# usage: by_hand.sh bake WORK OUT APT_CONF PACKAGES SUITE LINE...   or   by_hand.sh change WORK OUT
set -euo pipefail
what=$1 work=$2 out=$3
tree=$work/tree

pack() {
    rm -f "$work/disk.raw"
    truncate -s 4G "$work/disk.raw"
    printf 'label: gpt\nstart=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\nstart=4096, size=131072, type=uefi\nstart=135168, type=linux\n' |
        sfdisk --quiet "$work/disk.raw"
    mkfs.vfat -F 32 --offset 4096 "$work/disk.raw" 65536 >/dev/null
    mke2fs -q -t ext4 -d "$tree" -E offset=$((135168 * 512)),root_owner=0:0 "$work/disk.raw" $(((8388608 - 135168 - 34) / 8))
    qemu-img convert -c -W -m 2 -O qcow2 -o compression_type=zstd "$work/disk.raw" "$out"
}

if [ "$what" = change ]; then
    date +%N >"$tree/var/www/html/index.html"
    pack
    exit
fi

apt_conf=$4 packages=$5 suite=$6
shift 6
mkdir -p "$work"
INITRD=No mmdebstrap --quiet --mode=root --format=directory --variant=minbase --include="$packages" \
    --dpkgopt=force-unsafe-io ${apt_conf:+--aptopt="$apt_conf"} --skip=check/empty "$suite" "$tree" "$@" 2>/dev/null
for kernel in "$tree"/boot/vmlinuz-*; do
    chroot "$tree" update-initramfs -c -k "${kernel##*/vmlinuz-}" >/dev/null
done
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*.bin "$tree"/var/log/* "$tree"/tmp/* "$tree"/etc/ssh/ssh_host_*
pack
