"""The encodings of 4.6 by their names there, whatever their case. Pure."""

from __future__ import annotations

from goldsmith.executor.failures import ActionError

CODECS = {
    "utf8": "utf-8",
    "utf16": "utf-16-le",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "utf32": "utf-32-le",
    "utf32le": "utf-32-le",
    "utf32be": "utf-32-be",
}


def codec(name: str) -> str:
    """Return Python's codec for an encoding; an empty name is UTF-8, a bare 16 or 32 little-endian."""
    found = CODECS.get(name.lower().replace("-", "") or "utf8")
    if not found:
        raise ActionError(
            f"There is no encoding {name!r}.",
            mend="Use utf-8, utf-16, utf-16-LE, utf-16-BE, utf-32, utf-32-LE or utf-32-BE.",
        )
    return found


def encoded(text: str, name: str) -> bytes:
    """Return text in an encoding, without a byte order mark."""
    codec_name = codec(name)
    errors = "surrogateescape" if codec_name == "utf-8" else "strict"
    try:
        return text.encode(codec_name, errors)
    except UnicodeEncodeError as wrong:
        raise ActionError(f"The content cannot be written in {name}: {wrong.reason}.") from wrong


def decoded(data: bytes, name: str, path: str) -> str:
    """Return a file's bytes as text. Raises ActionError where they are not text of that encoding."""
    try:
        text = data.decode(codec(name))
    except UnicodeDecodeError as wrong:
        raise ActionError(
            f"{path} is not text in {name or 'utf-8'}: {wrong.reason} at byte {wrong.start}.",
            mend="Name the file's encoding in the input 'encoding'.",
        ) from wrong
    if "\0" in text:
        raise ActionError(f"{path} is not text: it holds a NUL character.")
    return text
