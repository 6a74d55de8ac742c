"""Content-hashed names: `theme.css` becomes `theme.3f9c2b1a7d40.css`.

A file with such a name never changes, so browsers and the edge may keep it for a year; a new
version has a new name. Pages keep their names, since people link to them, and are asked for again
each time.

References between the files (in quotes or `url(…)`, as `/static/NAME`) are rewritten, so a file's
name depends on the names in it: the files are done in the order of their references.
"""

import gzip
import hashlib
import re
from pathlib import Path

_DIGITS = 12  # 48 bits: two versions of one file with the same name are not to be expected
_TEXT = {".css", ".js", ".html", ".svg", ".json", ".webmanifest", ".txt"}
_PAGES = {".html", ".txt"}
_GZIP_MIN_BYTES = 512
_REFERENCE = re.compile(r"""(?<=["'(])/static/([\w./-]+?\.\w+)(?=["')?#])""")
HASHED = re.compile(rf"\.[0-9a-f]{{{_DIGITS}}}\.\w+$")


class BrokenReference(Exception):
    """A file refers to one that is not there, or files refer to each other in a circle."""


def build(source: Path, destination: Path) -> dict[str, str]:
    """Copy all files, renamed and with rewritten references; → the old and new relative names.

    Text is written a second time as `NAME.gz`, compressed once instead of at each request.

    Raises:
        BrokenReference: names the files.
    """
    files = {
        path.relative_to(source).as_posix(): path
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    names: dict[str, str] = {}

    def finish(name: str, on_the_way: tuple[str, ...]) -> str:
        """Write this file, after the ones that it refers to; → its new name."""
        if name in names:
            return names[name]
        if name in on_the_way:
            raise BrokenReference(" → ".join([*on_the_way, name]))
        if name not in files:
            raise BrokenReference(f"{on_the_way[-1]} refers to {name}, which is not there")
        content = files[name].read_bytes()
        if files[name].suffix in _TEXT:
            way = (*on_the_way, name)
            content = _REFERENCE.sub(
                lambda found: f"/static/{finish(found[1], way)}", content.decode("utf-8")
            ).encode("utf-8")
        names[name] = name if files[name].suffix in _PAGES else _hashed(name, content)
        _write(destination / names[name], content)
        return names[name]

    for name in files:
        finish(name, ())
    return names


def _hashed(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_DIGITS]}.{suffix}"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.suffix in _TEXT and len(content) >= _GZIP_MIN_BYTES:
        # Time 0: the same content gives the same bytes in every build.
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, 9, mtime=0))
