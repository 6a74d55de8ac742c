"""The list of what is measured, the dashboards and the rules: held together."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from grafana.build import DASHBOARDS, render
from grafana.panels import TITLES
from tests.repo.test_alerts import ALERTS, PROMETHEUS
from tests.repo.test_checks import ROOT

FOLDER = ROOT / "grafana/dashboards"
LEVELS = r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+"  # the name of a recording rule
OURS = re.compile(r"\bsluice_[a-z_]+\b")
PARTS_OF_A_HISTOGRAM = r"(_bucket|_sum|_count)?"
# What a metric of ours is good for beside the dashboards: nobody looks at it as a line.
NOT_DRAWN = {
    "sluice_stack_replicas",  # the alert ServiceLost
    "sluice_worker_connected",  # the alert JobsCutOff
    "sluice_relay_connected",  # as above
    "sluice_relay_conflict",  # the alert QueueConflict
    "sluice_db_replica_lag_seconds",  # PostgreSQL's own is drawn
    "sluice_views_written_total",  # a job of the worker, drawn as one
    "sluice_proxy_upstream_sent_bytes_total",  # for questions that nobody asks every day
    "sluice_proxy_upstream_received_bytes_total",  # as above
}


@cache
def rows() -> list[list[str]]:
    """Return the rows of the table: what, metric, from, panel, alert."""
    lines = (ROOT / "docs/metrics.md").read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| ")
    ]
    return [row for row in cells if len(row) == 5 and row[1] not in ("", "metric")]


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    """Return the models by title."""
    models = [json.loads(file.read_text()) for file in FOLDER.glob("*.json")]
    return {model["title"]: model for model in models}


def panels(model: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a dashboard shows, without its rows' headings."""
    return [panel for panel in model["panels"] if panel["type"] != "row"]


def expressions(panel: dict[str, Any]) -> str:
    """Return the queries of a panel, and of the rules that they name."""
    return expanded(" ".join(target["expr"] for target in panel["targets"]))


@cache
def recorded() -> dict[str, str]:
    """Return what each recording rule computes."""
    return {
        rule["record"]: rule["expr"]
        for file in (PROMETHEUS / "rules").glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


def expanded(expr: str) -> str:
    """Return an expression and, after it, what the rules in it compute, and the rules in those."""
    seen: dict[str, str] = {}
    todo = re.findall(LEVELS, expr)
    while todo:
        name = todo.pop()
        if name not in seen:
            assert name in recorded(), f"no rule records {name}"
            seen[name] = recorded()[name]
            todo += re.findall(LEVELS, seen[name])
    return " ".join([expr, *seen.values()])


def test_the_list_is_long_enough() -> None:
    """Broken: the table is read wrongly, and every test below holds for nothing."""
    assert len(rows()) > 50


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[3]}")
def test_a_line_of_the_list_is_shown_where_it_says(row: list[str]) -> None:
    """Broken: a reader looks for a figure on a panel that does not show it."""
    _, metrics, _, place, alert = row
    title, _, name = place.partition(": ")
    found = [panel for panel in panels(dashboards()[title]) if panel["title"] == name]
    assert found, f"no panel {name!r} on {title}"
    shown = expressions(found[-1])
    for metric in re.findall(r"`(\w+)`", metrics):
        assert re.search(rf"\b{metric}{PARTS_OF_A_HISTOGRAM}\b", shown), metric
    if alert:
        assert alert in ALERTS


def test_all_dashboards_are_there() -> None:
    """Broken: a link on every dashboard leads to one that does not exist."""
    assert {(model["uid"], title) for title, model in dashboards().items()} == set(TITLES.items())
    assert set(DASHBOARDS) == set(TITLES) == {file.stem for file in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_its_code_says(name: str) -> None:
    """Broken: somebody changed the JSON, or the code, alone."""
    assert (FOLDER / f"{name}.json").read_text() == render(DASHBOARDS[name]())


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_has_the_shape_that_grafana_reads(name: str) -> None:
    """Broken: Grafana leaves out what it does not understand, and says nothing."""
    shape = Draft7Validator(json.loads((ROOT / "grafana/schema.json").read_text()))
    model = json.loads((FOLDER / f"{name}.json").read_text())
    shape.validate(model)
    model["panels"][0]["gridPos"]["x"] = "left"
    assert not shape.is_valid(model)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_panel_says_what_it_shows_and_in_which_unit(name: str) -> None:
    """Broken: a number without a meaning, or a picture that overlaps another."""
    model = json.loads((FOLDER / f"{name}.json").read_text())
    ids = [panel["id"] for panel in model["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in panels(model):
        assert len(panel["description"]) > 10, panel["title"]
        config = panel["fieldConfig"]
        units = [config["defaults"].get("unit")] + [
            each["value"]
            for one in config.get("overrides", [])
            for each in one["properties"]
            if each["id"] == "unit"
        ]
        assert any(units), panel["title"]


def test_the_same_name_has_the_same_colour() -> None:
    """Broken: green is a hit on one picture and a miss on the next."""
    colours: dict[str, set[str]] = {}
    for model in dashboards().values():
        for panel in panels(model):
            for one in panel["fieldConfig"].get("overrides", []):
                for each in one["properties"]:
                    if each["id"] == "color":
                        name = one["matcher"]["options"]
                        colours.setdefault(name, set()).add(each["value"]["fixedColor"])
    assert len(colours) > 30
    assert not {name: some for name, some in colours.items() if len(some) > 1}


def test_links_lead_from_symptom_to_cause() -> None:
    """Broken: a link leads nowhere, or back to the dashboard that it stands on."""
    found = 0
    for model in dashboards().values():
        for panel in panels(model):
            for link in panel.get("links", []):
                uid = re.fullmatch(r"/d/(\w+)\?\$\{__url_time_range\}", link["url"])
                assert uid, link
                assert uid[1] in TITLES
                assert uid[1] != model["uid"], panel["title"]
                found += 1
    assert found > 30


def test_all_events_are_marked_on_all_dashboards() -> None:
    """Broken: a dent in a line, and nobody sees that somebody deployed just then."""
    for model in dashboards().values():
        asked = " ".join(query["expr"] for query in model["annotations"]["list"])
        for what in ("stage", "deploy", "scale"):
            assert f'sluice_stack_changed_timestamp_seconds{{what="{what}"}}' in asked
        assert 'ALERTS{alertstate="firing"}' in asked


def test_each_metric_of_ours_is_looked_at_and_each_that_is_looked_at_exists() -> None:
    """Broken: a renamed metric leaves an empty panel, or one is counted that nobody ever sees."""
    declared = {
        name + ("" if name.endswith(("_total", "_seconds")) or kind != "Tally" else "_total")
        for kind, name in re.findall(
            r'\b(Tally|Durations|Counter|Gauge|Histogram)\(\s*"(sluice_\w+)"',
            (ROOT / "app/metrics.py").read_text(),
        )
    }
    counts = (ROOT / "nginx/counts.py").read_text()
    declared |= {
        name + ("_total" if kind == "Counter" else "")
        for kind, name in re.findall(r'(Counter|Histogram)MetricFamily\(\s*"(sluice_\w+)"', counts)
    }
    measured = ("seconds", "sent_bytes", "received_bytes")
    declared |= {f"sluice_proxy_upstream_{what}_total" for what in measured}
    declared |= {"sluice_stack_replicas", "sluice_stack_changed_timestamp_seconds"}
    assert len(declared) > 40
    asked = [
        one["expr"]
        for model in dashboards().values()
        for one in (*_targets(model), *model["annotations"]["list"])
    ]
    drawn = set(OURS.findall(re.sub(LEVELS, "", " ".join(map(expanded, asked)))))
    drawn = {re.sub("_(bucket|sum|count)$", "", name) for name in drawn}
    assert drawn <= declared, drawn - declared
    assert declared - drawn == NOT_DRAWN


def _targets(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [target for panel in panels(model) for target in panel["targets"]]
