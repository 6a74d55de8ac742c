"""Ask once and print the answer as JSON: `visit URL [BODY]`."""

import json
import sys
from urllib.request import Request, urlopen

TIMEOUT_S = 5


def main(url: str, body: str = "") -> None:
    """With a body it is a POST of JSON."""
    headers = {"content-type": "application/json"} if body else {}
    request = Request(url, data=body.encode() or None, headers=headers)  # noqa: S310 (our own address)
    with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        told = {name.lower(): value for name, value in answer.getheaders()}
        found = {"status": answer.status, "headers": told, "body": answer.read().decode()}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
