"""The migrations lead up and down, on a server of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.stack import APP_IMAGE, PROJECT, must, run
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = f"{PROJECT}-migrations"


@pytest.fixture
def server(stage_5: None) -> Iterator[None]:
    """An empty PostgreSQL, gone afterwards. (The stage is there for its images.)"""
    trust = ("--env", "POSTGRES_HOST_AUTH_METHOD=trust")
    must(
        "docker", "run", "--detach", "--name", SERVER, "--network", "none", *trust, "postgres:18.6"
    )
    try:
        eventually(
            lambda: must("docker", "exec", SERVER, "pg_isready", "-h", "127.0.0.1"), within_s=60
        )
        yield
    finally:
        must("docker", "rm", "--force", "--volumes", SERVER)


def alembic(*command: str) -> str:
    """Run Alembic as the job `migrate` does, on the empty server."""
    dsn = "PRIMARY_DSN=postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    box = ("docker", "run", "--rm", "--network", f"container:{SERVER}", "--env", dsn, APP_IMAGE)
    return must(*box, "alembic", "-c", "db/alembic.ini", *command)


def schema() -> list[str]:
    """Return the definitions of everything in the database, in pg_dump's order."""
    dump = must("docker", "exec", SERVER, "pg_dump", "-U", "postgres", "--schema-only", "postgres")
    # pg_dump writes a key of its own into each dump.
    return [line for line in dump.splitlines() if line and not line.startswith(("--", "\\"))]


@pytest.mark.usefixtures("server")
def test_down_undoes_up() -> None:
    """Broken: a release that has to be taken back leaves tables behind, or cannot come again."""
    alembic("upgrade", "head")
    up = schema()
    assert any("CREATE TABLE public.posts" in line for line in up)

    alembic("downgrade", "base")
    assert not [
        line for line in schema() if "CREATE TABLE" in line and "alembic_version" not in line
    ]

    alembic("upgrade", "head")
    assert schema() == up


@pytest.mark.usefixtures("server")
def test_an_unreachable_server_is_one_line() -> None:
    """Broken: whoever starts the stack reads fifty lines of traceback."""
    must("docker", "stop", "--time", "5", SERVER)
    dsn = "PRIMARY_DSN=postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    done = run(
        "docker", "run", "--rm", "--network", "none", "--env", dsn, APP_IMAGE,
        "alembic", "-c", "db/alembic.ini", "upgrade", "head",
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
