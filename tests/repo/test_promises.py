"""What the prose and the configurations promise each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings
from loadtest.ladder import readme
from tests.repo.test_checks import ROOT, STAGES, passes, tracked

# Named in pieces, so that this file does not break its own rule.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("deb", "debian", "org"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
    ]
]


def keys(file: Path) -> list[str]:
    """Return the variables that an env file sets."""
    return re.findall(r"^([A-Z_]+)=", file.read_text(), re.MULTILINE)


def test_every_stage_says_the_same_things() -> None:
    """Broken: a stage inherits a setting from whatever ran before."""
    assert len(STAGES) == 5
    assert {tuple(keys(file)) for file in STAGES} == {tuple(keys(STAGES[0]))}


def test_a_plain_compose_up_is_stage_5() -> None:
    """Broken: Compose alone starts something else."""
    assert (ROOT / ".env").resolve() == ROOT / "stages/5.env"


def test_no_file_names_a_package_registry() -> None:
    """Broken: a site with a mirror of its own cannot build, and nobody sees why."""
    for name in tracked():
        text = (ROOT / name).read_bytes().decode(errors="replace")
        assert not [host for host in REGISTRIES if host in text], name


@pytest.mark.parametrize(
    "name", [name for name in tracked("*.md") if not name.startswith("CHANGELOG")]
)
def test_links_lead_somewhere(name: str) -> None:
    """Broken: a reader follows a link to a file that was renamed."""
    file = ROOT / name
    for link in re.findall(r"\]\(([^)#\s]+)", file.read_text()):
        if "://" not in link and not link.startswith("mailto:"):
            assert (file.parent / link).exists(), link


def test_commands_of_the_readme_exist() -> None:
    """Broken: the README tells to run a target that is not there."""
    targets = set(re.findall(r"^([a-z0-9%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-zN0-9-]*)", (ROOT / "README.md").read_text()))
    unknown = {
        name
        for name in named
        if name not in targets
        and not re.fullmatch(r"stage-[1-5nN]|lb-[a-zN]+|ablate-[a-zN-]+", name)
    }
    assert not unknown


def test_images_are_pinned() -> None:
    """Broken: the same commit runs other software tomorrow."""
    for name, service in compose()["services"].items():
        if "build" not in service:
            assert re.search(r":v?\d+[.-]\d+", service["image"]), name


def test_every_service_is_a_small_closed_box() -> None:
    """Broken: a service has no bound, may write to its root file system, or runs as root."""
    for name, service in compose()["services"].items():
        assert service["cpus"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["restart"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        if name not in RUNS_AS_ROOT:
            assert "build" in service or not str(service["user"]).startswith(("0", "root")), name


# cAdvisor reads every container's cgroup and file system, the log collector the engine's files,
# which are shown to root alone. The log store's image has no folder that anybody else may write to.
RUNS_AS_ROOT = {"cadvisor", "log-collector", "log-store"}


def compose() -> dict[str, dict[str, dict[str, Any]]]:
    """Return docker-compose.yml with its anchors merged."""
    loaded: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
        (ROOT / "docker-compose.yml").read_text()
    )
    return loaded


def seconds(pattern: str, file: str) -> float:
    """Return a time that a file sets."""
    found = re.search(pattern, (ROOT / file).read_text())
    assert found, (pattern, file)
    return float(found[1])


def test_timeouts_form_a_ladder() -> None:
    """Broken: an outer hop gives up while an inner one still works for nobody."""
    edge = seconds(r"proxy_read_timeout +(\d+)s", "nginx/edge.conf")
    balancer = seconds(r"proxy_read_timeout +(\d+)s", "nginx/snippets/balance.conf")
    app = {name: field.default for name, field in Settings.model_fields.items()}
    statement = app["db_statement_timeout_ms"] / 1000
    # As app/database.py does: wait for a connection, then for the answer and half a second more.
    one_try = app["db_pool_wait_s"] + statement + 0.5
    read = 2 * one_try  # a replica, then the primary
    write = one_try + app["job_in_request_s"]
    assert edge > balancer > max(read, write) > statement > app["db_lock_timeout_ms"] / 1000


def test_who_leaves_is_given_the_time_it_takes() -> None:
    """Broken: a replica that leaves closes a connection under a POST, or is killed half-way."""
    app = {name: field.default for name, field in Settings.model_fields.items()}
    assert seconds(r"keepalive_timeout +(\d+)s", "nginx/snippets/replica.conf") < app["linger_s"]
    killed = float(compose()["services"]["web"]["stop_grace_period"].removesuffix("s"))
    assert app["drain_s"] + app["linger_s"] + app["shutdown_s"] + 2 <= killed


def test_the_primary_can_bear_six_replicas_and_their_deploy() -> None:
    """Broken: `make scale WEB=6` is refused, or the seventh during a deploy gets no connection."""
    pool = Settings.model_fields["db_pool_size"].default
    others = re.search(r"^OTHERS = (\d+)", (ROOT / "bin/scale").read_text(), re.MULTILINE)
    assert others
    allowed = seconds(r"(?m)^max_connections = (\d+)", "db/postgresql.conf")
    assert (6 + 1) * (2 * pool + 1) + (1 + 1) * pool + int(others[1]) <= allowed


def test_the_pictures_are_what_their_code_draws() -> None:
    """Broken: the README shows an architecture that is no more."""
    passes("python", "docs/pictures/draw.py", "--check")


def test_the_figures_of_the_readme_are_those_of_its_report() -> None:
    """Broken: the README shows numbers that nobody measured."""
    assert readme.disagrees((ROOT / "README.md").read_text(), ROOT) is None
