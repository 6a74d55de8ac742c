"""`python -m app.site SRC DST`: copy the site, with names that change when the content does."""

import sys
from pathlib import Path

from app.site import naming

if __name__ == "__main__":
    source, destination = map(Path, sys.argv[1:])
    for old, new in naming.build(source, destination).items():
        print(f"{old} → {new}")  # noqa: T201 - the output of a command
