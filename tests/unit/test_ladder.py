"""`make ladder` without a stack: a wrong knee, ratio or verdict would look like a right one."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.bench.commands import Stop
from loadtest.ladder import claims, figures, golden, readme, report
from loadtest.ladder.compare import WITHIN, compare, verdict
from loadtest.ladder.engine import Usage
from loadtest.ladder.measure import Reading, little, spent
from loadtest.ladder.plan import FULL, QUICK, Plan
from loadtest.ladder.prometheus import Prometheus, hit_ratio
from loadtest.ladder.render import main as render
from loadtest.ladder.search import Search, is_held
from loadtest.ladder.warm import fill
from loadtest.zipf import Zipf
from tests.unit import ladder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def climb(capacity: Callable[[int], bool], **settings: Any) -> tuple[Search, list[int]]:
    """Search on a server that holds what `capacity` says; return the steps as well."""
    search = Search(**({"first": 50, "factor": 1.6, "halvings": 3, "most": 2100} | settings))
    asked = []
    while (users := search.next()) is not None:
        asked.append(users)
        assert len(asked) < 30, "the search does not end"
        search.tell(held=capacity(users))
    return search, asked


@pytest.mark.parametrize("limit", [3, 51, 97, 128, 400, 1111, 2099])
def test_the_knee_is_a_number_of_users_that_was_held(limit: int) -> None:
    """Broken: the report shows a throughput that nobody was served with, or one far too low."""
    search, asked = climb(lambda users: users <= limit)
    assert search.held in asked
    assert search.held <= limit < (search.failed or 0)
    if search.held >= 50:  # else the search went down
        assert (search.failed or 0) / search.held < 1.6 ** (1 / 8) * 1.03


def test_one_failure_by_noise_does_not_end_the_ramp() -> None:
    """Broken: a hiccup of the machine at 80 users puts the knee below 80."""
    failures = iter([True])

    def hiccup(users: int) -> bool:
        return not next(failures, False) if users == 80 else users <= 400

    search, asked = climb(hiccup)
    assert asked.count(80) == 2
    assert 370 < search.held <= 400


def test_a_search_that_meets_no_failure_ends_at_the_most() -> None:
    """Broken: the ramp climbs until the generator breaks."""
    search, asked = climb(lambda _: True, most=500)
    assert search.failed is None
    assert max(asked) == search.held <= 500


def test_a_server_that_holds_nothing_has_no_knee() -> None:
    """Broken: the search goes on for ever, or calls a failed step a knee."""
    search, asked = climb(lambda _: False)
    assert search.held == 0
    assert min(asked) >= 1


@pytest.mark.parametrize(
    ("p95_ms", "failures", "requests", "held"),
    [
        (499.9, 0, 1000, True),
        (500.0, 0, 1000, False),
        (100.0, 1, 1000, False),
        (100.0, 1, 1001, True),
        (None, 0, 0, False),
    ],
)
def test_served_well_is_what_the_report_says(
    p95_ms: float | None,
    failures: int,
    requests: int,
    held: bool,  # noqa: FBT001
) -> None:
    """Broken: the knee is of another definition than the one under the table."""
    assert is_held(p95_ms, failures, requests) is held


def test_rounds_go_up_and_down() -> None:
    """Broken: a machine that slows down favours the stages that come first."""
    assert [stage for _, stage in FULL.order()] == [1, 2, 3, 4, 5, 5, 4, 3, 2, 1]
    assert {number for number, _ in QUICK.order()} == {1}


@pytest.mark.parametrize(("plan", "most_min"), [(FULL, 40), (QUICK, 10)])
def test_a_plan_fits_into_its_time(plan: Plan, most_min: int) -> None:
    """Broken: `make ladder` takes longer than the Makefile says, when stages hold what they do."""
    held = {1: 70, 2: 140, 3: 180, 4: 300, 5: 450}
    runs_s = 0
    for _, stage in plan.order():
        _, asked = climb(
            lambda users, limit=held[stage]: users <= limit,  # type: ignore[misc]
            first=plan.first, factor=plan.factor, halvings=plan.halvings, most=plan.most,
            tries=plan.tries,
        )  # fmt: skip
        ramp_s = min(len(asked) * plan.step_s, plan.ramp_within_s)
        switch_s = 38  # as measured: put back, switch, golden answers, start and end of the crowd
        switch_s += plan.fill_within_s if stage >= 4 else 0
        runs_s += switch_s + plan.warm_s + ramp_s + plan.many_s
    assert 100 + runs_s < most_min * 60


def test_a_slow_machine_shortens_the_ramps_and_not_what_stands_beside_them() -> None:
    """Broken: `make ladder` takes an hour on a slow machine, or its last stages get no ramp."""
    runs: list[dict[str, Any]] = []
    took_s = 200.0
    for number, stage in FULL.order():
        plan = FULL.bounded(took_s, runs)
        assert plan.ramp_within_s >= 4 * plan.step_s, "too few steps to find a knee"
        run = ladder.run(stage, number) | {"took_s": 120.0 + plan.ramp_within_s}
        run["ramp"]["took_s"] = plan.ramp_within_s
        took_s += run["took_s"]
        runs.append(run)
    assert FULL.bounded(200.0, []) == FULL
    assert QUICK.bounded(10_000.0, runs[:4]).ramp_within_s == 3 * QUICK.step_s, "no time is left"
    assert took_s <= FULL.within_s < 40 * 60


def test_littles_law_finds_a_crowd_that_was_not_there() -> None:
    """Broken: a step whose users had not come yet is believed."""
    assert little(ladder.step(100)) == pytest.approx(0, abs=1e-3)
    assert little(ladder.step(100) | {"users": 200}) == pytest.approx(-0.5, abs=1e-3)
    assert little(ladder.step(100) | {"acts_per_s": 0.0}) is None


def test_what_a_step_cost_is_what_grew() -> None:
    """Broken: a request is charged with what its box spent before."""
    before = Reading(Usage({"web": 1000.0}, {"web": 90.0}), {"primary": 10}, (1.0, 4.0))
    after = Reading(Usage({"web": 1500.0}, {"web": 91.0}), {"primary": 25}, (2.0, 6.0))
    cost = spent(before, after)
    assert cost["cpu_ms"] == {"web": 500.0}
    assert cost["statements"] == {"primary": 15}
    assert cost["machine_busy"] == 0.5


def test_a_database_that_did_not_answer_makes_the_count_unknown() -> None:
    """Broken: the statements of one replica are missing, and the cache seems to save them."""
    nothing = Usage({}, {})
    before = Reading(nothing, {"primary": 10, "replica-1": 5}, (1.0, 4.0))
    after = Reading(nothing, None, (2.0, 6.0))
    assert spent(before, after)["statements"] is None
    assert figures.statements_per_request(ladder.step(10, statements=None)) is None


def test_what_only_watches_is_not_charged_to_a_service() -> None:
    """Broken: the plot shows Prometheus' CPU time as the application's, or leaves it out."""
    told = figures.cpu_per_request(
        ladder.step(10, cpu_ms={"web": 300.0, "prometheus": 50.0, "cadvisor": 50.0})
    )
    assert told == {"web": 3.0, "watching": 1.0}


def test_a_read_that_nothing_was_stored_for_is_no_hit() -> None:
    """Broken: the hit ratio counts a wait for another's load, or needs no cache at all."""
    assert hit_ratio({"hit": 70, "negative": 10, "miss": 15, "wait": 5}) == 0.8
    assert hit_ratio({"off": 100}) is None


def verdicts(*runs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The claims that begin so, judged."""
    return {one["claim"].split(" (")[0]: one for one in claims.judge(runs)}


THREE = "Three replicas behind a balancer serve three times as much"


@pytest.mark.parametrize(("knee", "word"), [(279, "not met"), (280, "met"), (310, "met")])
def test_the_measured_ratio_decides(knee: int, word: str) -> None:
    """Broken: a claim is met that is not, or the other way round."""
    judged = verdicts(ladder.run(1, knee=100), ladder.run(2, knee=knee))[THREE]
    assert judged["verdict"] == word
    assert judged["measured"]["median"] == knee / 100


def test_a_claim_without_a_measurement_has_no_verdict() -> None:
    """Broken: what was not measured is called met."""
    judged = verdicts(ladder.run(1))
    assert judged[THREE]["verdict"] == "not measurable here"
    assert judged["Four reads in five end in the cache"]["measured"] is None


def test_a_crowd_that_is_turned_away_quickly_is_not_served_well() -> None:
    """Broken: stage 1 answers 503 in a millisecond, and seems to bear 1,000 users."""
    claim = "1,000 concurrent users are too many for stage 1"
    quick = ladder.step(1000, kind="many", failures=5000, late_or_failed=5000, p95_ms=9.0)
    fine = ladder.step(1000, kind="many")
    run = ladder.run(1)
    assert verdicts(run | {"steps": [*run["steps"][:-1], quick]})[claim]["verdict"] == "met"
    assert verdicts(run | {"steps": [*run["steps"][:-1], fine]})[claim]["verdict"] == "not met"


def busy_above(stage: int, knee: int) -> dict[str, Any]:
    """A run whose ramp ended because the generator was at its end."""
    run = ladder.run(stage, knee=knee)
    above = next(one for one in run["steps"] if one["users"] == knee * 2)
    above["generator"] = {"cpu_share": 0.97, "late_p95_ms": 80.0}
    return run


def test_a_knee_that_the_generator_limited_misses_no_claim() -> None:
    """Broken: the stage is blamed for what the crowd could not send."""
    short = verdicts(ladder.run(1, knee=100), busy_above(2, 200))[THREE]
    assert short["verdict"] == "not measurable here"
    assert "97%" in short["why_not"]
    far = verdicts(ladder.run(1, knee=100), busy_above(2, 300))[THREE]
    assert far["verdict"] == "met"
    assert "lower bound" in far["reading"]
    below = verdicts(busy_above(1, 100), ladder.run(2, knee=300))[THREE]
    assert below["verdict"] == "not measurable here"


def test_a_threshold_within_the_spread_is_said_so() -> None:
    """Broken: luck decides, and nobody is told."""
    runs = [ladder.run(1, r, knee=100) for r in (1, 2)]
    close = [ladder.run(2, 1, knee=270), ladder.run(2, 2, knee=330)]
    judged = verdicts(*runs, *close)[THREE]
    assert judged["verdict"] == "met"
    assert judged["within_spread"]


def test_response_times_are_compared_at_the_same_number_of_users() -> None:
    """Broken: stage 3 at its end is compared with stage 4 at rest, or the other way round."""
    slow, fast = ladder.run(3, knee=200), ladder.run(4, knee=300)
    slow["steps"][1] |= {"p50_ms": 120.0}  # at 50 users, which both held
    fast["steps"][1] |= {"p50_ms": 10.0}
    judged = verdicts(slow, fast)["With the cache, answers come in a tenth of the time"]
    assert judged["measured"]["median"] == 12.0
    assert "50 users" in judged["reading"]


def test_slow_work_in_a_request_is_found() -> None:
    """Broken: mails that are sent while a visitor waits count as left to the worker."""
    nothing = ladder.seen(jobs={}, delivered=None)
    gone = ladder.run(5, many=nothing, of_ramp={"jobs": {"worker": 9.0}})
    half = ladder.run(5, many=nothing, of_ramp={"jobs": {"worker": 9.0, "request": 9.0}})
    claim = "Slow work leaves the request"
    assert verdicts(gone)[claim]["verdict"] == "met"
    assert verdicts(half)[claim]["verdict"] == "not met"


def test_views_may_move_and_nothing_else() -> None:
    """Broken: a stage that mixes up two members passes, or one that counted a view does not."""

    def digest(body: dict[str, Any]) -> str:
        return golden.digest((200, {}, json.dumps(body).encode()))

    assert digest({"id": 1, "views": 3}) == digest({"views": 4, "id": 1})
    assert digest({"items": [{"id": 1, "views": 3}]}) == digest({"items": [{"id": 1, "views": 9}]})
    assert digest({"id": 1, "views": 3}) != digest({"id": 2, "views": 3})
    assert golden.digest((200, {}, b"{}")) != golden.digest((404, {}, b"{}"))


def test_an_answer_that_differs_at_one_stage_is_named() -> None:
    """Broken: the report says that all answers are equal, and they are not."""
    told = {"stage 1": {"/a": "x", "/b": "y"}, "stage 2": {"/a": "x", "/b": "z"}}
    found = golden.compare(told)
    assert found["different"] == {"/b": {"y": ["stage 1"], "z": ["stage 2"]}}
    missing = golden.compare({"stage 1": {"/a": "x"}, "stage 2": {}})
    assert list(missing["different"]) == ["/a"]


@pytest.mark.parametrize(
    ("times", "by_chance", "word"),
    [
        (1.3, 1.2, "better"),
        (0.7, 1.2, "worse"),
        (1.1, 1.2, "within chance"),
        (0.9, 1.2, "within chance"),
        (1.3, None, "one round: not decided"),
        (None, 1.2, "unknown"),
    ],
)
def test_a_difference_within_chance_is_none(
    times: float | None, by_chance: float | None, word: str
) -> None:
    """Broken: noise is sold as a success."""
    assert verdict(times, by_chance, higher_is_better=True) == word
    other = {"better": "worse", "worse": "better"}.get(word, word)
    assert verdict(times, by_chance, higher_is_better=False) == other


def test_what_chance_makes_is_learnt_from_the_rounds() -> None:
    """Broken: two ladders of one commit differ in every third figure; or nothing ever differs."""
    dice = Random(1)
    differ = found = 0
    for _ in range(400):
        # Five stages, two rounds, two ladders; a round is off by 10 % (one standard deviation).
        told = []
        for _ in range(10):
            rounds = [100 * exp(dice.gauss(0, 0.1)) for _ in range(2)]
            told.append(figures.spread(rounds))
        by_chance = figures.chance(told, 2)
        a, b = told[0], told[1]
        assert a
        assert b
        times = b["median"] / a["median"]
        differ += verdict(times, by_chance, higher_is_better=True) != WITHIN
        found += verdict(1.5 * times, by_chance, higher_is_better=True) == "better"
    assert differ <= 0.03 * 400
    assert found >= 0.75 * 400


def test_reports_of_different_machines_are_told_apart() -> None:
    """Broken: a new laptop is taken for a better commit."""
    a = report.complete(ladder.report())
    b = report.complete(ladder.report(machine={**a["machine"], "cores": 8}))
    assert "Not the same machine" in compare(a, b)
    assert "Not the same" not in compare(a, a)
    assert "better" not in compare(a, a)


def test_one_round_decides_nothing() -> None:
    """Broken: a single quick run is read as proof."""
    told = report.complete(ladder.report(plan={**ladder.report()["plan"], "rounds": 1}))
    assert "not decided" in compare(told, told)
    assert "**One round**" in report.markdown(told)


def test_a_page_needs_no_other_file(tmp_path: Path) -> None:
    """Broken: the page is empty, or has no pictures once it is sent to somebody."""
    report.save(ladder.report(), tmp_path, report.WHOLE)
    render(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 3
    assert "src=" not in page
    assert 'href="http' not in page
    for name in ("throughput", "cpu", "statements"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_partial_report_says_so(tmp_path: Path) -> None:
    """Broken: an interrupted ladder is taken for a whole one, or cannot be drawn at all."""
    told = ladder.report(ladder.run(1), ladder.run(2, knee=300), partial=True)
    report.save(told, tmp_path, report.PARTIAL)
    render(tmp_path)
    assert "Partial" in (tmp_path / "report.html").read_text()
    assert "**Partial**" in report.markdown(report.load(tmp_path))


def test_a_stage_that_held_nobody_is_still_reported(tmp_path: Path) -> None:
    """Broken: the report fails after forty minutes of measuring."""
    lost = ladder.run(1)
    lost["steps"] = [one | {"held": False} for one in lost["steps"]]
    lost["ramp"] |= {"held": 0, "failed": 31}
    report.save(ladder.report(lost, ladder.run(2)), tmp_path, report.WHOLE)
    render(tmp_path)
    assert "| 1 | 0 | – |" in report.markdown(report.load(tmp_path))


def test_what_the_doctor_named_is_told_with_its_evidence() -> None:
    """Broken: the report has knees and no reasons; or hides that two rounds disagree."""
    named = {
        "service": "web",
        "resource": "CPU",
        "evidence": ["98 % of its share", "throttled"],
        "next_step": "make stage-2",
    }
    verdicts = enumerate((named, None), start=1)
    runs = [ladder.run(1, number, doctor={"bottleneck": one}) for number, one in verdicts]
    told = report.bottlenecks(report.complete(ladder.report(*runs)))
    assert told[0] == (
        "- Stage 1: web: CPU (in 1 of 2 rounds); 98 % of its share, throttled. Next: make stage-2"
    )
    assert "nothing is saturated" in told[1]
    lost = report.complete(ladder.report(ladder.run(1, doctor={"error": "gone"})))
    assert "not known; gone" in report.bottlenecks(lost)[0]


def test_a_report_of_another_format_is_refused(tmp_path: Path) -> None:
    """Broken: an old report ends `make ladder-compare` with a traceback."""
    report.save(ladder.report(format=0), tmp_path, report.WHOLE)
    with pytest.raises(Stop, match="another version"):
        report.load(tmp_path)


README = f"# Sluice\n\n{readme.BEGIN}\nold\n{readme.END}\n\nThe rest.\n"


def test_the_readme_shows_a_report_and_keeps_the_rest(tmp_path: Path) -> None:
    """Broken: figures in the README are typed, or what stands around them is lost."""
    folder = tmp_path / "reports/ladder-2000"
    report.save(ladder.report(), folder, report.WHOLE)
    text = readme.written(README, folder, tmp_path)
    assert text.startswith("# Sluice\n\n")
    assert text.endswith("\n\nThe rest.\n")
    assert "(reports/ladder-2000/throughput.png)" in text
    assert readme.named(text) == "reports/ladder-2000"
    assert readme.written(text, folder, tmp_path) == text
    assert readme.disagrees(text, tmp_path) is None


def test_a_readme_with_other_figures_is_found(tmp_path: Path) -> None:
    """Broken: somebody improves a number by hand, and no test sees it."""
    folder = tmp_path / "reports/ladder-2000"
    report.save(ladder.report(), folder, report.WHOLE)
    text = readme.written(README, folder, tmp_path)
    assert readme.disagrees(text.replace("| 1 | ", "| 1 | 9"), tmp_path)
    assert readme.disagrees(README, tmp_path), "markers that show no report"
    assert readme.disagrees("# Sluice\n", tmp_path) is None, "no markers, nothing to hold"


def test_only_a_whole_ladder_is_shown(tmp_path: Path) -> None:
    """Broken: the README shows three stages of five."""
    folder = tmp_path / "reports/ladder-2000"
    report.save(ladder.report(ladder.run(1), partial=True), folder, report.PARTIAL)
    with pytest.raises(Stop, match="partial"):
        readme.written(README, folder, tmp_path)
    with pytest.raises(Stop, match="needs"):
        readme.region(f"{readme.BEGIN} and no end")


class Remembering(Prometheus):
    """Answers from a list instead of a server."""

    def __init__(self, **at: list[tuple[dict[str, str], float]]) -> None:
        self._at = at

    def _values(self, _: str, at: float) -> list[tuple[dict[str, str], float]]:
        return self._at["began" if at < 50 else "ended"]


def test_what_a_stage_before_has_counted_is_not_counted_again() -> None:
    """Broken: containers that are gone make hits negative, or add theirs to the next stage's."""
    gone = ({"instance": "old", "result": "hit"}, 1000.0)
    here, new = {"instance": "a", "result": "hit"}, {"instance": "b", "result": "miss"}
    seen = Remembering(began=[gone, (here, 10.0)], ended=[(here, 40.0), (new, 5.0)])
    assert seen.grown("reads", "result", 0, 100) == {"hit": 30.0, "miss": 5.0}
    lingers = Remembering(began=[gone], ended=[gone, (here, 40.0)])
    assert lingers.grown("reads", "result", 0, 100) == {"hit": 40.0}


def test_what_is_wanted_most_is_asked_for_once(site: tuple[int, list[str]]) -> None:
    """Broken: the cache is filled with what nobody asks for, or for longer than the plan says."""
    port, asked = site
    plan = replace(FULL, profiles=40, posts=20, pages=10, fill_within_s=30)
    assert fill(port, 1000, 2000, plan) == 70
    members, posts = Zipf(1000), Zipf(2000)
    wanted = {
        *(f"/api/users/{members.id_of(rank)}" for rank in range(1, 41)),
        *(f"/api/posts/{posts.id_of(rank)}" for rank in range(1, 21)),
        *(f"/api/users/{members.id_of(rank)}/posts" for rank in range(1, 11)),
    }
    assert sorted(asked) == sorted(wanted)
    assert fill(port, 1000, 2000, replace(plan, fill_within_s=0)) == 0


@pytest.fixture
def site() -> Iterator[tuple[int, list[str]]]:
    """A site on this machine that answers anything: its port, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], asked
        server.shutdown()
