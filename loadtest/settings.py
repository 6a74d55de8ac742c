"""The settings of a run, from the environment; users, rate and time are Locust's own options.

| variable | what | default |
|---|---|---|
| LOCUST_HOST | the public entry (Locust reads it) | – |
| SHAPE | steady, ramp, spike, soak, open; all: to choose in Locust's pages | as Locust does |
| SEED_USERS, SEED_POSTS | how much data there is, as given to db/seed | 20000, 200000 |
| SEED | of all dice: the same number, the same crowd | 1 |
| FACTOR | spike: by how much the crowd grows | 10 |
| ARRIVALS | open: poisson or constant | poisson |
| ROUTE | everybody asks for this path and nothing else | – |
| WRITES | the share of calls that write, at most 0.2 | 0.02 |
| NEW_BROWSERS | the share of people whose browser has none of the site's files yet | 0.1 |
| SUMMARY | json: print the counts as one line; a path: write them there | – |
"""

import os
from dataclasses import dataclass, fields
from typing import Any, Self

MOST_WRITES = 0.2  # then everybody is a member (loadtest/members.py)


@dataclass(frozen=True)
class Settings:
    """Each field is the variable of the same name, in capitals."""

    shape: str = ""
    seed_users: int = 20_000
    seed_posts: int = 200_000
    seed: int = 1
    factor: int = 10
    arrivals: str = "poisson"
    route: str = ""
    writes: float = 0.02  # where the share is from: docs/load.md
    new_browsers: float = 0.1
    summary: str = ""

    @classmethod
    def of_environment(cls) -> Self:
        """Read them; an empty variable is one that is not set.

        Raises:
            ValueError: names the variable.
        """
        given: dict[str, Any] = {}
        for field in fields(cls):
            if text := os.environ.get(field.name.upper()):
                kind: Any = field.type
                try:
                    given[field.name] = kind(text)
                except ValueError as error:
                    raise ValueError(f"{field.name.upper()}={text} is not a number") from error
        settings = cls(**given)
        if settings.arrivals not in ("poisson", "constant"):
            raise ValueError(f"ARRIVALS={settings.arrivals}: poisson or constant")
        if not 0 <= settings.writes <= MOST_WRITES:
            raise ValueError(f"WRITES={settings.writes}: a share, 0 to {MOST_WRITES}")
        return settings


SETTINGS = Settings.of_environment()
