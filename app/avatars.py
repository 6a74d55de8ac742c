"""Avatars: take an upload, tell how its job went, hand out the pictures.

The upload is a row, written together with its job: accepted means that it will be processed. What
comes of it (`worker/handlers/process_avatar.py`) are rows too, which every replica can serve; the
edge and browsers keep them for a year, because their names change with their content.
"""

import asyncio
import re
from datetime import datetime
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from app import errors, fields, outbox, replies
from app.database import PRIMARY
from app.errors import NoSuchFile, NotFound, NotLoggedIn, NotPicture, Overloaded, UnusablePicture
from app.parts import parts_of
from app.settings import Settings
from jobs import ProcessAvatar
from worker import pictures
from worker.pictures import header

SIZES = (64, 128, 512)
FILE = re.compile(r"([0-9a-f]{32})-(64|128|512)\.webp")
_RETRY_AFTER_S = "1"


class Accepted(BaseModel):
    """Where to ask how it goes."""

    job: str


class JobStatus(BaseModel):
    """How a job goes. `reason` says in words why it failed."""

    id: str
    kind: str
    status: Literal["waiting", "done", "failed"]
    created_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None


# --- questions ---

# An upload and its job, and the end of those that were not looked at yet: the last one counts, and
# a member has one waiting. No row when the member is no more. users_pkey,
# uploads_member_id_job_id_idx.
ACCEPT = f"""
WITH job AS ({outbox.INSERT}),
     replaced AS (
         UPDATE uploads SET content = NULL, finished_at = now(), reason = %(replaced)s
         WHERE member_id = %(member_id)s AND content IS NOT NULL
     )
INSERT INTO uploads (job_id, member_id, content) VALUES (%(job_id)s, %(member_id)s, %(content)b)
"""  # noqa: S608 - made of two statements of ours; what was sent is in its values
_REPLACED = "A later picture took its place."

# How did it go, for its owner? uploads_pkey.
STATUS = """
SELECT created_at, finished_at, reason FROM uploads
WHERE job_id = %(job_id)s AND member_id = %(member_id)s
"""

# One picture. avatars_pkey.
PICTURE = "SELECT content FROM avatars WHERE hash = %(hash)s AND size = %(size)s"


# --- calls ---


async def upload(request: Request) -> Response:
    """Send a picture (JPEG, PNG, WebP, GIF; at most 5 MiB) to become one's avatar."""
    parts = parts_of(request)
    member_id = await parts.sessions.member(request)
    content = await parts.uploads.receive(request)
    refuse_unusable(content)
    job = outbox.new(ProcessAvatar(member_id=member_id))
    values = {
        "member_id": member_id,
        "content": content,
        "replaced": _REPLACED,
        **outbox.values(job),
    }
    await parts.db.write(ACCEPT, values, {"uploads_member_id_fkey": NotLoggedIn})
    await parts.outbox.committed(job)
    address = f"/api/jobs/{job.id}"
    response = replies.private(replies.encode({"job": address}), 202)
    response.headers["location"] = address
    await parts.own_writes.settle(response)
    return response


async def status(request: Request, job_id: fields.JobId) -> Response:
    """How one's own job goes: waiting, done or failed."""
    parts = parts_of(request)
    # Somebody else's job is none, and without a session all of them are.
    try:
        values = {"job_id": job_id, "member_id": await parts.sessions.member(request)}
    except NotLoggedIn as error:
        raise NotFound from error
    after = (await parts.own_writes.of(request)).after
    rows = await parts.db.read(STATUS, values, after=after)
    if not rows:
        raise NotFound
    row = {name: value for name, value in rows[0]._asdict().items() if value is not None}
    ended = "failed" if "reason" in row else "done"
    told = {
        "id": job_id,
        "kind": ProcessAvatar.kind,
        "status": ended if "finished_at" in row else "waiting",
        **row,
    }
    response = replies.private(replies.encode(told))
    if told["status"] == "waiting":
        response.headers["retry-after"] = _RETRY_AFTER_S
    return response


async def picture(request: Request) -> Response:
    """A picture by the hash of its content: the same for ever."""
    named = FILE.fullmatch(request.path_params["name"])
    if not named:
        raise NoSuchFile
    values = {"hash": named[1], "size": int(named[2])}
    db = parts_of(request).db
    # A profile may name a picture that a replica has not replayed yet.
    rows = await db.read(PICTURE, values) or await db.read(PICTURE, values, after=PRIMARY)
    if not rows:
        raise NoSuchFile
    return replies.forever(request, bytes(rows[0].content), named[0], "image/webp")


def addresses(avatar: str | None) -> dict[str, str] | None:
    """The pictures of a profile, by size."""
    if avatar is None:
        return None
    return {str(size): f"/media/avatars/{avatar}-{size}.webp" for size in SIZES}


def refuse_unusable(content: bytes) -> None:
    """What can be told without decoding is told at once."""
    try:
        header.read(content)
    except pictures.NotPicture as error:
        raise NotPicture from error
    except pictures.Unusable as error:
        raise UnusablePicture(str(error)) from error


class Uploads:
    """Receives large bodies, a few at a time: each is held in memory until it is stored."""

    def __init__(self, settings: Settings) -> None:
        self._in_hand_max = settings.uploads_in_hand
        self._patience_s = settings.upload_s
        self._in_hand = 0

    async def receive(self, request: Request) -> bytes:
        """The body, whole.

        Raises:
            Overloaded: too many others are being received.
            TooSlow: it did not come in within `upload_s`.
        """
        if self._in_hand >= self._in_hand_max:
            raise Overloaded
        self._in_hand += 1
        try:
            async with asyncio.timeout(self._patience_s):
                return await request.body()
        except TimeoutError as error:
            raise errors.TooSlow from error
        finally:
            self._in_hand -= 1
