#!/bin/bash
# The same image by hand, as somebody good would make it: all on tmpfs, one mmdebstrap, a small initramfs made once, GRUB
# for both firmwares without mounting anything, mke2fs -d, qcow2 in zstd written out of order.
# usage: by_hand.sh bake WORK OUT PAGE APT_CONF PACKAGES SUITE LINE...
#        by_hand.sh repack WORK OUT PAGE      change one file in the tree WORK/tree and make the disk again
#        by_hand.sh edit WORK OUT PAGE        change one file inside the disk and convert it again
set -euo pipefail
what=$1 work=$2 out=$3 page=$4
tree=$work/tree disk=$work/disk.raw
root=a3d7a4b4-0c6f-4b1c-9f5e-6f3c1d2b7e01 esp=4D1E57A1
root_start=131072 disk_sectors=8388608 core_start=2048 esp_start=4096

convert() {
    qemu-img convert -c -W -m 8 -f raw -O qcow2 -o compression_type=zstd "$disk" "$out"
}

grub_image() { # FORMAT MODULE...
    local format=$1
    shift
    grub-mkimage --format "$format" --output "$work/$format" --config "$work/search.cfg" --prefix /boot/grub \
        configfile ext2 fat gzio linux normal part_gpt search search_fs_uuid serial terminal test "$@"
}

# A little-endian number at a byte of a file.
poke() { # FILE BYTE SIZE NUMBER
    local number=$4 bytes=
    for ((i = 0; i < $3; i++)); do
        bytes+=$(printf '\\x%02x' $((number & 255)))
        number=$((number >> 8))
    done
    printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

boot() {
    if [ ! -e "$work/i386-pc" ]; then
        echo "search --no-floppy --fs-uuid --set=root $root
set prefix=(\$root)/boot/grub
configfile (\$root)/boot/grub/grub.cfg" >"$work/search.cfg"
        grub_image i386-pc biosdisk
        grub_image x86_64-efi efi_gop
        # The first sector of GRUB's core says where the rest of it is; so does the MBR of the core itself.
        local sectors=$((($(stat -c %s "$work/i386-pc") + 511) / 512 - 1))
        poke "$work/i386-pc" 500 8 $((core_start + 1))
        poke "$work/i386-pc" 508 2 $sectors
        poke "$work/i386-pc" 510 2 $((0x820))
        head -c 440 /usr/lib/grub/i386-pc/boot.img >"$work/mbr"
        poke "$work/mbr" 92 8 $core_start
        poke "$work/mbr" 102 2 $((0x9090))
    fi
    dd if="$work/i386-pc" of="$disk" bs=512 seek=$core_start conv=notrunc status=none
    dd if="$work/mbr" of="$disk" bs=440 count=1 conv=notrunc status=none
    mkfs.vfat -F 32 -s 1 -i $esp --offset $esp_start "$disk" $(((root_start - esp_start) / 2)) >/dev/null
    mmd -i "$disk@@$((esp_start * 512))" ::EFI ::EFI/BOOT
    mcopy -i "$disk@@$((esp_start * 512))" "$work/x86_64-efi" ::EFI/BOOT/BOOTX64.EFI
}

boot_files() {
    printf 'UUID=%s / ext4 defaults,errors=remount-ro 0 1\nUUID=%s /boot/efi vfat umask=0077,nofail 0 1\n' \
        $root ${esp:0:4}-${esp:4} >"$tree/etc/fstab"
    mkdir -p "$tree/boot/grub" "$tree/boot/efi"
    cat >"$tree/boot/grub/grub.cfg" <<END
serial --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
search --no-floppy --fs-uuid --set=root $root
menuentry Debian {
    linux /vmlinuz root=UUID=$root ro console=tty0 console=ttyS0,115200
    initrd /initrd.img
}
END
}

pack() {
    boot_files
    rm -f "$disk"
    truncate -s $((disk_sectors * 512)) "$disk"
    sfdisk --quiet "$disk" <<-END
	label: gpt
	14 : start=$core_start, size=2048, type=21686148-6449-6E6F-744E-656564454649
	15 : start=$esp_start, size=$((root_start - esp_start)), type=uefi
	1 : start=$root_start, type=linux
	END
    mke2fs -q -t ext4 -b 4096 -m 1 -U $root -d "$tree" -E offset=$((root_start * 512)),root_owner=0:0,nodiscard \
        "$disk" $(((disk_sectors - root_start - 2048) / 8)) >/dev/null
    boot
    convert
}

case $what in
repack)
    echo "$page" >"$tree/var/www/html/index.html"
    pack
    exit
    ;;
edit)
    echo "$page" >"$work/page"
    printf 'rm /var/www/html/index.html\nwrite %s /var/www/html/index.html\n' "$work/page" |
        debugfs -w -f - "$disk?offset=$((root_start * 512))" >/dev/null 2>&1
    convert
    exit
    ;;
esac

apt_conf=$5 packages=$6 suite=$7
shift 7
mkdir -p "$work"

cat >"$work/files.sh" <<'END'
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/cloud/cloud.cfg.d" "$1/etc/default"
printf 'MODULES=list\nCOMPRESS=zstd\n' >"$1/etc/initramfs-tools/conf.d/small"
printf '%s\n' ext4 virtio_pci virtio_blk virtio_scsi sd_mod nvme xen_blkfront hv_storvsc vmw_pvscsi ahci \
    >"$1/etc/initramfs-tools/modules"
echo do_symlinks=yes >"$1/etc/kernel-img.conf"
echo LANG=C.UTF-8 >"$1/etc/default/locale"
cat >"$1/etc/cloud/cloud.cfg.d/90_image.cfg" <<'YAML'
datasource_list: [Ec2, NoCloud, ConfigDrive, None]
datasource: {Ec2: {strict_id: false, timeout: 10, max_wait: 60}}
locale: false
system_info: {network: {renderers: [networkd]}}
YAML
END

INITRD=No mmdebstrap --quiet --mode=root --format=directory --variant=minbase --include="$packages" \
    --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' ${apt_conf:+--aptopt="$apt_conf"} \
    --skip=check/empty --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --setup-hook="sh $work/files.sh \"\$1\"" "$suite" "$tree" "$@" 2>"$work/mmdebstrap.log" ||
    { cat "$work/mmdebstrap.log" >&2; exit 1; }

for kernel in "$tree"/boot/vmlinuz-*; do
    version=${kernel##*/vmlinuz-}
    chroot "$tree" update-initramfs -c -k "$version" >/dev/null
    chroot "$tree" linux-update-symlinks install "$version" "/boot/vmlinuz-$version" >/dev/null
done
chroot "$tree" systemctl --quiet enable systemd-networkd systemd-resolved 2>/dev/null
chroot "$tree" systemctl --quiet mask e2scrub_reap.service e2scrub_all.timer 2>/dev/null
chroot "$tree" passwd --quiet --lock root
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*.bin "$tree"/tmp/* \
    "$tree"/etc/ssh/ssh_host_* "$tree"/etc/apt/apt.conf.d/99mmdebstrap "$tree"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
find "$tree/var/log" -type f -delete
: >"$tree/etc/machine-id"
echo "$page" >"$tree/var/www/html/index.html"
pack
