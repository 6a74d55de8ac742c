"""How much data, and where to: the only reader of the environment in this job."""

from collections.abc import Mapping
from dataclasses import dataclass

# Where the skew of the data still holds and one box can still load it.
MEMBERS = range(100, 1_000_001)
POSTS = range(100, 10_000_001)


class WrongSettingError(Exception):
    """A variable cannot be used. The message is one line that names it."""


@dataclass(frozen=True)
class Size:
    """What is loaded: the same three numbers give the same rows on every machine."""

    members: int
    posts: int
    seed: int

    def __str__(self) -> str:
        return f"{self.members} members, {self.posts} posts, seed {self.seed}"


@dataclass(frozen=True)
class Settings:
    """SEED_USERS, SEED_POSTS, SEED and PRIMARY_DSN, checked."""

    size: Size
    dsn: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the environment; an empty string counts as not set. Raises WrongSettingError."""
    dsn = environment.get("PRIMARY_DSN", "")
    if not dsn:
        message = "PRIMARY_DSN is not set: nowhere to load the data to."
        raise WrongSettingError(message)
    size = Size(
        members=_number(environment, "SEED_USERS", 20_000, MEMBERS),
        posts=_number(environment, "SEED_POSTS", 200_000, POSTS),
        seed=_number(environment, "SEED", 1, range(2**31)),
    )
    # SQLAlchemy's address names the driver as well, libpq's does not.
    return Settings(size, dsn.replace("postgresql+psycopg://", "postgresql://", 1))


def _number(environment: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    value = environment.get(name) or str(default)
    # isdecimal, because int() would also take "1_000", " 7 " and digits of other scripts.
    if not (value.isascii() and value.isdecimal() and int(value) in allowed):
        message = f"{name}={value!r}: give a whole number from {allowed[0]} to {allowed[-1]}."
        raise WrongSettingError(message)
    return int(value)
