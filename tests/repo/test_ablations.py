"""docs/ablations.md says what was measured, and names variables that exist."""

from __future__ import annotations

import json
import re

import pytest

from app.settings import Settings
from loadtest.ablate.database import INDEX
from loadtest.ablate.report import row
from loadtest.ablate.techniques import TECHNIQUES, Technique
from tests.repo.test_checks import ROOT, RULES, passes
from tests.repo.test_promises import compose

DOCUMENT = (ROOT / "docs/ablations.md").read_text()
EACH = pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda each: each.name)


@EACH
def test_the_table_is_what_the_reports_say(technique: Technique) -> None:
    """Broken: a number in the docs was never measured, or is of another run than its link."""
    rows = [line for line in DOCUMENT.splitlines() if f"`make ablate-{technique.name}`" in line]
    rows = [line for line in rows if line.startswith("|")]
    assert len(rows) == 1
    named = re.search(r"\(\.\./(reports/\S+\.json)\)", rows[0])
    assert named
    assert rows[0] == row(technique, ROOT / named[1])


@EACH
def test_a_technique_is_read_in_a_sentence(technique: Technique) -> None:
    """Broken: a number stands there, and nobody says what follows from it."""
    assert f"\n- **{technique.name}**: " in DOCUMENT


@EACH
def test_a_switch_is_wired_to_the_stack(technique: Technique) -> None:
    """Broken: the documented variable changes nothing when it is given to `make stage-N`."""
    boxes = compose()["services"]
    for name, value in technique.ways[technique.shipped].items():
        wired = [box["environment"][name] for box in boxes.values()
                 if name in box.get("environment", {})]  # fmt: skip
        assert f"${{{name}:-{value}}}" in wired, name
        assert f"{name}=" in technique.variable


def test_defaults_of_switches_are_the_applications_own() -> None:
    """Broken: `docker compose up` runs the application other than it says of itself."""
    web = compose()["services"]["web"]["environment"]
    for technique in TECHNIQUES:
        for name in {name for way in technique.ways.values() for name in way} & web.keys():
            default = Settings.model_fields[name.lower()].default
            said = re.fullmatch(rf"\$\{{{name}:-(.*)\}}", web[name])
            assert said is None or said[1] == str(default).lower(), name


def test_the_index_that_is_dropped_is_made_again_as_it_was() -> None:
    """Broken: the way that ships is measured with another index."""
    definition = INDEX["on"].replace("IF NOT EXISTS ", "")
    assert definition in (ROOT / "db/migrations/versions/0001_community.py").read_text()


def test_nothing_that_is_measured_has_a_port_or_shares_the_readers_core() -> None:
    """Broken: `make ablate-NAME` fails beside a running stack, or measures its own load."""
    files = ("--file", "docker-compose.yml", "--file", "loadtest/ablate/compose.yml")
    cores = ("env", "SERVERS_CORE=0", "OTHER_CORES=1")
    command = (*cores, "docker", "compose", "--env-file", "stages/5.env", *files)
    named = json.loads(passes(*command, "--profile", "*", "config", "--format", "json"))["services"]
    parts = {part for each in TECHNIQUES for part in (*each.databases, *each.services, "web")}
    assert {named[part]["cpuset"] for part in parts} == {"0"}
    assert named["readers"]["cpuset"] == "1"
    assert not [part for part in parts if named[part].get("ports")]


def test_the_rules_that_are_compared_exist() -> None:
    """Broken: `make ablate-least-conn` ends with an unknown rule after a minute."""
    assert {"least_conn", "round_robin"} <= set(RULES)
