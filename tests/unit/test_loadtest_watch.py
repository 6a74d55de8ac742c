"""What the generator may use is read from where the engine writes it."""

from pathlib import Path

import pytest

from loadtest.watch import cpus


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "50000 100000\n"}, 0.5),
        ({"cpu.max": "400000 100000\n"}, 1.0),  # one thread cannot use four cores
        ({"cpu.max": "max 100000\n"}, 1.0),
        ({"cpu/cpu.cfs_quota_us": "20000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_share_is_of_the_box_and_at_most_one_core(
    tmp_path: Path, files: dict[str, str], expected: float
) -> None:
    """Broken: a generator at its quota believes that it is idle."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cpus(tmp_path) == expected
