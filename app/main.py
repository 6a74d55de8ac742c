"""Assembly: the table of calls, the parts, and the order of the layers around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from app import (
    architecture,
    avatars,
    cache,
    docs,
    errors,
    following,
    identity,
    notifications,
    posts,
    sessions,
    users,
)
from app.avatars import Uploads
from app.cache import Cache
from app.database import Database
from app.health import Health, once
from app.intake import PICTURE_PATH, Intake
from app.observe import Observe
from app.outbox import Outbox
from app.own_writes import OwnWrites
from app.parts import Parts
from app.passwords import Passwords
from app.same_origin import SameOrigin
from app.sessions import Sessions
from app.settings import Settings
from app.shortcut import Call, Shortcut
from app.site.serving import Site
from app.views import Views
from worker import workshop

_FOLLOWING = "/api/users/me/following/{user_id}"

# The hottest first: the router tries them from the top.
CALLS = (
    Call("GET", "/api/users/{user_id}", users.show, 200, users.Profile, (404,)),
    Call("GET", "/api/posts/popular", posts.popular, 200, posts.Popular, ()),
    Call("GET", "/api/posts/{post_id}", posts.show, 200, posts.Post, (404,)),
    Call("GET", "/api/posts", posts.newest, 200, posts.Page, (400,)),
    Call("GET", "/api/users/{user_id}/posts", posts.newest_of_author, 200, posts.Page, (400,)),
    Call("POST", "/api/posts", posts.write, 201, posts.Post, (401,)),
    Call("POST", "/api/users", users.sign_up, 201, users.Member, (409,)),
    Call("PATCH", "/api/users/{user_id}", users.rename, 200, users.Member, (401, 403, 404)),
    Call("POST", "/api/sessions", sessions.log_in, 201, sessions.LoggedIn, (401,)),
    Call("DELETE", "/api/sessions", sessions.log_out, 204, None, ()),
    Call("DELETE", "/api/sessions/all", sessions.log_out_everywhere, 204, None, (401,)),
    Call("GET", "/api/architecture", architecture.show, 200, architecture.Architecture, ()),
    Call("GET", "/api/notifications", notifications.page, 200, notifications.Inbox, (400, 401)),
    Call("PUT", "/api/notifications/read", notifications.read, 204, None, (401,)),
    Call("GET", _FOLLOWING, following.show, 200, following.Following, (401,)),
    Call("PUT", _FOLLOWING, following.follow, 204, None, (401, 404)),
    Call("DELETE", _FOLLOWING, following.unfollow, 204, None, (401,)),
    Call("PUT", PICTURE_PATH, avatars.upload, 202, avatars.Accepted, (401, 408)),
    Call("GET", "/api/jobs/{job_id}", avatars.status, 200, avatars.JobStatus, (404,)),
)

# These have a way of their own.
_HOT = (users.show, posts.popular, posts.show, posts.newest, users.sign_up)

# FastAPI's own tracing would cost a tenth of a cached read even where nobody listens.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False)


def assemble(settings: Settings) -> tuple[Observe, Health]:
    """The app of the public port, and the one of the second port."""
    name = identity.own_name()
    parts = furnish(name, settings)
    app = FastAPI(
        title="Sluice",
        description="A small community on a stack that you climb one stage at a time.",
        version="0.1.0",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,
    )
    app.state.parts = parts
    errors.install(app)
    for call in CALLS:
        _add(app, call)
    app.add_route("/media/avatars/{name}", avatars.picture, include_in_schema=False)
    docs.add(app)
    # What no call answers. Not a mount, which would hide that a path knows another method (405).
    app.router.default = Site(settings.site_root)
    hot = Shortcut(app, [call for call in CALLS if call.answer in _HOT])
    public = Observe(SameOrigin(Intake(hot)), name, settings)

    def measure() -> None:
        public.count()
        parts.db.measure()

    return public, Health(check=once(parts.db.ready), measure=measure)


def furnish(name: str, settings: Settings) -> Parts:
    """The parts, made but not yet connected to anything."""
    db = Database(settings)
    cached = Cache(cache.connect(settings), settings)
    means = workshop.furnish(name, settings, cached)
    return Parts(
        settings=settings,
        db=db,
        cache=cached,
        sessions=Sessions(db, cached, settings),
        own_writes=OwnWrites(db, cached, sessions.stamper(settings), settings),
        passwords=Passwords(settings),
        outbox=Outbox(db, means, settings),
        views=Views(db, cached, means, settings),
        uploads=Uploads(settings),
    )


def _add(app: FastAPI, call: Call) -> None:
    always = {422, 503} if call.method in ("GET", "DELETE") else {413, 415, 422, 503}
    always |= set() if call.method == "GET" else {errors.CrossSite.status}
    problems = sorted({*call.problems, *always})
    app.add_api_route(
        call.path,
        call.answer,
        methods=[call.method],
        status_code=call.status,
        response_model=call.model,
        responses={each: {"model": errors.Problem} for each in problems},
        tags=[call.answer.__module__.rpartition(".")[2]],
        summary=(call.answer.__doc__ or "").partition("\n")[0].rstrip("."),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    await parts.db.open()
    loops = [parts.views.keep_flushing(), parts.cache.keep_telling()]
    tasks = [asyncio.create_task(loop) for loop in loops]
    yield
    # Views before the connections they need.
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    parts.passwords.close()
    parts.outbox.close()
    await parts.cache.close()
    await parts.db.close()
