# Mounts the root of a netboot: sourced by initramfs-tools' /init with boot=goldsmith (initramfs-tools(7)).
# klibc's losetup knows no -r; a file in the initramfs may be opened for writing, and neither file system ever writes.
# root= names a SquashFS or an EROFS: a file that the boot loader put into the initramfs, or a disk that holds one.

mountroot()
{
    for module in /goldsmith/*.ko; do
        [ -e "$module" ] || continue
        insmod "$module" 2>/dev/null || kmod insmod "$module" 2>/dev/null || true
    done
    mkdir -p /run/goldsmith/root /run/goldsmith/memory
    tries=0
    while [ ! -e "$ROOT" ] && [ "$tries" -lt "${ROOTDELAY:-30}" ]; do
        tries=$((tries + 1))
        sleep 1
    done
    [ -e "$ROOT" ] || panic "goldsmith: root=$ROOT is not there: the boot loader must bring it (see boot.ipxe)"
    device=$ROOT
    if [ -f "$ROOT" ]; then
        device=/dev/loop0
        losetup -r "$device" "$ROOT" 2>/dev/null || losetup "$device" "$ROOT" || panic "goldsmith: no loop device for $ROOT"
    fi
    mount -t squashfs -o ro "$device" /run/goldsmith/root 2>/dev/null ||
        mount -t erofs -o ro "$device" /run/goldsmith/root || panic "goldsmith: $ROOT is no SquashFS and no EROFS"
    mount -t tmpfs -o mode=0755 tmpfs /run/goldsmith/memory || panic "goldsmith: no memory for changes"
    mkdir -p /run/goldsmith/memory/changes /run/goldsmith/memory/work
    layers=lowerdir=/run/goldsmith/root,upperdir=/run/goldsmith/memory/changes,workdir=/run/goldsmith/memory/work
    mount -t overlay -o "$layers" overlay "${rootmnt}" || panic "goldsmith: no overlay"
    echo "# The root is in memory: nothing of a disk is mounted." >"${rootmnt}/etc/fstab"
    echo "goldsmith: root in memory over $ROOT"
}
