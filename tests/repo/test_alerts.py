"""Rules, their tests, their runbooks and the routes to whoever is told: held together."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.repo.test_checks import ROOT, in_image, tracked

PROMETHEUS = ROOT / "prometheus"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for file in sorted((PROMETHEUS / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
TESTS = [
    test
    for file in sorted((PROMETHEUS / "tests").glob("*.yml"))
    for test in yaml.safe_load(file.read_text())["tests"]
]
ALERTMANAGER = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tested_both_ways(name: str) -> None:
    """Broken: nobody knows whether it ever fires, or whether it ever stops."""
    asked = [one for test in TESTS for one in test.get("alert_rule_test", [])]
    mine = [bool(one["exp_alerts"]) for one in asked if one["alertname"] == name]
    assert True in mine, "no test in which it fires"
    assert False in mine, "no test in which it stays quiet"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name: str) -> None:
    """Broken: a mail at night without a hint."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["labels"]["part"]
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
    page = (ROOT / alert["annotations"]["runbook"]).read_text()
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    assert headings == [name, "Meaning", "Impact", "Diagnosis", "Mitigation"]


def test_a_runbook_belongs_to_an_alert() -> None:
    """Broken: a page for an alert that was renamed."""
    assert {file.stem for file in (ROOT / "docs/runbooks").glob("*.md")} == ALERTS.keys()


def test_commands_of_the_runbooks_exist() -> None:
    """Broken: the page that is read at night names a command that is not there."""
    targets = set(re.findall(r"^([a-z0-9%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in tracked("docs/runbooks/*.md"):
        named = set(re.findall(r"`(?:\w+=\w+ )?make ([a-z][\w-]*)", (ROOT / name).read_text()))
        unknown = {one for one in named if not re.fullmatch(r"stage-[1-5N]", one)} - targets
        assert not unknown, (name, unknown)


def test_what_is_silenced_by_a_cause_exists() -> None:
    """Broken: an alert was renamed, and one cause gives many mails again."""
    for rule in ALERTMANAGER["inhibit_rules"]:
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]:
            name, pattern = re.fullmatch(r'(\w+)(?:=~|!~|=)"(.+)"', matcher).groups()  # type: ignore[union-attr]
            if name != "alertname":
                continue
            for one in pattern.split("|"):
                assert [alert for alert in ALERTS if re.fullmatch(one, alert)], one


@pytest.mark.parametrize(
    ("mails", "hooks"),
    [("a@x.example", ""), ("a@x.example b@x.example", "http://h/1 http://h/2"), ("", "")],
)
def test_alertmanager_takes_its_configuration(mails: str, hooks: str) -> None:
    """Broken: with nobody to tell, or with several, Alertmanager does not start."""
    said = {"ALERT_EMAIL": mails, "ALERT_WEBHOOK": hooks, "ALERT_FROM": "b@x.example"}
    said |= {"PROJECT": "p", "ALERT_SMTP": "mail:25", "ALERT_SMTP_TLS": "true"}
    said |= {"ALERT_SMTP_USER": "u", "ALERT_SMTP_PASSWORD": r"p&a\s:#"}
    variables = [word for one in said.items() for word in ("--env", "=".join(one))]
    # `alertmanager --version` ends after the configuration was written; amtool then reads it.
    script = (
        "/etc/sluice/start alertmanager --version >/dev/null"
        " && amtool check-config /tmp/alertmanager.yml"
    )
    printed = in_image(
        "prom/alertmanager:v0.33.1", "-c", script, mounts={"prometheus": "/etc/sluice"},
        options=("--tmpfs", "/tmp:mode=1777", *variables, "--entrypoint", "sh"),  # noqa: S108
    )  # fmt: skip
    assert "SUCCESS" in printed
