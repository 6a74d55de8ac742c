"""The planted bugs fit the code of today: a bug that cannot be planted proves nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.repo.test_checks import ROOT

PATCHES = sorted((ROOT / "tests/planted").glob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_can_be_planted(patch: Path) -> None:
    """Broken: the code has moved on, and nobody knows any more whether the tests would notice."""
    command = ["git", "-c", "safe.directory=*", "apply", "--check", str(patch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_names_what_catches_it_and_stands_in_the_table(patch: Path) -> None:
    """Broken: a bug is planted, and the wrong tests are asked."""
    tests = re.findall(r"^# caught by: (.+)$", patch.read_text(), re.MULTILINE)
    assert tests
    assert all((ROOT / name.partition("::")[0]).exists() for name in tests[0].split())
    assert f"`make planted BUG={patch.stem}`" in (ROOT / "docs/planted.md").read_text()
