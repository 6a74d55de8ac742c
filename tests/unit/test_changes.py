"""What changed last is written down so that Prometheus can read it at any time."""

from pathlib import Path

import pytest

from stages import changes

SERVICES = {
    "web": {"restart": "unless-stopped", "deploy": {"replicas": 3}},
    "redis": {"restart": "unless-stopped"},
    "locust": {"restart": "unless-stopped"},
    "migrate": {"restart": "on-failure:3"},
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the project `p`."""
    monkeypatch.setattr(changes, "FOLDER", tmp_path)
    return tmp_path / "p.prom"


def lines(file: Path) -> list[str]:
    """Its series, without the times."""
    text = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return [line.rsplit(" ", 1)[0] if "timestamp" in line else line for line in text]


def test_a_stage_forgets_what_the_one_before_had(written: Path) -> None:
    """Broken: after a move down, services of the higher stage are missed for ever."""
    changes.record("p", "stage", "5", {"redis": 1, "web": 3})
    changes.record("p", "deploy", "app:2", {})
    changes.record("p", "stage", "2", {"web": 3})
    assert lines(written) == [
        'sluice_stack_replicas{project="p",service="web"} 3',
        'sluice_stack_changed_timestamp_seconds{project="p",what="deploy",to="app:2"}',
        'sluice_stack_changed_timestamp_seconds{project="p",what="stage",to="2"}',
    ]


def test_scaling_changes_the_number_of_one_service(written: Path) -> None:
    """Broken: after `make scale WEB=2` a third replica is missed, or Redis no more."""
    changes.record("p", "stage", "5", {"redis": 1, "web": 3})
    changes.record("p", "scale", "web 2", {"web": 2})
    assert lines(written)[:2] == [
        'sluice_stack_replicas{project="p",service="redis"} 1',
        'sluice_stack_replicas{project="p",service="web"} 2',
    ]


def test_a_name_cannot_break_the_file(written: Path) -> None:
    """Broken: an image's name with a quote makes the whole file unreadable."""
    changes.record("p", "deploy", 'a"}\n', {})
    assert 'to="a___"}' in written.read_text()


def test_what_comes_and_goes_is_not_missed() -> None:
    """Broken: an alert says that the crowd, or a job that has ended, is lost."""
    found = changes.expected(SERVICES, {"web", "redis", "locust", "migrate"})
    assert found == {"web": 3, "redis": 1}
