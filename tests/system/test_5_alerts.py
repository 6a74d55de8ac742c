"""Five alerts fire for real (`make drill-alerts`): each cause gives one mail, and one when it ends.

On emptied stores of Prometheus and Alertmanager: what earlier tests broke is told to nobody here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.system.stack import (
    APP_IMAGE,
    PROJECT,
    PROMETHEUS,
    ROOT,
    container,
    containers,
    environment,
    mails_to,
    must,
    sql,
)
from tests.system.test_4_commands import complaint
from tests.system.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

FIVE = ("JobsDead", "ServiceLost", "ReplicaLagging", "TargetDown", "EntryDown")
# Two cores that are shared may be busy for minutes; no cause of the drill does that.
OF_THE_MACHINE = {"HostCpuHigh", "ContainerCpuHigh"}
OPERATOR = "operator@sluice.example"
HOOK = f"{PROJECT}-hook"
# Prints each body that it is sent as a line.
RECEIVER = """
import http.server
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("", 8000), Hook).serve_forever()
"""


@dataclass
class Drilled:
    """What a drill printed, and the alerts that were told by mail, and to the webhook, as words."""

    printed: str
    mails: Counter[str]
    hooked: Counter[str]


@pytest.fixture(scope="module")
def hook(stage_5: None) -> Iterator[None]:
    """A receiver that Alertmanager is to tell, and stores that remember nothing."""
    must(
        "docker", "run", "--detach", "--rm", "--name", HOOK, "--network", f"{PROJECT}_back",
        "--network-alias", "hook", APP_IMAGE, "python", "-c", RECEIVER,
    )  # fmt: skip
    try:
        must("bin/compose", "rm", "--stop", "--force", "prometheus", "alertmanager")
        for store in ("prometheus-data", "alertmanager-data"):
            must("docker", "volume", "rm", f"{PROJECT}_{store}")
        must("make", "stage-5", ALERT_WEBHOOK="http://hook:8000/")
        eventually(everything_is_scraped, within_s=60, every_s=1)
        yield
    finally:
        must("docker", "rm", "--force", HOOK)
        must("make", "stage-5")


def everything_is_scraped() -> None:
    """See that Prometheus knows what the drill breaks, and finds it up."""
    found = httpx.get(f"{PROMETHEUS}/api/v1/targets?state=active", timeout=10).json()
    targets = found["data"]["activeTargets"]
    assert {target["health"] for target in targets} == {"up"}
    jobs = {target["labels"]["job"] for target in targets}
    assert jobs >= {"web", "worker", "redis", "postgres", "rabbitmq-queues", "nginx", "entry"}


@pytest.fixture(scope="module")
def drilled(hook: None) -> Drilled:
    """Run the drill once."""
    began = time.time()
    printed = must("make", "drill-alerts", within_s=400)
    return Drilled(printed, told_by_mail(began), told_to_the_hook())


def told_by_mail(since: float) -> Counter[str]:
    """Return how often the operator was told of what since a moment: "firing EntryDown" …"""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    mails = [mail for mail in mails_to(OPERATOR) if mail["time"] >= moment]
    subjects = [mail["subject"] for mail in mails]
    print(*(f"{mail['time']} {mail['subject']}" for mail in mails), sep="\n")
    return Counter(
        f"{said[1]} {said[2]}" for one in subjects if (said := re.match(r"\[(\w+)\] (\w+):", one))
    )


def told_to_the_hook() -> Counter[str]:
    """Return the same of what the receiver was sent."""
    printed = must("docker", "logs", HOOK).splitlines()
    bodies: list[dict[str, Any]] = [json.loads(line) for line in printed if line]
    return Counter(f"{body['status']} {body['groupLabels']['alertname']}" for body in bodies)


def caused(told: Counter[str]) -> dict[str, int]:
    """Leave out what the machine may add by itself."""
    return {what: n for what, n in told.items() if what.split()[1] not in OF_THE_MACHINE}


EACH_ONCE = {f"{status} {alert}": 1 for alert in FIVE for status in ("firing", "resolved")}


def test_one_cause_gives_one_mail_and_one_when_it_is_over(drilled: Drilled) -> None:
    """Broken: the operator is not told, or is told of everything that follows as well."""
    assert caused(drilled.mails) == EACH_ONCE, drilled.printed


def test_the_webhook_is_told_the_same(drilled: Drilled) -> None:
    """Broken: who set ALERT_WEBHOOK hears nothing."""
    assert caused(drilled.hooked) == EACH_ONCE


def test_the_drill_says_how_long_each_took(drilled: Drilled) -> None:
    """Broken: an alert has no times in the table."""
    for alert in FIVE:
        assert re.search(rf"^{alert} .+ \d+ s +\d+ s$", drilled.printed, re.MULTILINE), alert


def test_the_drill_repairs_what_it_broke(drilled: Drilled) -> None:
    """Broken: after the drill something still hangs, is stopped, stands still or is dead."""
    is_whole()
    with httpx.Client(timeout=20) as visitor:
        answer = visitor.get(f"{PROMETHEUS}/api/v1/alerts").json()
    firing = {one["labels"]["alertname"] for one in answer["data"]["alerts"]}
    assert not firing & set(FIVE), drilled.printed


def test_a_drill_that_is_interrupted_repairs_as_well(hook: None) -> None:
    """Broken: Ctrl-C leaves the stack broken."""
    drill = subprocess.Popen(
        ["bin/drill-alerts"], cwd=ROOT, env=environment(), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip

    def all_broken() -> None:
        assert broken() == {"edge": "paused", "redis": "paused", "worker": "exited"}

    eventually(all_broken, within_s=200)  # it first waits until what was before is over
    # Only the drill's own process: in a terminal make and docker are interrupted with it.
    os.kill(drill.pid, signal.SIGINT)
    printed, _ = drill.communicate(timeout=60)
    assert drill.returncode == 1, printed
    assert "what was broken is repaired" in printed
    is_whole()


def test_the_drill_asks_for_what_it_needs(hook: None) -> None:
    """Broken: without a mail server the drill waits for ten minutes."""
    must("docker", "stop", container("mail"))
    try:
        assert "mail does not run" in complaint("make", "drill-alerts")
        assert not broken().keys() - {"mail"}
    finally:
        must("docker", "start", container("mail"))


def broken() -> dict[str, str]:
    """Return the services that do not run as they should, with their state."""
    jobs = {"migrate", "seed"}
    return {
        service: state
        for service, state in containers()
        if state != "running" and service not in jobs
    }


def is_whole() -> None:
    """Check that nothing of the drill is left."""
    assert broken() == {}
    assert sql("SELECT pg_is_wal_replay_paused()", "replica-1") == "f"
    assert must("make", "dead", "KIND=welcome_email").strip() == "welcome_email.dead: 0"
