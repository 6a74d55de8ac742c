"""The parts of one web process, made once and reached by `parts_of(request)`.

A plain function instead of FastAPI's `Depends`, which would cost a tenth of a cached read per use.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the modules of the parts import this one
    from fastapi import Request

    from app.avatars import Uploads
    from app.cache import Cache
    from app.database import Database
    from app.outbox import Outbox
    from app.own_writes import OwnWrites
    from app.passwords import Passwords
    from app.sessions import Sessions
    from app.settings import Settings
    from app.views import Views


@dataclass(frozen=True, slots=True)
class Parts:
    """What calls work with."""

    settings: Settings
    db: Database
    cache: Cache
    sessions: Sessions
    own_writes: OwnWrites
    passwords: Passwords
    outbox: Outbox
    views: Views
    uploads: Uploads


def parts_of(request: Request) -> Parts:
    """The parts of the process that answers this request."""
    parts: Parts = request.app.state.parts
    return parts
