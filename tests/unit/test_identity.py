"""Promises of `app/identity.py`."""

import pytest

from app import identity


@pytest.mark.parametrize(
    ("reverse_name", "name"),
    [
        ("sluice-web-1.sluice_back", "web-1"),
        ("sluice-worker-12.sluice_front", "worker-12"),
        ("my_lab-web-3.my_lab_back", "web-3"),
        ("localhost", "a1b2c3"),
        ("apptest.bridge", "a1b2c3"),
        ("other-web-1.sluice_back", "a1b2c3"),
    ],
)
def test_a_box_is_called_as_compose_calls_it(reverse_name: str, name: str) -> None:
    """Broken: `X-Served-By` names random numbers, and nobody can tell the replicas apart."""
    assert identity.short(reverse_name, "a1b2c3") == name


def test_without_a_name_server_the_host_name_must_do() -> None:
    """Broken: a process does not start because nobody knows its name."""
    assert identity.own_name()
