"""Promises of `worker/pictures/`: what becomes of what members upload."""

import pickle
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from tests.drawn import bad_files, drawn
from worker.pictures import NotPicture, Unusable, header, squares

BAD = bad_files()
DARK, BRIGHT = 90, 170


def opened(content: bytes) -> Image.Image:
    """The picture in a file, decoded."""
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def brightness(picture: Image.Image, x: int, y: int) -> int:
    """How bright the pixel is, 0 to 255."""
    return picture.convert("L").crop((x, y, x + 1, y + 1)).tobytes()[0]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_told_apart_before_or_while_it_is_decoded(what: str) -> None:
    """Broken: it crashes the decoder's process, or becomes somebody's avatar."""
    status, content = BAD[what]
    if status == 415:
        with pytest.raises(NotPicture):
            header.read(content)
    elif status == 422:
        with pytest.raises(Unusable):
            header.read(content)
    else:
        header.read(content)
    with pytest.raises((NotPicture, Unusable)):
        squares.make(content)


def test_there_are_twenty_bad_files() -> None:
    """Broken: fewer are tried than is said."""
    assert len(BAD) >= 20
    assert {status for status, _ in BAD.values()} == {415, 422, 202}


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_header_says_what_the_decoder_says(name: str) -> None:
    """Broken: a picture is refused for a size that it has not, or a bomb is let in."""
    assert header.read(drawn(name, (640, 480))) == (name, 640, 480)


@pytest.mark.parametrize("more", [{"lossless": True}, {"quality": 50}, {"exact": True}])
def test_all_kinds_of_webp_are_measured(more: dict[str, object]) -> None:
    """Broken: the WebP of one camera is refused."""
    for mode in ("RGB", "RGBA"):
        assert header.read(drawn("WEBP", (333, 111), mode, **more))[1:] == (333, 111)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "1"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("WEBP", "RGBA"),
        ("GIF", "P"),
    ],
)
def test_every_kind_of_pixel_becomes_three_squares(name: str, mode: str) -> None:
    """Broken: the pictures of some cameras and programs are refused, or come out black."""
    content = _of_16_bits() if mode == "I;16" else drawn(name, (900, 600), mode)
    made = squares.make(content)
    assert sorted(made) == [64, 128, 512]
    for size, square in made.items():
        picture = opened(square)
        assert (picture.format, picture.size) == ("WEBP", (size, size))
        assert brightness(picture, 2, size // 2) < DARK
        assert brightness(picture, size - 3, size // 2) > BRIGHT


def _of_16_bits() -> bytes:
    row = (40 * 256).to_bytes(2, "little") * 450 + (220 * 256).to_bytes(2, "little") * 450
    file = BytesIO()
    Image.frombytes("I;16", (900, 600), row * 600).save(file, "PNG")
    return file.getvalue()


def test_what_is_transparent_stays_so() -> None:
    """Broken: a cut-out face has a black box around it."""
    file = BytesIO()
    Image.new("RGBA", (300, 300), (200, 0, 0, 0)).save(file, "PNG")
    picture = opened(squares.make(file.getvalue())[64])
    assert picture.mode == "RGBA"
    assert picture.getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(
    ("held", "bright_at"),
    [(1, (60, 32)), (2, (3, 32)), (3, (3, 32)), (6, (32, 60)), (8, (32, 3))],
)
def test_a_picture_stands_upright_whatever_way_the_camera_was_held(
    held: int, bright_at: tuple[int, int]
) -> None:
    """Broken: every second face from a telephone lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = held
    picture = opened(squares.make(drawn("JPEG", (800, 600), exif=exif))[64])
    assert brightness(picture, *bright_at) > BRIGHT


def test_nothing_else_of_the_file_travels_along() -> None:
    """Broken: an avatar says where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = drawn("JPEG", (800, 600), exif=exif, icc_profile=profile, comment=b"SECRET-COMMENT")
    assert b"SECRET" in content
    for square in squares.make(content).values():
        assert b"SECRET" not in square
        assert not {"exif", "icc_profile", "xmp"} & opened(square).info.keys()


@pytest.mark.parametrize("profile", [b"", b"no profile at all", bytes(5000)])
def test_a_damaged_colour_profile_costs_nobody_the_picture(profile: bytes) -> None:
    """Broken: a picture that every browser shows is refused."""
    assert squares.make(drawn("JPEG", icc_profile=profile))


def test_of_an_animation_the_first_frame_is_taken() -> None:
    """Broken: an animation is refused, or another frame of it is shown."""
    frames = [Image.new("RGB", (200, 200), (level, level, level)) for level in (250, 5)]
    for name in ("GIF", "WEBP"):
        file = BytesIO()
        frames[0].save(file, name, save_all=True, append_images=frames[1:], duration=100)
        assert brightness(opened(squares.make(file.getvalue())[64]), 32, 32) > BRIGHT


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)])
def test_a_tiny_picture_is_a_picture(size: tuple[int, int]) -> None:
    """Broken: the smallest files crash the cutter."""
    assert squares.make(drawn("PNG", size))


def test_a_program_behind_a_picture_is_left_behind() -> None:
    """Broken: a file that is a picture and a page at once is served as it came."""
    made = squares.make(drawn("JPEG") + b"<script>alert(1)</script>")
    assert all(b"<script>" not in square for square in made.values())


def test_the_reason_comes_back_from_the_other_process() -> None:
    """Broken: the member reads "failed", and not why."""
    assert str(pickle.loads(pickle.dumps(Unusable("too large")))) == "too large"  # noqa: S301
