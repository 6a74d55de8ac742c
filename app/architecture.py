"""The parts that this application was given, by their names: what the site draws its picture from.

An answer tells by its headers which parts it went through; this tells which ones there are besides.
Proxies in front and sibling replicas are not here: the application does not know of them, and they
name themselves in `Server-Timing`.
"""

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.engine import make_url

from app import replies
from app.parts import parts_of
from app.settings import Settings


class Architecture(BaseModel):
    """Host names; null or an empty list where a part is not there."""

    primary: str
    replicas: list[str]
    cache: str | None
    broker: str | None
    mail: str | None


async def show(request: Request) -> Response:
    """The parts behind this application."""
    told = describe(parts_of(request).settings)
    return replies.validated(request, replies.encode(told.model_dump()))


def describe(settings: Settings) -> Architecture:
    """Hosts only: an address may hold a password."""
    primary = _hosts(settings.primary_dsn)[0]
    readers = _hosts(settings.replica_dsn) if settings.replica_dsn else []
    return Architecture(
        primary=primary,
        replicas=[host for host in readers if host != primary],
        cache=settings.cache_url and settings.cache_url.host,
        broker=settings.broker_url and settings.broker_url.host,
        mail=settings.smtp_url and settings.smtp_url.host,
    )


def _hosts(dsn: str) -> list[str]:
    """Of libpq's two ways to name them: `@HOST/` and `?host=HOST,HOST`."""
    url = make_url(dsn)
    named = url.query.get("host", url.host or "localhost")
    return ",".join(named if isinstance(named, tuple) else (named,)).split(",")
