"""`/docs`: the API, browsable, from the OpenAPI description that FastAPI derives from the calls.

Without a CDN: the files of Swagger UI come from a package, so the page works on a train. It has no
inline script, so that the site's content security policy can hold here too.
"""

from http import HTTPStatus
from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import FileResponse

from app import errors
from app.site.serving import CONTENT_POLICY

_PAGE = b"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice: the API</title>
<link rel="icon" href="/docs/files/favicon.png">
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/files/start.js"></script>
</body>
</html>
"""
_START = b"""\
SwaggerUIBundle({ url: "/docs/openapi.json", dom_id: "#swagger-ui", deepLinking: true });
"""
_FILES = {"favicon.png", "swagger-ui.css", "swagger-ui-bundle.js"}
_HEADERS = {"cache-control": "public, max-age=86400"}


def add(app: FastAPI) -> None:
    """Put the pages under `/docs`."""
    folder = files("fastapi_offline") / "static"
    described: list[bytes] = []

    async def page(_: Request) -> Response:
        headers = {"cache-control": "no-cache", "content-security-policy": CONTENT_POLICY}
        return Response(_PAGE, headers=headers, media_type="text/html")

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "start.js":
            return Response(_START, headers=_HEADERS, media_type="text/javascript")
        if name not in _FILES:
            raise errors.NotFound
        return FileResponse(str(folder / name), headers=_HEADERS)

    async def openapi(_: Request) -> Response:
        if not described:  # made when first asked for: it takes longer than all other answers
            described.append(orjson.dumps(_with_problems(app.openapi())))
        headers = {"cache-control": "no-cache"}
        return Response(described[0], headers=headers, media_type="application/json")

    app.add_route("/docs", page, include_in_schema=False)
    app.add_route("/docs/files/{name}", file, include_in_schema=False)
    app.add_route("/docs/openapi.json", openapi, include_in_schema=False)


def _with_problems(described: dict[str, Any]) -> dict[str, Any]:
    """Error answers are problem documents, which FastAPI cannot be told."""
    for path in described["paths"].values():
        for call in path.values():
            for status, answer in call["responses"].items():
                if int(status) >= HTTPStatus.BAD_REQUEST:
                    answer["content"] = {errors.MEDIA_TYPE: answer["content"]["application/json"]}
    return described
