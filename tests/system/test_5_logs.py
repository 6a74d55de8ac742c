"""Logs in one place: one request's way, who waits for the log store, and what no line may say."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.drawn import drawn
from tests.system.stack import (
    ENTRY,
    PORTS,
    PROJECT,
    PROMETHEUS,
    container,
    containers,
    figure,
    must,
    run,
    sign_up,
    wait_healthy,
)
from tests.system.waiting import eventually

pytestmark = pytest.mark.usefixtures("stage_5")

STORE = f"http://127.0.0.1:{PORTS['LOGS_PORT']}"
WAY = ["edge", "lb", "web", "relay", "worker"]
numbers = itertools.count(time.time_ns())


def new_request() -> str:
    """Sign somebody up; → the id of that request, which passes every hop."""
    number = next(numbers)
    body = {
        "email": f"logs-{number}@example.com",
        "name": "Lena",
        "password": "a-long-password-of-a-test",
    }
    answer = httpx.post(f"{ENTRY}/api/users", json=body, timeout=20)
    assert answer.status_code == 201, answer.text
    return answer.headers["x-request-id"]


def told(*variables: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what `make logs` prints: the service, and what its line says."""
    done = run("make", "logs", *variables)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|", 1) for line in done.stdout.splitlines()]
    return [
        (name.strip().rpartition("-")[0], json.loads(text) if text.startswith(" {") else {})
        for name, text in lines
    ]


def way_of(request: str) -> list[str]:
    """Return the services of one request's lines, in their order, neighbours that repeat as one."""
    services = [service for service, _ in told(f"REQUEST={request}")]
    return [service for service, _ in itertools.groupby(services)]


def stored(question: str) -> list[dict[str, Any]]:
    """Ask the store itself."""
    answer = httpx.get(f"{STORE}/select/logsql/query", params={"query": question}, timeout=10)
    return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]


@pytest.fixture(scope="module")
def store(stage_5: None) -> Iterator[None]:
    """The log store beside the stack."""
    must("make", "logs-up")
    yield
    must("make", "logs-down")
    assert not [service for service, _ in containers() if service.startswith("log-")]


# --- without the store ---


def test_one_request_is_told_in_the_order_of_its_way() -> None:
    """Broken: somebody searches five logs for one slow sign-up, and guesses what came first."""
    request = new_request()
    eventually(lambda: _same(way_of(request), WAY), within_s=40, every_s=1)
    for service, said in told(f"REQUEST={request}"):
        assert said["service"] == service
        assert said["level"] == "info"
        assert said["time"].endswith("Z")
        assert service not in {"relay", "worker"} or said["job"]
        assert service in {"edge", "lb"} or said["stage"] == "5"


def test_words_and_fields_are_searched_for() -> None:
    """Broken: nothing is found without a log store, or too much."""
    request = new_request()

    def check() -> None:
        found = told(f"Q=event:job_done {request}", "SINCE=5m")
        assert [service for service, _ in found] == ["worker"]

    eventually(check, within_s=40, every_s=1)
    assert {service for service, _ in told(f"Q={request}", "SERVICE=web")} == {"web"}


@pytest.mark.parametrize(
    "variables",
    [
        ("REQUEST=; rm",),
        ("REQUEST=abc",),
        ("Q=x", "SINCE=soon"),
        ("Q=x", "SERVICE=nosuch"),
        ("Q=status:>499 | stats count()",),
        ('Q="no partner',),
        ("Q=a-word-that-nobody-says",),
    ],
)
def test_what_cannot_be_answered_gets_one_line(variables: tuple[str, ...]) -> None:
    """Broken: a traceback, or silence that looks like an answer."""
    done = run("make", "logs", *variables)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("sluice: ")]) == 1


def test_nothing_private_reaches_a_line() -> None:
    """Broken: who may read logs can log in as somebody, or knows who the members are."""
    number = next(numbers)
    email, name = f"private-{number}@example.com", f"Priva {number}"
    password = "a-long-password-of-a-test"
    member = sign_up(email, name)
    again = {"email": email, "name": name, "password": password}
    request = member.client.post("/api/users", json=again)
    assert request.status_code == 409
    wrong = {"email": email, "password": f"wrong-{password}"}
    assert member.client.post("/api/sessions", json=wrong).status_code == 401
    post = member.client.post("/api/posts", json={"title": "A post", "body": f"secret-{number}"})
    assert post.status_code == 201, post.text
    sent = member.client.put(
        "/api/users/me/avatar", content=drawn("JPEG"), headers={"content-type": "image/jpeg"}
    )
    assert sent.status_code == 202, sent.text
    eventually(lambda: _same(way_of(sent.headers["x-request-id"]), WAY), within_s=60, every_s=1)

    secrets = [email, email.replace("@", "%40"), name, password, f"secret-{number}", "$argon2"]
    secrets += [value for value in member.client.cookies.values() if len(value) > 15]
    assert len(secrets) > 6, "a session's cookie"
    for service in ("edge", "lb", "web", "primary", "rabbitmq"):
        form = "{{ range .Config.Env }}{{ println . }}{{ end }}"
        variables = must("docker", "inspect", "--format", form, container(service)).splitlines()
        pairs = [line.partition("=") for line in variables if line]
        secrets += [value for key, _, value in pairs if "KEY" in key and value]
        secrets += [value for key, _, value in pairs if "PASSWORD" in key and value != "sluice"]
    ids = must("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={PROJECT}")
    for box in ids.split():
        done = run("docker", "logs", box)
        text = done.stdout + done.stderr
        found = [secret for secret in secrets if secret in text and secret not in COMMON]
        at = [line for line in text.splitlines() if any(one in line for one in found)]
        assert not found, (box, found, at[:3])


# Passwords of this machine alone that are words of the trade as well.
COMMON = {"postgres", "monitor", "replicator"}


# --- with the store ---


def test_the_store_tells_the_same(store: None) -> None:
    """Broken: with the store running less is found than without it."""
    request = new_request()
    eventually(lambda: _same(way_of(request), WAY), within_s=60, every_s=1)
    (line,) = stored(f'request_id:="{request}" service:=web event:=request_answered')
    assert line["container"].startswith("web-")
    assert line["stage"] == "5"
    assert json.loads(line["_msg"])["status"] == 201
    question = f"Q=event:=job_done AND (request_id:={request} OR kind:=nosuch)"
    assert [service for service, _ in told(question)] == ["worker"]
    done = run("make", "logs", "Q=((")
    assert done.returncode != 0
    assert "does not understand" in done.stderr
    # Also what is no JSON is there, under its service.
    assert stored('service:=primary "database system is ready" | limit 1')


def test_nobody_waits_for_a_store_that_is_down(store: None) -> None:
    """Broken: a full disk of the log store, and no visitor is served; or its lines are gone."""
    must("docker", "stop", container("log-store"))
    try:
        requests = [new_request() for _ in range(5)]
        # The command still answers, from the engine.
        eventually(lambda: _same(way_of(requests[0]), WAY), within_s=40, every_s=1)
    finally:
        must("docker", "start", container("log-store"))
        wait_healthy("log-store")

    def all_there() -> None:
        for request in requests:
            services = {line["service"] for line in stored(f'request_id:="{request}"')}
            assert services == set(WAY)

    eventually(all_there, within_s=120, every_s=2)
    assert figure("sluice_log_lines_dropped_total", "log-exporter", output="store") == 0


def test_what_is_dropped_is_counted(store: None) -> None:
    """Broken: lines are missing, and nothing says so."""
    must("make", "logs-up", LOG_QUEUE_LINES="200", LOG_QUEUE_DISK="1m")
    must("docker", "stop", container("log-store"))
    try:
        with httpx.Client(base_url=ENTRY, timeout=20) as visitor:
            page = "/" + "x" * 400  # a long line

            def more() -> None:
                with ThreadPoolExecutor(8) as visitors:
                    list(visitors.map(lambda _: visitor.get(page), range(500)))
                assert figure("sluice_log_lines_dropped_total", "log-exporter", output="store") > 0

            eventually(more, within_s=120)
        assert figure("sluice_log_lines_waiting", "log-exporter", output="store") > 0

        def fires() -> None:
            alerts = httpx.get(f"{PROMETHEUS}/api/v1/alerts").json()["data"]["alerts"]
            assert "LogLinesDropped" in {alert["labels"]["alertname"] for alert in alerts}

        eventually(fires, within_s=60, every_s=1)
    finally:
        must("docker", "start", container("log-store"))
        wait_healthy("log-store")
        must("make", "logs-up")


def test_a_site_with_elasticsearch_gets_its_documents(store: None) -> None:
    """Broken: a site's own Kibana stays empty."""
    bulks: list[tuple[str, str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        """As much of Elasticsearch as rsyslog speaks to."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bulks.append((self.path, self.headers.get("authorization", ""), body))
            items = [{"index": {"status": 201}}] * (body.count(b"\n") // 2)
            self._say({"took": 1, "errors": False, "items": items})

        def do_GET(self) -> None:
            self._say({"version": {"number": "9.1.0"}, "tagline": "You Know, for Search"})

        def log_message(self, *_: object) -> None:
            pass

        def _say(self, words: dict[str, Any]) -> None:
            text = json.dumps(words).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    form = "{{ (index .IPAM.Config 0).Gateway }}"
    host = must("docker", "network", "inspect", "--format", form, f"{PROJECT}_back").strip()
    elk = f"http://{host}:{server.server_port}"
    try:
        must("make", "logs-up", ELK_URL=elk, ELK_USER="elastic", ELK_PASSWORD="p&w")
        request = new_request()

        def arrived() -> list[tuple[dict[str, Any], dict[str, Any]]]:
            rows = [json.loads(row) for _, _, body in bulks for row in body.splitlines()]
            pairs = list(zip(rows[::2], rows[1::2], strict=True))
            ours = [pair for pair in pairs if pair[1].get("request_id") == request]
            assert {document["service"] for _, document in ours} == set(WAY)
            return ours

        for action, document in eventually(arrived, within_s=60, every_s=1):
            assert action == {"index": {"_index": f"sluice-{document['@timestamp'][:10]}"}}
            assert json.loads(document["message"])["request_id"] == request
        login = "Basic " + base64.b64encode(b"elastic:p&w").decode()
        assert {(path, seen) for path, seen, _ in bulks} == {("/_bulk", login)}
        # `sent` is of the figures that come every five seconds.
        eventually(
            lambda: _more(figure("sluice_log_lines_sent_total", "log-exporter", output="elk"), 0),
            within_s=30,
            every_s=1,
        )
    finally:
        must("make", "logs-up")
        server.shutdown()
        server.server_close()


def test_the_store_stays_when_the_stage_changes(store: None) -> None:
    """Broken: the lines of the moment that one wants to look at are not collected."""
    must("make", "stage-4")
    try:
        running = {service for service, state in containers() if state == "running"}
        assert {"log-store", "log-collector", "log-exporter"} <= running
        assert "worker" not in running
        answer = httpx.get(f"{ENTRY}/api/users/79", timeout=20)
        request = answer.headers["x-request-id"]

        def told_with_its_stage() -> None:
            said = {line.get("stage") for line in stored(f'request_id:="{request}" service:=web')}
            assert said == {"4"}

        eventually(told_with_its_stage, within_s=60, every_s=1)
    finally:
        must("make", "stage-5")


def _same(found: list[str], wanted: list[str]) -> None:
    assert found == wanted


def _more(found: float, least: float) -> None:
    assert found > least
