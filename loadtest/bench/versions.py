"""Print the versions of what takes part in a request, as JSON."""

import json
import platform
from importlib.metadata import version

PACKAGES = (
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "redis",
    "hiredis",
    "sqlalchemy",
    "psycopg",
)

if __name__ == "__main__":
    print(json.dumps({"python": platform.python_version(), **{p: version(p) for p in PACKAGES}}))
