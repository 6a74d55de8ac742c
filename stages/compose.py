"""`docker compose` with the files of one stage, and the engine's own answers.

In: the number of a stage. Out: what Compose makes of its files, and what runs of it. Whatever the
engine complains about becomes one line (Stop).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Stop(Exception):
    """The one line that the person who typed the command gets to read."""


class Compose:
    """`docker compose` with the files of one stage."""

    def __init__(self, stage: str, release: str | None = None) -> None:
        """`release` is the image that the services of ours run; without it, the one that runs."""
        local = ["--env-file", "local.env"] if (ROOT / "local.env").exists() else []
        self.arguments = [*local, "--env-file", f"stages/{stage}.env"]
        self.environment = {
            "RELEASE": running("sluice.release"),
            # Where the engine keeps what containers print: the log collector reads it.
            "ENGINE_ROOT": docker("info", "--format", "{{ .DockerRootDir }}").strip(),
            **os.environ,
        }
        if release is not None:
            self.environment["RELEASE"] = release
        # A terminal shows the progress; a log would be a hundred lines of it.
        self.progress = [] if sys.stderr.isatty() else ["--progress", "quiet"]
        if setting("MONITORING") == "off":
            profiles = env_value(ROOT / f"stages/{stage}.env", "COMPOSE_PROFILES").split(",")
            kept = [name for name in profiles if not name.endswith("monitoring")]
            self.environment["COMPOSE_PROFILES"] = ",".join(kept)
            self.environment["COUNTS_SERVER"] = ""  # nor does Nginx tell anybody what it does
        self.config: dict[str, Any] = json.loads(self.output("config", "--format", "json"))
        self.project: str = self.config["name"]
        self.services: dict[str, dict[str, Any]] = self.config["services"]

    def run(self, *arguments: str) -> bool:
        """Run with the terminal as it is, so that the progress can be read; say if it went well."""
        command = ["docker", "compose", *self.progress, *self.arguments, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=False)
        return done.returncode == 0

    def output(self, *arguments: str) -> str:
        """Return what it prints on standard output."""
        return docker("compose", *self.arguments, *arguments, environment=self.environment)

    def containers(self, form: str, *filters: str) -> list[str]:
        """Return a line for each container of the project, of whatever stage it is."""
        chosen = [f"label=com.docker.compose.project={self.project}", *filters]
        words = [word for one in chosen for word in ("--filter", one)]
        return docker("ps", "--all", *words, "--format", form).splitlines()


def docker(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Return what a docker command prints; stop with its last words when it fails."""
    command = ["docker", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Stop((done.stderr.strip() or f"docker {arguments[0]} failed").splitlines()[-1])
    return done.stdout


def project() -> str:
    """Return the project's name before Compose is asked for it."""
    return os.environ.get("COMPOSE_PROJECT_NAME") or "sluice"


def running(label: str) -> str:
    """Return what the web replicas that are there are labelled with: the memory of what runs."""
    filters = [f"--filter=label=com.docker.compose.project={project()}", f"--filter=label={label}"]
    form = f'{{{{ .Label "{label}" }}}}'
    return next(iter(docker("ps", "--all", *filters, "--format", form).splitlines()), "")


def failing_with_one_line(main: Callable[[], None]) -> None:
    """Run a command; whatever goes wrong is one clear line on standard error and exit code 1."""
    try:
        main()
    except Stop as problem:
        message = str(problem)
    except subprocess.CalledProcessError as problem:
        raise SystemExit(problem.returncode) from None
    except KeyboardInterrupt:
        message = "interrupted; run the same command again to go on"
    else:
        return
    print(f"sluice: {message}", file=sys.stderr)
    raise SystemExit(1)


def setting(name: str) -> str:
    """Return a setting of ours, which Compose does not know: the environment's, or local.env's."""
    local = ROOT / "local.env"
    return os.environ.get(name) or (env_value(local, name) if local.exists() else "")


def env_value(file: Path, name: str) -> str:
    """Return NAME of an env file; empty where it is not there."""
    match = re.search(rf"^{name}=(.*)$", file.read_text(), re.MULTILINE)
    return match[1] if match else ""
