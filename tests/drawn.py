"""Pictures for the tests, drawn when they are needed: good ones, and twenty that are not."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image


def drawn(name: str, size: tuple[int, int] = (640, 480), mode: str = "RGB", **more: Any) -> bytes:
    """A picture whose left half is dark and whose right half is bright."""
    picture = Image.new("L", size, 40)
    picture.paste(220, (size[0] // 2, 0, *size))
    file = BytesIO()
    picture.convert(mode, dither=Image.Dither.NONE).save(file, name, **more)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header says this size, whatever is in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(data, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def _cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


def _noisy(name: str) -> bytes:
    file = BytesIO()
    Image.effect_noise((300, 200), 80).convert("RGB").save(file, name)
    return file.getvalue()


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML = b"<!doctype html><script>alert(1)</script>"


def bad_files() -> dict[str, tuple[int, bytes]]:
    """What each is → the status that a request gets for it (202: its job fails), and its bytes."""
    gif, webp, jpeg, png = (_noisy(name) for name in ("GIF", "WEBP", "JPEG", "PNG"))
    return {
        "nothing": (415, b""),
        "text": (415, b"just some words"),
        "SVG with a script": (415, SVG),
        "SVG behind an XML header": (415, b"<?xml version='1.0'?>" + SVG),
        "a page of HTML": (415, HTML),
        "a program": (415, b"\x7fELF" + bytes(200)),
        "a bitmap": (415, drawn("BMP")),
        "a TIFF": (415, drawn("TIFF")),
        "the first bytes of a JPEG": (422, jpeg[:3]),
        "a PNG that ends in its header": (422, png[:18]),
        "a WebP that ends in its header": (422, webp[:20]),
        "a JPEG without a frame": (422, b"\xff\xd8\xff\xe0\x00\x04ab" * 50),
        "a bomb by pixels": (422, png_of(50_000, 50_000)),
        "a bomb by one side": (422, png_of(1, 60_000)),
        "a PNG of no pixels": (422, png_of(0, 10)),
        "a page behind a GIF's first bytes": (202, b"GIF89a\x10\x00\x10\x00" + HTML),
        "a JPEG that is cut off": (202, _cut(jpeg, 0.4)),
        "a PNG that is cut off": (202, _cut(png, 0.5)),
        "a WebP that is cut off": (202, _cut(webp, 0.5)),
        "a GIF that is cut off": (202, _cut(gif, 0.3)),
        "a PNG whose pixels are noise": (202, png_of(100, 100)[:41] + bytes(range(200))),
        "a PNG with too few pixels": (202, png_of(2000, 2000, b"\0" * 50)),
    }
