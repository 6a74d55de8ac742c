"""From what a member uploaded to three small squares: pure work, for a process of its own.

In: the bytes of a JPEG, PNG, WebP or GIF. Out: WebP by size in pixels, the middle of the picture,
upright, its colours as sRGB, without what else was in it (where it was taken, by which telephone).
Of an animation the first frame.

Whoever calls this does so in another process: a decoder may need much memory, take long, or crash.
"""

from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageCms

from worker.pictures import Unusable, header

SIZES = (64, 128, 512)
_LARGEST = max(SIZES)
_QUALITY = 80  # WebP's scale; below it skin and skies show blocks

_ORIENTATION = 0x0112
# How to turn a picture whose camera was held so (Exif 2.32, 4.6.4, table 4).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DAMAGED = "The picture is damaged or incomplete."


def make(content: bytes) -> dict[int, bytes]:
    """A WebP for each of `SIZES`.

    Raises:
        NotPicture, Unusable: nothing can be made of it, now or later; says why.
    """
    name = header.read(content).format
    try:
        largest = _square(content, name)
    except Unusable:
        raise
    except Exception as error:
        # The edge to the decoders: damaged input makes them raise whatever they came upon.
        raise Unusable(_DAMAGED) from error
    return {size: _webp(largest, size) for size in SIZES}


def _square(content: bytes, name: str) -> Image.Image:
    """The middle of the first frame, upright, `_LARGEST` pixels a side, RGB or RGBA."""
    with Image.open(BytesIO(content), formats=[name]) as picture:
        # The decoder's own reading of the header, which may differ from ours.
        header.check_size(name, *picture.size)
        # JPEG can be decoded at a half, a quarter or an eighth: less memory, and less time.
        picture.draft(None, (_LARGEST, _LARGEST))
        picture.load()
        turn, profile = _turn(picture), picture.info.get("icc_profile")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        middle = _continuous(picture.crop((left, top, left + side, top + side)))
    # Reduced by whole numbers first: a tenth of the time of the fine filter alone.
    square = middle.resize((_LARGEST, _LARGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    square = _in_srgb(square, profile)
    if square.mode not in ("RGB", "RGBA"):
        square = square.convert("RGBA" if square.has_transparency_data else "RGB")
    return square if turn is None else square.transpose(turn)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    # The rest of what a camera writes may be damaged: then the picture is shown as it lies.
    with suppress(Exception):
        return _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    return None


def _continuous(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose values can be averaged."""
    if picture.mode.startswith("I"):  # 16 bits of grey; `convert` would cut off all above 255
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("1", "P", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that the profile means, as browsers without one show them."""
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            meant = ImageCms.ImageCmsProfile(BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, meant, srgb, outputMode="RGB")
            assert converted is not None
            return converted
    return picture


def _webp(square: Image.Image, size: int) -> bytes:
    small = square if size == _LARGEST else square.resize((size, size), Image.Resampling.LANCZOS)
    small.info = {}  # nothing of the original's metadata travels along
    file = BytesIO()
    small.save(file, "WEBP", quality=_QUALITY)
    return file.getvalue()
