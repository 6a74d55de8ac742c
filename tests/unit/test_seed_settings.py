"""Promises of `db/seed/settings.py`."""

import pytest

from db.seed.settings import Size, WrongSettingError, read_settings

DSN = "postgresql+psycopg://sluice:secret@primary:5432/sluice"


def test_defaults_are_the_documented_size() -> None:
    """Broken: the ladder is measured on another amount of data than the report says."""
    settings = read_settings({"PRIMARY_DSN": DSN, "SEED_USERS": "", "SEED_POSTS": ""})
    assert settings.size == Size(members=20_000, posts=200_000, seed=1)


def test_sqlalchemy_addresses_are_understood() -> None:
    """Broken: libpq does not know the scheme `postgresql+psycopg`."""
    assert read_settings({"PRIMARY_DSN": DSN}).dsn == DSN.replace("+psycopg", "")
    plain = "postgresql://sluice@primary/sluice"
    assert read_settings({"PRIMARY_DSN": plain}).dsn == plain


@pytest.mark.parametrize("name", ["SEED_USERS", "SEED_POSTS"])
@pytest.mark.parametrize(
    "value", ["many", "-5", "0", "99", "1e5", "1_000", " 500", "5٠0", "10" * 8]
)
def test_a_wrong_size_is_named_in_one_line(name: str, value: str) -> None:
    """Broken: a traceback of forty lines, or a load of another size than was meant."""
    with pytest.raises(
        WrongSettingError, match=f"^{name}=.*whole number from 100 to [0-9]+.$"
    ) as error:
        read_settings({"PRIMARY_DSN": DSN, name: value})
    assert "\n" not in str(error.value)


def test_an_address_is_needed() -> None:
    """Broken: libpq tries a socket that is not there."""
    with pytest.raises(WrongSettingError, match="PRIMARY_DSN"):
        read_settings({})
