"""Deploys and scaling under load: nobody gets an error, and what is wrong is taken back.

That nobody notices is shown at stage 5; the rest at stage 2, the first with a balancer, where it is
the same. `DEPLOY_STAGE` chooses another one, `DEPLOY_USERS` and `DEPLOY_ROUNDS` make it longer.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.stack import APP_IMAGE, ENTRY, PROJECT, ROOT, environment, must, run, sql
from tests.system.test_4_commands import complaint
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE_OFF = (
    f"--filter=label=com.docker.compose.project={PROJECT}",
    "--filter=label=com.docker.compose.service=locust",
    "--filter=label=com.docker.compose.oneoff=True",
)
CODE = ("Dockerfile", "app", "db", "jobs", "requirements", "site", "worker", "docker-compose.yml")

STAGE = os.environ.get("DEPLOY_STAGE") or "5"
USERS = int(os.environ.get("DEPLOY_USERS") or 12)
ROUNDS = int(os.environ.get("DEPLOY_ROUNDS") or 1)


@pytest.fixture(scope="module")
def stage_2() -> None:
    """The fewest boxes that show it."""
    must("make", "stage-2", MONITORING="off")


@pytest.fixture
def chosen_stage() -> Iterator[None]:
    """The stage that was asked for, for one test."""
    assert STAGE in {"2", "3", "4", "5"}, f"DEPLOY_STAGE={STAGE}"
    must("make", f"stage-{STAGE}", MONITORING="off")
    yield
    must("make", "stage-2", MONITORING="off")


@pytest.fixture(autouse=True)
def a_stage(request: pytest.FixtureRequest) -> None:
    """Stage 2 for whoever chooses none."""
    if "chosen_stage" not in request.fixturenames:
        request.getfixturevalue("stage_2")


class Version:
    """The present code with changes, built as another version of the application."""

    def __init__(self, folder: Path, number: str) -> None:
        self.folder, self.image = folder, f"{APP_IMAGE}:{number}"
        for name in CODE:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pyc*"))
            else:
                shutil.copy(ROOT / name, folder / name)
        self.change("app/main.py", 'version="0.1.0"', f'version="{number}"')

    def change(self, file: str, old: str, new: str) -> None:
        """Change one place of the code."""
        before = (self.folder / file).read_text()
        assert old in before, file
        (self.folder / file).write_text(before.replace(old, new))

    def build(self) -> str:
        """Build it; return its image."""
        compose = ("docker", "compose", "--env-file", str(ROOT / "stages/2.env"))
        must(*compose, "build", "--quiet", "web", cwd=self.folder, APP_IMAGE=self.image, RELEASE="")
        return self.image


def version() -> str:
    """Return the version that the running code says it is."""
    told: str = httpx.get(f"{ENTRY}/docs/openapi.json", timeout=20).json()["info"]["version"]
    return told


def replicas() -> set[str]:
    """Return who answers."""
    with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
        return {visitor.get(f"/api/users/{n}").headers["x-served-by"] for n in range(1, 31)}


def all_serve(*names: str) -> None:
    """Wait until the balancer, which looks for replicas once a second, has found all of these."""

    def check() -> None:
        assert replicas() == set(names)

    eventually(check, within_s=20)


@contextmanager
def crowd(users: int = 12) -> Iterator[None]:
    """Send the crowd, reads and writes, during the block; afterwards not one may have failed."""
    command = ["bin/load", str(users), "30m", "25"]
    load = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def is_there() -> str:
        found = must("docker", "ps", *ONE_OFF, "--format", "{{ .Names }}").split()
        assert found
        return found[0]

    name = eventually(is_there, within_s=120)
    eventually(lambda: answered(name), within_s=120)
    try:
        yield
    finally:
        must("docker", "kill", "--signal", "TERM", name)  # Locust prints its table and ends
        printed, _ = load.communicate(timeout=120)
    # 3: a deploy left the crowd itself short of CPU, so its latencies say nothing. Failures do.
    assert load.returncode in (0, 3), printed[-4000:]
    assert ", 0 failed, " in printed, printed[-4000:]
    print(*(line for line in printed.splitlines() if ", 0 failed, " in line))


def answered(name: str) -> None:
    """Check that the crowd's first members are at work."""
    done = run("docker", "logs", name)
    assert "All users spawned" in done.stdout + done.stderr


# Serves as web-1 and ends as web-2: the deploy fails when a part of it is done.
NEVER_AS_WEB_2 = """    name = identity.own_name()
    if name == "web-2":
        raise SystemExit("never as web-2")
"""

# Two releases of a change that cannot be one: what the old code needs goes after the old code.
EXPAND = """revision = "9001"
down_revision = "{before}"


def upgrade():
    from alembic import op

    op.execute("ALTER TABLE users ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now()")
"""
CONTRACT = """revision = "9002"
down_revision = "9001"
contract = True


def upgrade():
    from alembic import op

    op.execute("ALTER TABLE users DROP COLUMN updated_at")
"""


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a version that is fine; return its image."""
    return Version(tmp_path_factory.mktemp("second"), "0.2.0").build()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a version that does not become ready everywhere."""
    made = Version(tmp_path_factory.mktemp("broken"), "0.3.0")
    made.change("app/main.py", "    name = identity.own_name()\n", NEVER_AS_WEB_2)
    return made.build()


@pytest.fixture
def migrating(tmp_path: Path) -> Iterator[str]:
    """Build a version that uses another column; afterwards the old one is there again."""
    before = sql("SELECT version_num FROM alembic_version")
    made = Version(tmp_path, "0.4.0")
    made.change("app/users.py", "updated_at = now()", "changed_at = now()")
    revisions = tmp_path / "db/migrations/versions"
    (revisions / "9001_changed_at.py").write_text(EXPAND.format(before=before))
    (revisions / "9002_no_updated_at.py").write_text(CONTRACT)
    yield made.build()
    sql("ALTER TABLE users ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT now()")
    must("make", "deploy")
    sql("ALTER TABLE users DROP COLUMN IF EXISTS changed_at")
    sql(f"UPDATE alembic_version SET version_num = '{before}'")


def columns() -> set[str]:
    """Return which of the two columns there are."""
    names = "('updated_at', 'changed_at')"
    return set(
        sql(
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_name = 'users' AND column_name IN {names}"
        ).split()
    )


@pytest.mark.usefixtures("chosen_stage")
def test_nobody_notices_deploys_and_scaling(second: str, broken: str) -> None:
    """Broken: a visitor, reading or writing, gets an error while replicas come and go."""
    with crowd(USERS):
        for _ in range(ROUNDS):
            come_and_go(second, broken)


def come_and_go(second: str, broken: str) -> None:
    """Deploy, scale, be refused a broken version, and deploy the present code again."""
    must("make", "scale", "WEB=3")
    must("make", "deploy", f"IMAGE={second}")
    assert version() == "0.2.0"
    all_serve("web-1", "web-2", "web-3")

    must("make", "scale", "WEB=6")
    all_serve(*(f"web-{n}" for n in range(1, 7)))
    must("make", "scale", "WEB=2")
    all_serve("web-1", "web-2")

    refused = complaint("make", "deploy", f"IMAGE={broken}")
    assert "not deployed" in refused
    assert version() == "0.2.0"
    all_serve("web-1", "web-2")

    must("make", "deploy")
    assert version() == "0.1.0"
    all_serve("web-1", "web-2")


def test_a_stage_keeps_what_was_deployed(second: str) -> None:
    """Broken: `make stage-2` after a deploy restarts the replicas, or brings another version."""
    must("make", "deploy", f"IMAGE={second}")
    must("make", "scale", "WEB=3")
    before = web_ids()
    must("make", "stage-2", MONITORING="off")
    assert web_ids() == before
    assert version() == "0.2.0"
    must("make", "deploy")


def test_a_column_is_replaced_under_load(migrating: str) -> None:
    """Broken: old and new code cannot work on one database, so a change of it is an outage."""
    with crowd():
        must("make", "deploy", f"IMAGE={migrating}")
        assert version() == "0.4.0"
        assert columns() == {"updated_at", "changed_at"}
        must("make", "contract")
        assert columns() == {"changed_at"}


def test_a_number_that_the_database_cannot_bear_is_refused() -> None:
    """Broken: the last replicas get no connection, and their visitors errors."""
    before = web_ids()
    line = complaint("make", "scale", "WEB=99")
    assert "max_connections" in line
    assert web_ids() == before


@pytest.mark.parametrize("number", ["WEB=0", "WEB=-1", "WEB=many", "WORKER=1.5", ""])
def test_a_wrong_number_is_named(number: str) -> None:
    """Broken: a traceback, or no replica at all."""
    assert number in complaint("make", "scale", *number.split())


def test_an_image_that_is_nowhere_is_named_before_anything_changes() -> None:
    """Broken: replicas are taken away for a version that does not exist."""
    before = web_ids()
    assert "IMAGE=sluice/no-such:1" in complaint("make", "deploy", "IMAGE=sluice/no-such:1")
    assert web_ids() == before


def test_a_deploy_that_was_interrupted_is_repaired_by_the_next(second: str) -> None:
    """Broken: replicas that no command knows stay, or a number stays empty."""
    deploy = subprocess.Popen(
        ["make", "deploy", f"IMAGE={second}"], cwd=ROOT, env=environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip

    def names() -> set[str]:
        return set(must("docker", "ps", "--all", "--format", "{{ .Names }}").split())

    def half_way() -> None:
        assert f"{PROJECT}-web-2-next" in names()

    eventually(half_way, within_s=240, every_s=0.1)
    os.killpg(deploy.pid, signal.SIGKILL)
    deploy.communicate(timeout=60)
    must("make", "deploy")
    assert version() == "0.1.0"
    assert {name for name in names() if name.startswith(f"{PROJECT}-web-")} == {
        f"{PROJECT}-web-{n}" for n in (1, 2, 3)
    }


def test_stage_1_says_that_a_deploy_there_is_an_outage(second: str) -> None:
    """Broken: the only replica cannot be replaced, or goes without a word."""
    must("make", "stage-1", MONITORING="off")
    printed = must("make", "deploy", f"IMAGE={second}")
    assert "nothing answers until" in printed
    assert version() == "0.2.0"
    assert "make stage-2" in complaint("make", "scale", "WEB=2")
    must("make", "deploy")


def web_ids() -> set[str]:
    """Return the identities of the replicas' containers."""
    return set(must("bin/compose", "ps", "--quiet", "web").split())
