"""From figures to the verdict: each bottleneck by its signs, and causes before what follows."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import promql_parser
import pytest

from app.settings import Settings
from doctor import relief
from doctor.cases import CASES as DRILLED
from doctor.figures import QUESTIONS, Figures
from doctor.telling import told
from doctor.verdict import CAUSES, Verdict, judge

ROOT = Path(__file__).resolve().parents[2]
Values = dict[str, dict[str, float]]

# Stage 4 with a crowd that it bears well, as measured on two cores.
HEALTHY: Values = {
    "stage": {"4": 1_795_685_161.0, "3": 1_795_685_000.0},
    "known_s": {"": 60},
    "requests": {"": 66},
    "p95": {"": 0.024},
    "request_s": {"": 0.9},
    "in_flight": {"": 1},
    "nginx": {"lb": 66.6},
    "cores": dict.fromkeys(("lb", "web", "redis", "primary", "replica-1", "mail"), 0.2),
    "cpu": {"lb": 0.05, "web": 0.4, "redis": 0.07, "primary": 0.3, "replica-1": 0.15, "mail": 0.03},
    "throttled": {"web": 0.2, "primary": 0.1},
    "memory": {"primary": 0.97, "web": 0.3},
    "host_cpu": {"": 0.7},
    "host_load": {"": 0.8},
    "host_memory": {"": 0.1},
    "disk_busy": {"": 0.2},
    "disk_queue": {"": 0.1},
    "disk_used": {"": 0.7},
    "pool_busy": {"writer": 0.1, "reader": 0.1},
    "pool_size": {"writer": 8, "reader": 8},
    "pool_waiting": {"writer": 0, "reader": 0},
    "statement_s": {"": 0.004},
    "server_s": {"": 0.001},
    "rows": {"primary": 400, "replica-1": 300},
    "scans": {"primary posts": 0, "primary alembic_version": 0.1},
    "scanned": {"primary posts": 0, "primary alembic_version": 0.1},
    "table_rows": {"primary posts": 200_000, "primary users": 20_000, "primary alembic_version": 1},
    "lag_s": {"replica-1": 1.9},
    "lag_bytes": {"replica-1": 0},
    "replica_used": {"replica-1": 1},
    "redis_used": {"": 0.03},
    "redis_max": {"": 64 * 2**20},
    "evicted": {"": 0},
    "hits": {"": 0.85},
    "request_jobs": {"welcome_email": 0.7},
    "request_job_s": {"welcome_email": 0.08},
}
SCANS: Values = {
    "scans": {"primary posts": 3, "primary users": 3},
    "scanned": {"primary posts": 600_000, "primary users": 60_000},
}
DATABASE_FULL: Values = {"cpu": {"primary": 0.97}, "throttled": {"primary": 0.9}}
POOL_FULL: Values = {
    "pool_busy": {"writer": 0.98},
    "pool_waiting": {"writer": 3},
    "pool_refused": {"writer": 2},
    "statement_s": {"": 0.4},
}
LOCKED: Values = {"lock_waiters": {"transactionid": 1, "tuple": 5}, "timeouts": {"": 2}}
QUEUE: Values = {
    "cpu": {"worker": 0.2},
    "queued": {"welcome_email": 40, "write_views": 0},
    "queue_grew": {"welcome_email": 35},
    "queue_s": {"welcome_email": 60},
    "worker_jobs": {"welcome_email": 0.3},
    "worker_job_s": {"welcome_email": 3},
}
WEB_FULL: Values = {"cpu": {"web": 0.99}, "throttled": {"web": 0.95}}
EVICTING: Values = {"redis_used": {"": 0.999}, "evicted": {"": 9}, "hits": {"": 0.3}}
REDIS_FULL: Values = {"cpu": {"redis": 0.96}, "throttled": {"redis": 0.9}}
SILENT: Values = {"cache_failures": {"": 2}, "cache_paused": {"": 0.6}}
LAGGING: Values = {
    "lag_s": {"replica-1": 60},
    "lag_bytes": {"replica-1": 3e6},
    "replica_used": {"replica-1": 0.1},
}
SLOW_MAIL: Values = {"request_job_s": {"welcome_email": 2.1}, "request_s": {"": 2.4}}
CROWD_FULL: Values = {"cpu": {"locust": 0.99}, "throttled": {"locust": 0.99}}


def with_(*changes: Values) -> Figures:
    """The healthy figures, changed."""
    values = {question: dict(answers) for question, answers in HEALTHY.items()}
    for change in changes:
        for question, answers in change.items():
            values.setdefault(question, {}).update(answers)
    return Figures(values)


def verdict_on(*changes: Values) -> Verdict:
    """What is said of the last minute."""
    return judge(with_(*changes), 60)


@pytest.mark.parametrize(
    ("changes", "part", "service"),
    [
        ([WEB_FULL], "cpu:web", "web"),
        ([DATABASE_FULL], "cpu:primary", "primary"),
        ([POOL_FULL], "pool", "web"),
        ([LOCKED], "lock", "primary"),
        ([SCANS, DATABASE_FULL], "index", "primary"),
        ([LAGGING], "replication", "replica-1"),
        ([EVICTING], "redis-memory", "redis"),
        ([REDIS_FULL], "cpu:redis", "redis"),
        ([SILENT], "redis-silent", "redis"),
        (
            [SILENT, {"cpu": {"redis": 0.77}, "throttled": {"redis": 0.6}}],
            "cpu:redis",
            "redis",
        ),
        ([SLOW_MAIL], "smtp", "mail"),
        ([QUEUE], "queue", "worker"),
        ([QUEUE, {"cpu": {"worker": 0.99}}], "cpu:worker", "worker"),
        ([{"cpu": {"primary": 0.43}, "throttled": {"primary": 0.81}}], "cpu:primary", "primary"),
        ([CROWD_FULL], "generator", "locust"),
        ([{"cpu": {"lb": 0.95}}], "cpu:lb", "lb"),
        ([{"host_cpu": {"": 0.99}, "host_load": {"": 2.5}}], "host", "the machine"),
        ([{"disk_busy": {"": 0.99}, "disk_queue": {"": 12}}], "disk", "the machine"),
        ([{"oom": {"web": 1}}], "memory:web", "web"),
        ([{"outbox_s": {"": 40}}], "outbox", "relay"),
        ([{"shed": {"": 20}}], "turned away", "web"),
    ],
)
def test_what_is_full_alone_is_named(changes: list[Values], part: str, service: str) -> None:
    """Broken: a bottleneck that has one clear sign is taken for another, or for none."""
    found = verdict_on(*changes).bottleneck
    assert found
    assert (found.part, found.service) == (part, service)
    assert found.next_step


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([POOL_FULL, DATABASE_FULL], "cpu:primary"),
        ([POOL_FULL, WEB_FULL], "cpu:web"),
        ([POOL_FULL, LOCKED], "lock"),
        ([POOL_FULL, LOCKED, DATABASE_FULL], "cpu:primary"),
        ([POOL_FULL, LOCKED, DATABASE_FULL, SCANS], "index"),
        ([POOL_FULL, SLOW_MAIL], "pool"),
        ([WEB_FULL, SLOW_MAIL], "cpu:web"),
        ([LAGGING, DATABASE_FULL], "replication"),
        ([LAGGING, {"cpu": {"replica-1": 0.97}}], "cpu:replica-1"),
        ([EVICTING, DATABASE_FULL], "redis-memory"),
        ([SILENT, REDIS_FULL, DATABASE_FULL], "cpu:redis"),
        ([WEB_FULL, {"shed": {"": 20}}], "cpu:web"),
        ([WEB_FULL, {"host_cpu": {"": 0.99}}], "cpu:web"),
        ([CROWD_FULL, WEB_FULL], "generator"),
    ],
)
def test_a_cause_comes_before_what_follows(changes: list[Values], part: str) -> None:
    """Broken: somebody enlarges a pool before a database that is at its limit."""
    found = verdict_on(*changes).bottleneck
    assert found
    assert found.part == part


def test_nothing_is_named_where_everything_has_room() -> None:
    """Broken: somebody buys a bigger box for a stack that is well."""
    verdict = verdict_on()
    assert verdict.bottleneck is None
    assert "nothing is saturated" in told(verdict, 1)


def test_nothing_is_named_without_load() -> None:
    """Broken: a stack at rest has a bottleneck."""
    verdict = judge(Figures({"known_s": {"": 60}, "cpu": {"web": 0.04}, "requests": {"": 0.1}}), 60)
    assert verdict.bottleneck is None
    assert verdict.load.startswith("no load")


def test_a_database_whose_box_is_full_of_page_cache_is_well() -> None:
    """Broken: the kernel's cache, which it gives back, is taken for a lack of memory."""
    assert HEALTHY["memory"]["primary"] > 0.95
    assert verdict_on().bottleneck is None


def test_a_replica_that_lacks_nothing_is_not_late() -> None:
    """Broken: an application without CPU looks late, and the replica is blamed."""
    assert verdict_on({"lag_s": {"replica-1": 9}}).bottleneck is None


def test_small_tables_are_read_whole_and_that_is_right() -> None:
    """Broken: an index is asked for on a table of one page."""
    scans: Values = {"scans": {"primary tags": 900}, "scanned": {"primary tags": 90_000}}
    assert verdict_on(scans, {"table_rows": {"primary tags": 100}}).bottleneck is None


@pytest.mark.parametrize(
    ("changes", "known_s", "confidence"),
    [
        ([WEB_FULL], 60, "high"),
        ([{"cpu": {"web": 0.93}}], 60, "medium"),
        ([WEB_FULL, SCANS, DATABASE_FULL], 60, "medium"),
        ([{"cpu": {"web": 0.93}}], 20, "low"),
        ([], 20, "medium"),
    ],
)
def test_each_lack_makes_it_less_sure(
    changes: list[Values], known_s: float, confidence: str
) -> None:
    """Broken: one weak sign is sold as certain."""
    verdict = verdict_on(*changes, {"known_s": {"": known_s}})
    assert verdict.confidence == confidence


def test_the_next_step_is_that_of_the_stage() -> None:
    """Broken: stage 4 is told to climb to stage 3."""
    at_1 = verdict_on(WEB_FULL, {"stage": {"1": 1_795_686_000.0}}).bottleneck
    at_4 = verdict_on(WEB_FULL).bottleneck
    assert at_1
    assert at_4
    assert "make stage-2" in at_1.next_step
    assert "make scale" in at_4.next_step


def test_the_text_says_what_a_person_needs() -> None:
    """Broken: the bottleneck without a number, or without what to do."""
    text = told(verdict_on(POOL_FULL, DATABASE_FULL), 1)
    for words in ("CPU of primary", "97% of its 0.2 core", "sure", "next step", "follows", "pool"):
        assert words in text


def test_a_program_gets_the_same() -> None:
    """Broken: the ladder writes another bottleneck than a person reads."""
    answer = verdict_on(WEB_FULL).as_json()
    assert answer["bottleneck"]["part"] == "cpu:web"
    assert answer["resources"][0]["full"] is True
    assert verdict_on().as_json()["bottleneck"] is None


def test_causes_go_in_no_circle() -> None:
    """Broken: two full resources excuse each other, and nothing is named."""
    parts = {
        finding.part
        for finding in verdict_on(QUEUE, CROWD_FULL, SILENT, SCANS, DATABASE_FULL).resources
    }
    assert len(parts) > 15
    causes = {
        part: {
            other
            for pattern, patterns in CAUSES.items()
            if fnmatchcase(part, pattern)
            for cause in patterns
            for other in parts - {part}
            if fnmatchcase(other, cause)
        }
        for part in parts
    }
    while causes:
        roots = {part for part, of in causes.items() if not of & causes.keys()}
        assert roots, causes
        causes = {part: of for part, of in causes.items() if part not in roots}


@pytest.mark.parametrize("question", QUESTIONS)
def test_prometheus_understands_each_question(question: str) -> None:
    """Broken: a figure is never known, and its rule never speaks."""
    promql_parser.parse(QUESTIONS[question].replace("WINDOW", "60s"))


def test_whatever_relief_names_is_there() -> None:
    """Broken: the next step is a command or a setting that does not exist."""
    text = (ROOT / "doctor/relief.py").read_text()
    makefile = (ROOT / "Makefile").read_text()
    known = (ROOT / "docker-compose.yml").read_text() + makefile
    for command in re.findall(r"`make ([a-z]+(?:-[0-9]+)?)", text):
        target = re.sub(r"^stage-\d$", "stage-%", command)
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), command
    for setting in re.findall(r"\b[A-Z]+_[A-Z_]+\b(?= |:|,|`|$)", relief_words()):
        assert setting in known, setting
    for runbook in re.findall(r"docs/[\w/]+\.md", text):
        assert (ROOT / runbook).exists(), runbook
    assert "in_flight_max" in Settings.model_fields


def relief_words() -> str:
    """All that relief says."""
    said = [
        value for value in vars(relief).values() if isinstance(value, str) and "{}" not in value
    ]
    boxes = [
        relief.cpu(box, stage) for box in ("web", "primary", "lb", "edge") for stage in "12345"
    ]
    return " ".join([*said, *boxes])


def test_the_drill_plants_at_least_twelve_and_rests_once() -> None:
    """Broken: the doctor is right about what nobody planted."""
    assert len([case for case in DRILLED if case.named]) >= 12
    assert [case.name for case in DRILLED if not case.named] == ["idle"]
