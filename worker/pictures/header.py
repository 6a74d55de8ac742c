"""What the first bytes of a picture say: its format and its size, without decoding anything.

In: the bytes that were uploaded. Out: format, width and height. Only the numbers that each format
has at a fixed place (JPEG: behind a chain of segments) are read, in time that grows with nothing a
sender can make large, so a request may do it itself. The decoder checks again
(`squares.py`): a header may lie about what follows.
"""

import re
import struct
from typing import NamedTuple

from worker.pictures import NotPicture, Unusable

# A picture's sides, and pixels in all. What is larger is refused before anybody decodes it: a few
# kilobytes can unpack to gigabytes. A JPEG can be decoded at a fraction of its size, so it may be
# as large as telephones make them; of the others every pixel is held in memory, WebP's several
# times (measured at these bounds: 166 MiB for the dearest JPEG, 209 MiB for the dearest WebP).
SIDE_MAX = 8_000
PIXELS_MAX = {"JPEG": 24_000_000, "PNG": 12_000_000, "WEBP": 12_000_000, "GIF": 12_000_000}

_FORMATS = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
}
# JPEG: the markers of frames, which have the size in them (ITU-T T.81, table B.1), and how many
# segments (profiles, thumbnails, comments) may come before.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SEGMENTS_MAX = 1_000
_WEBP_HEADER_BYTES = 30


class Header(NamedTuple):
    """Format as Pillow calls it; sides in pixels."""

    format: str
    width: int
    height: int


def read(content: bytes) -> Header:
    """The header of a picture that may be decoded.

    Raises:
        NotPicture: neither JPEG, PNG, WebP nor GIF.
        Unusable: it ends within its header, or is larger than any that is decoded.
    """
    for name, beginning in _FORMATS.items():
        if beginning.match(content):
            try:
                width, height = _SIZES[name](content)
            except (struct.error, IndexError, ValueError) as error:
                raise Unusable("The picture is damaged: its header is not whole.") from error
            check_size(name, width, height)
            return Header(name, width, height)
    raise NotPicture


def check_size(name: str, width: int, height: int) -> None:
    """Raises Unusable for a size that is not decoded."""
    if not (width and height):
        raise Unusable("The picture is damaged: it has no pixels.")
    if max(width, height) > SIDE_MAX:
        raise Unusable(f"The picture is too large: at most {SIDE_MAX:,} pixels a side.")
    if width * height > PIXELS_MAX[name]:
        most = PIXELS_MAX[name] // 1_000_000
        raise Unusable(f"The picture is too large: at most {most} megapixels as {name}.")


def _png(content: bytes) -> tuple[int, int]:
    length, kind, width, height = struct.unpack_from(">I4sII", content, 8)
    if (length, kind) != (13, b"IHDR"):
        raise ValueError
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", content, 6)


def _webp(content: bytes) -> tuple[int, int]:
    """RFC 9649, 2.5 to 2.7: three kinds of first chunk."""
    if len(content) < _WEBP_HEADER_BYTES:
        raise ValueError
    kind, data = content[12:16], content[20:30]
    match kind:
        case b"VP8X":
            return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
        case b"VP8L" if data[0] == 0x2F:  # noqa: PLR2004 - the format's signature
            bits = struct.unpack_from("<I", data, 1)[0]
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 " if data[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 6)
            return width & 0x3FFF, height & 0x3FFF
    raise ValueError


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_SEGMENTS_MAX):
        mark, marker = content[at], content[at + 1]
        if mark != 0xFF:  # noqa: PLR2004 - the format's mark
            raise ValueError
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte before a marker
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
    raise ValueError


_SIZES = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif}
