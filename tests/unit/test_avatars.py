"""Promises of `app/avatars.py`: what a request says before anything is stored."""

import asyncio
from typing import cast

import pytest
from fastapi import FastAPI, Request

from app import avatars, errors
from app.avatars import Uploads
from app.intake import BODY_MAX_BYTES, PICTURE_MAX_BYTES, PICTURE_PATH, Intake
from app.settings import Settings
from tests.drawn import drawn
from tests.unit.asgi import ask
from worker.handlers import process_avatar


@pytest.fixture
def app() -> Intake:
    """An app that reads whatever comes."""
    inner = FastAPI()
    errors.install(inner)

    @inner.put(PICTURE_PATH)
    @inner.put("/api/other")
    async def _read(request: Request) -> int:
        return len(await request.body())

    return Intake(inner)


def test_a_picture_may_be_larger_than_other_bodies(app: Intake) -> None:
    """Broken: a telephone's photographs are refused, or so is nothing anywhere."""
    body = b"x" * (BODY_MAX_BYTES + 1)
    headers = {"content-type": "image/jpeg", "content-length": str(len(body))}
    answer = ask(app, PICTURE_PATH, method="PUT", headers=headers, chunks=(body,))
    assert (answer.status, answer.body) == (200, str(len(body)).encode())
    other = {**headers, "content-type": "application/json"}
    assert ask(app, "/api/other", method="PUT", headers=other, chunks=(body,)).status == 413


@pytest.mark.parametrize("announced", [True, False])
def test_a_picture_beyond_its_bound_is_not_kept(app: Intake, *, announced: bool) -> None:
    """Broken: a few senders fill the process's memory."""
    headers = {"content-type": "image/png"}
    length = str(PICTURE_MAX_BYTES + 1)
    headers |= {"content-length": length} if announced else {"transfer-encoding": "chunked"}
    chunks = (b"x" * PICTURE_MAX_BYTES, b"x")
    assert ask(app, PICTURE_PATH, method="PUT", headers=headers, chunks=chunks).status == 413


@pytest.mark.parametrize("kind", ["", "application/json", "text/html", "multipart/form-data"])
def test_a_picture_is_sent_as_one(app: Intake, kind: str) -> None:
    """Broken: a form on a foreign site could send one in a member's name."""
    headers = {"content-type": kind, "content-length": "2"}
    answer = ask(app, PICTURE_PATH, method="PUT", headers=headers, chunks=(b"{}",))
    assert answer.status == 415


class Sender:
    """A request whose body comes when it is let."""

    def __init__(self) -> None:
        self.come = asyncio.Event()

    async def body(self) -> bytes:
        """The body."""
        await self.come.wait()
        return b"all of it"


def few(settings: Settings, patience_s: float) -> Uploads:
    """Room for one."""
    return Uploads(settings.model_copy(update={"uploads_in_hand": 1, "upload_s": patience_s}))


def test_who_comes_when_all_places_are_taken_is_asked_to_come_again(settings: Settings) -> None:
    """Broken: many large bodies at once end the process for want of memory."""

    async def story() -> None:
        uploads, first = few(settings, 10), Sender()
        receiving = asyncio.create_task(uploads.receive(cast("Request", first)))
        await asyncio.sleep(0)
        with pytest.raises(errors.Overloaded):
            await uploads.receive(cast("Request", Sender()))
        first.come.set()
        assert await receiving == b"all of it"
        assert await uploads.receive(cast("Request", first)) == b"all of it"

    asyncio.run(story())


def test_a_sender_that_dribbles_loses_the_place(settings: Settings) -> None:
    """Broken: a few slow senders keep everybody else from sending."""

    async def story() -> None:
        uploads, ready = few(settings, 0.01), Sender()
        with pytest.raises(errors.TooSlow):
            await uploads.receive(cast("Request", Sender()))
        ready.come.set()
        assert await uploads.receive(cast("Request", ready)) == b"all of it"

    asyncio.run(story())


def test_a_profile_names_the_pictures_that_are_served() -> None:
    """Broken: every avatar on the site is a broken image."""
    digest = process_avatar.name(7, {64: b"a", 128: b"b", 512: b"c"})
    named = avatars.addresses(digest)
    assert named is not None
    assert list(named) == ["64", "128", "512"]
    for size, address in named.items():
        found = avatars.FILE.fullmatch(address.removeprefix("/media/avatars/"))
        assert found is not None
        assert found.groups() == (digest, size)
    assert avatars.addresses(None) is None


def test_a_picture_is_named_by_its_content_and_its_member() -> None:
    """Broken: a year-old copy is shown for a new picture, or one member's removal takes two."""
    made = {64: b"a", 128: b"b", 512: b"c"}
    assert process_avatar.name(7, made) == process_avatar.name(7, dict(reversed(made.items())))
    assert process_avatar.name(7, made) != process_avatar.name(8, made)
    assert process_avatar.name(7, made) != process_avatar.name(7, made | {64: b"x"})


@pytest.mark.parametrize("status", [415, 422])
def test_what_can_be_told_at_once_is_told_at_once(status: int) -> None:
    """Broken: a member waits for a job to learn that a text is no picture."""
    content = b"a text" if status == 415 else drawn("PNG")[:18]
    with pytest.raises(errors.SluiceError) as told:
        avatars.refuse_unusable(content)
    assert told.value.status == status
