"""Extended attributes as ext4 keeps them: behind the inode, or in a block of their own.

Source: kernel documentation, filesystems/ext4, "Extended Attributes"; acl(5)'s two encodings in the kernel's
include/uapi/linux/posix_acl_xattr.h and fs/ext4/acl.h.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goldsmith.disks.ext4.groups import BLOCK
from goldsmith.disks.ext4.inode import ATTRIBUTE_SPACE
from goldsmith.disks.plan import DiskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.disks.ext4.checksums import Chain

_MAGIC = 0xEA020000
_HEADER = 32
_ACLS = {"system.posix_acl_access": 2, "system.posix_acl_default": 3}
_PREFIXES = {"user.": 1, "trusted.": 4}
_CAPABILITY = "security.capability"
_SECURITY = 6
_NAMED_ACL_TAGS = {0x02, 0x08}  # ACL_USER, ACL_GROUP: the only ones with an id

_Entry = tuple[int, bytes, bytes]


class TooManyAttributesError(DiskError):
    """A file's attributes exceed the one block that ext4 gives them."""


def belongs(name: str) -> bool:
    """Whether an attribute is the file's own, rather than this host's (SELinux labels, overlay marks)."""
    if name.startswith(("user.overlay.", "trusted.overlay.")):
        return False
    return name in _ACLS or name == _CAPABILITY or name.startswith(tuple(_PREFIXES))


def entries(attributes: Mapping[str, bytes]) -> list[_Entry]:
    """Return (name index, rest of the name, value) in the order ext4 wants within a block."""
    found: list[_Entry] = []
    for name, value in attributes.items():
        if name in _ACLS:
            found.append((_ACLS[name], b"", _acl(value)))
        elif name == _CAPABILITY:
            found.append((_SECURITY, b"capability", value))
        else:
            prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
            found.append((_PREFIXES[prefix], name[len(prefix) :].encode("utf-8", "surrogateescape"), value))
    return sorted(found, key=lambda entry: (entry[0], len(entry[1]), entry[1]))


def _acl(value: bytes) -> bytes:
    """Turn an access control list from the system call's encoding (version 2) into ext4's (version 1)."""
    packed = struct.pack("<I", 1)
    for tag, permissions, who in struct.iter_unpack("<HHI", value[4:]):
        packed += struct.pack("<HH", tag, permissions)
        if tag in _NAMED_ACL_TAGS:
            packed += struct.pack("<I", who)
    return packed


def in_inode(found: list[_Entry]) -> bytes | None:
    """Return the entries as they stand behind the inode's fields, or None when they do not fit there."""
    space = ATTRIBUTE_SPACE - 4
    if _size(found) > space:
        return None
    return struct.pack("<I", _MAGIC) + _laid_out(found, space, 0, hashed=False)


def in_block(found: list[_Entry], block: int, chain: Chain, path: bytes) -> bytes:
    """Return the entries as block number ``block`` holds them."""
    space = BLOCK - _HEADER
    if _size(found) > space:
        raise TooManyAttributesError(
            f"The extended attributes of /{path.decode(errors='replace')} exceed {space} bytes, all that ext4 holds.",
            mend="Remove some of them with setfattr -x in a component.",
        )
    body = _laid_out(found, space, _HEADER, hashed=True)
    total = 0
    for _, name, value in found:
        total = (total << 16 | total >> 16) & 0xFFFFFFFF ^ _hash(name, value)
    packed = bytearray(struct.pack("<IIIII12x", _MAGIC, 1, 1, total, 0) + body)
    checksum = chain.then(struct.pack("<Q", block)).of(packed)
    struct.pack_into("<I", packed, 16, checksum)
    return bytes(packed)


def _size(found: list[_Entry]) -> int:
    """Bytes of the entries with their values and the four zeros at their end."""
    return 4 + sum(16 + _padded(len(name)) + _padded(len(value)) for _, name, value in found)


def _padded(length: int) -> int:
    return -(-length // 4) * 4


def _laid_out(found: list[_Entry], space: int, base: int, *, hashed: bool) -> bytes:
    """Lay entries from the front and values from the back; offsets count from ``base`` bytes before."""
    area = bytearray(space)
    at, end = 0, space
    for index, name, value in found:
        end -= _padded(len(value))
        area[end : end + len(value)] = value
        code = _hash(name, value) if hashed else 0
        place = end + base if value else 0
        struct.pack_into("<BBHIII", area, at, len(name), index, place, 0, len(value), code)
        area[at + 16 : at + 16 + len(name)] = name
        at += 16 + _padded(len(name))
    return bytes(area)


def _hash(name: bytes, value: bytes) -> int:
    """Return e_hash of an entry."""
    code = 0
    for byte in name:
        code = (code << 5 | code >> 27) & 0xFFFFFFFF ^ byte
    for (word,) in struct.iter_unpack("<I", value.ljust(_padded(len(value)), b"\0")):
        code = (code << 16 | code >> 16) & 0xFFFFFFFF ^ word
    return code


def parse(area: bytes, *, header: int) -> dict[str, bytes]:
    """Read the attributes of an area that begins with its magic number, by their full names; none where it does not.

    ``header`` is 4 behind an inode and 32 in a block. Raises ValueError or struct.error when it is malformed.
    """
    found: dict[str, bytes] = {}
    if struct.unpack_from("<I", area)[0] != _MAGIC:
        return found
    base = area if header == _HEADER else area[4:]
    at = _HEADER if header == _HEADER else 0
    while at + 16 <= len(base) and base[at : at + 4] != b"\0\0\0\0":
        length, index, place, inode, size, _ = struct.unpack_from("<BBHIII", base, at)
        name = base[at + 16 : at + 16 + length]
        if inode or place + size > len(base) or len(name) != length:
            raise ValueError("a value is elsewhere")
        if full := _full_name(index, name):
            found[full] = _call_acl(base[place : place + size]) if full in _ACLS else base[place : place + size]
        at += 16 + _padded(length)
    return found


def _full_name(index: int, name: bytes) -> str | None:
    """Return an attribute's name with its prefix; None for a kind that does not belong to the file."""
    prefixes = {number: prefix for prefix, number in _PREFIXES.items()} | {_SECURITY: "security."}
    for acl, number in _ACLS.items():
        if index == number:
            return acl
    full = prefixes.get(index, "?") + name.decode("utf-8", "surrogateescape")
    return full if belongs(full) else None


def _call_acl(value: bytes) -> bytes:
    """Turn an access control list from ext4's encoding into the system call's, the reverse of `_acl`."""
    packed = struct.pack("<I", 2)
    at = 4
    while at < len(value):
        tag, permissions = struct.unpack_from("<HH", value, at)
        named = tag in _NAMED_ACL_TAGS
        who = struct.unpack_from("<I", value, at + 4)[0] if named else 0xFFFFFFFF
        packed += struct.pack("<HHI", tag, permissions, who)
        at += 8 if named else 4
    return packed
