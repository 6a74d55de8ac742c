"""Stand-ins match what docker-compose.yml asks for, and bin/images reads both rightly."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from images.stand_ins import external_bases, read_folders
from tests.repo.test_checks import ROOT

TABLE = yaml.safe_load((ROOT / "images/compose.yml").read_text())["services"]
DOCKERFILES = sorted((ROOT / "images").glob("*/Dockerfile"))
# cAdvisor is an older line on purpose, as its file says; MailDev comes from npm, VictoriaLogs from
# its source, both locked; rsyslog's public image is named by the month of its release.
OTHER_LINE = {"cadvisor", "maildev", "rsyslog", "victoria-logs"}


@pytest.fixture(scope="module")
def bin_images() -> ModuleType:
    """Load the program, which has no .py in its name."""
    loader = SourceFileLoader("bin_images", str(ROOT / "bin/images"))
    module = module_from_spec(
        spec_from_loader("bin_images", loader) or pytest.fail("no such program")
    )
    loader.exec_module(module)
    return module


def test_every_public_image_of_the_stack_has_a_stand_in() -> None:
    """Broken: a version was raised in one place, and without a registry the service is left out."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    public = {service["image"] for service in services.values() if "build" not in service}
    public |= external_bases((ROOT / "Dockerfile").read_text())
    assert public <= {row["image"] for row in TABLE.values()}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_a_stand_in_says_that_it_is_one(dockerfile: Path) -> None:
    """Broken: bin/images takes it for the public image and never builds it again."""
    assert re.search(r'^LABEL .*sluice\.stand-in="true"', dockerfile.read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(TABLE.keys() - OTHER_LINE - {"debian", "grafana"}))
def test_a_stand_in_checks_the_version_that_its_name_promises(name: str) -> None:
    """Broken: postgres:18.6 holds another PostgreSQL, and nothing says so."""
    tag = TABLE[name]["image"].rpartition(":")[2]
    pinned = re.findall(
        r"install-pinned \S+ (\S+)", (ROOT / "images" / name / "Dockerfile").read_text()
    )
    assert pinned
    assert tag.startswith(pinned[0])


def test_stages_of_a_dockerfile_are_not_images() -> None:
    """Broken: bin/images tries to pull a build stage."""
    text = (
        "FROM --platform=linux/amd64 a:1 AS one\nRUN x\nfrom one as two\nFROM scratch\nFROM b/c:2\n"
    )
    assert external_bases(text) == {"a:1", "b/c:2"}


@pytest.mark.parametrize(
    ("image", "mirror", "asked", "name"),
    [
        ("postgres:18.6", "", "docker.io", "docker.io/library/postgres:18.6"),
        ("prom/prometheus:v3", "", "docker.io", "docker.io/prom/prometheus:v3"),
        ("gcr.io/cadvisor/cadvisor:v0", "", "gcr.io", "gcr.io/cadvisor/cadvisor:v0"),
        ("localhost/a:1", "", "localhost", "localhost/a:1"),
        ("postgres:18.6", "m.org/hub/", "m.org/hub", "m.org/hub/library/postgres:18.6"),
        ("gcr.io/c/cadvisor:v0", "m:5000", "m:5000", "m:5000/c/cadvisor:v0"),
    ],
)  # fmt: skip
def test_a_mirror_is_asked_for_the_name_below_its_prefix(
    bin_images: ModuleType, image: str, mirror: str, asked: str, name: str
) -> None:
    """Broken: REGISTRY=… pulls nothing, or a plain name goes to the wrong registry."""
    assert bin_images.registry_and_name(image, mirror) == (asked, name)


@pytest.mark.parametrize(
    ("words", "is_only_this_image"),
    [
        ("manifest for redis:0 not found: manifest unknown", True),
        (
            "Error response from daemon: pull access denied for a, repository does not exist or",
            True,
        ),
        ("dial tcp: lookup r: no such host", False),
        ("context deadline exceeded", False),
        ("it did not answer in time", False),
    ],
)
def test_a_missing_image_does_not_condemn_its_registry(
    bin_images: ModuleType, words: str, *, is_only_this_image: bool
) -> None:
    """Broken: one unknown tag makes stand-ins of all, or a dead registry is asked every time."""
    assert bool(bin_images.NO_SUCH_IMAGE.search(words)) is is_only_this_image


def test_a_disk_nearly_full_is_said_before_it_is_full(
    bin_images: ModuleType, tmp_path: Path
) -> None:
    """Broken: builds fill the disk to the last byte, and everything on the machine fails."""
    bin_images.check_disk(tmp_path, 0)
    with pytest.raises(bin_images.Failed, match=r"\d+ MiB are free"):
        bin_images.check_disk(tmp_path, 10**9)


def folders_in(root: Path) -> dict[str, Path]:
    """Make a base, a leaf on it, and name one that has no folder."""
    (root / "base").mkdir()
    (root / "base/build").write_text("#!/bin/sh\n")
    (root / "leaf").mkdir()
    (root / "leaf/Dockerfile").write_text("FROM base:1\n")
    return {"leaf:1": root / "leaf", "base:1": root / "base", "none:1": root / "none"}


def test_a_base_is_built_before_what_stands_on_it(tmp_path: Path) -> None:
    """Broken: a build starts FROM an image that is not there. A row without folder is none."""
    assert list(read_folders(folders_in(tmp_path))) == ["base:1", "leaf:1"]


def test_a_change_below_makes_everything_above_it_new(tmp_path: Path) -> None:
    """Broken: a repaired base image never reaches those who have the old one."""
    folders = folders_in(tmp_path)
    before = read_folders(folders)
    (tmp_path / "base/build").write_text("#!/bin/bash\n")
    after = read_folders(folders)
    assert before["base:1"].source != after["base:1"].source
    assert before["leaf:1"].source != after["leaf:1"].source


def test_nothing_changed_means_nothing_new(tmp_path: Path) -> None:
    """Broken: every start builds all images again."""
    folders = folders_in(tmp_path)
    assert read_folders(folders) == read_folders(folders)
