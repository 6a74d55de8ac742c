"""The limit: a raw ASGI app that returns one answer, the least that uvicorn can do for a request.

In: `LIMIT_BODY` and `LIMIT_STATUS`, the answer. Out: it, with the two headers without which it
could not be read. No routing, no validation, no middleware, no log, no database and no cache.

    LIMIT_BODY='{"id": 1}' python -m loadtest.baseline.limit
"""

import os

import uvicorn
from starlette.types import Receive, Scope, Send

BODY = os.environb.get(b"LIMIT_BODY", b"{}")
_START = {
    "type": "http.response.start",
    "status": int(os.environ.get("LIMIT_STATUS", "200")),
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode("ascii")),
    ],
}
_BODY = {"type": "http.response.body", "body": BODY}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, whatever it asks."""
    if scope["method"] == "POST":
        # Who answers a request has taken in its body.
        while (await receive()).get("more_body"):
            pass
    await send(_START)
    await send(_BODY)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="0.0.0.0",  # noqa: S104 - a container has no other way in
        port=8000,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
    )
