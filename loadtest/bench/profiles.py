"""What is measured: which request, on which services at once, and how dear it may be."""

from __future__ import annotations

from dataclasses import dataclass, field

HIT = "cache;desc=hit"


@dataclass(frozen=True)
class Goal:
    """In the median of all rounds, `service` costs so many times as much as `than`."""

    service: str
    than: str
    at_least: float = 0.0
    at_most: float = float("inf")

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least else f"≤ {self.at_most:g}"

    @property
    def is_bound(self) -> bool:
        """Whether it can be missed: else the ratio is only told."""
        return self.at_least > 0 or self.at_most < float("inf")

    def met_by(self, ratio: float) -> bool:
        """Whether a ratio is within the bounds."""
        return self.at_least <= ratio <= self.at_most


@dataclass(frozen=True)
class Profile:
    """One request. `services` answer it at the same time; `web` is what ships."""

    name: str
    title: str
    path: str
    services: tuple[str, ...]
    goals: tuple[Goal, ...]
    # What the application is started with, other than stage 5's settings.
    settings: dict[str, str] = field(default_factory=dict)
    # What Server-Timing must say, else something else would be measured.
    timing: str = HIT
    # Makes each request another one (wrk's own language); without it all are the same GET.
    script: str = ""
    # The threads of the application whose time is left out, by the beginning of their name.
    uncounted: str = ""
    # Not measured unless it is asked for.
    is_extra: bool = False


CACHED_GOALS = (
    Goal("web", "limit", at_most=4.5),
    Goal("baseline", "web", at_least=4.5),
    Goal("lean", "web"),
)

# What was there before each of the steps that made a cached read cheaper (see put_back.py).
STEPS = ("redis-pool", "log-line", "middleware", "decoded", "telemetry", "plain-python")
STEPS_OF_SIGN_UP = ("executor", "no-waiting", "connection")

PROFILES = (
    Profile(
        "cached",
        "a member's profile, from Redis",
        "/api/users/1",
        ("limit", "web", "baseline", "lean"),
        CACHED_GOALS,
    ),
    Profile(
        "popular",
        "the ten most viewed posts, from Redis",
        "/api/posts/popular",
        ("limit", "web", "baseline", "lean"),
        CACHED_GOALS,
    ),
    Profile(
        "uncached",
        "a member's profile, from the database: started without CACHE_URL",
        "/api/users/1",
        ("limit", "web"),
        (Goal("web", "limit", at_most=16),),
        {"CACHE_URL": ""},
        timing="cache;desc=off",
    ),
    Profile(
        "sign-up",
        "a new member and the job that welcomes them, without the hashing of the password",
        "/api/users",
        ("limit", "web"),
        (Goal("web", "limit", at_most=16),),
        timing="db;desc=primary",
        script="/app/loadtest/bench/sign_up.lua",
        uncounted="argon2",
    ),
    Profile(
        "observing",
        "the cached profile with nothing that observes, and as it ships",
        "/api/users/1",
        ("unobserved", "web"),
        # What everything that observes may cost: 15 % of a cached read.
        (Goal("unobserved", "web", at_least=0.85),),
    ),
    Profile(
        "metrics",
        "the cached profile without metrics, and as it ships",
        "/api/users/1",
        ("unmetered", "web"),
        # What metrics may cost: 3 % of a cached read.
        (Goal("unmetered", "web", at_least=0.97),),
    ),
    Profile(
        "access-log",
        "the cached profile without the access log, and as it ships",
        "/api/users/1",
        ("unlogged", "web"),
        (Goal("unlogged", "web"),),
        is_extra=True,
    ),
    Profile(
        "steps",
        "the cached profile, each time with one step undone",
        "/api/users/1",
        (*STEPS, "web"),
        tuple(Goal(step, "web") for step in STEPS),
        is_extra=True,
    ),
    Profile(
        "sign-up-steps",
        "a new member, each time with one step undone",
        "/api/users",
        (*STEPS_OF_SIGN_UP, "web"),
        tuple(Goal(step, "web") for step in STEPS_OF_SIGN_UP),
        timing="db;desc=primary",
        script="/app/loadtest/bench/sign_up.lua",
        uncounted="argon2",
        is_extra=True,
    ),
)
