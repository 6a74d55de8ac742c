"""Promises of `app/fields.py`: what is let in."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app import fields
from app.posts import NewPost
from app.users import NewMember

MEMBER: dict[str, Any] = {"email": "ann@example.com", "name": "Ann", "password": "long enough"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann@EXAMPLE.com ", "ann@example.com"),
        ("o'neil+news@mail.example", "o'neil+news@mail.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_is_kept_in_one_spelling(given: str, kept: str) -> None:
    """Broken: one person can sign up twice, as Ann@ and as ann@."""
    assert NewMember(**MEMBER | {"email": given}).email == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "a b@example.com",
        "ä@example.com",
        "a@b@c",
        "a@-b.c",
        "a@b..c",
        "a@b.c\r\nBcc: everybody@example.com",
        f"{'a' * 250}@b.cd",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """Broken: mail headers can be made by signing up, or the job fails for ever."""
    with pytest.raises(ValidationError, match="email"):
        NewMember(**MEMBER | {"email": address})


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 81, "a\nb", "a\rb", "a\0b", "a\x7fb", "a\u2028b", "\ud800", 1, None]
)
def test_a_name_is_one_line_that_can_be_stored(name: object) -> None:
    """Broken: a name breaks a mail header, or PostgreSQL refuses it and the answer is 500."""
    with pytest.raises(ValidationError, match="name"):
        NewMember(**MEMBER | {"name": name})


@pytest.mark.parametrize("name", ["Ann", "조예나", "Zoë O'Neil", "😀" * 80, "<b>&amp;"])
def test_a_name_may_be_in_any_script(name: str) -> None:
    """Broken: members cannot be called what they are called."""
    assert NewMember(**MEMBER | {"name": name}).name == name


@pytest.mark.parametrize("body", ["", " \n ", "x" * 10_001, "a\0b", "\udfff", 1, None, ["x"]])
def test_a_post_can_be_stored(body: object) -> None:
    """Broken: PostgreSQL refuses the text and the answer is 500."""
    with pytest.raises(ValidationError, match="body"):
        NewPost.model_validate({"title": "t", "body": body})


def test_a_field_that_the_api_does_not_know_is_refused() -> None:
    """Broken: a client believes that it has set something."""
    with pytest.raises(ValidationError, match="views"):
        NewPost.model_validate({"title": "t", "body": "b", "views": 1_000_000})


@pytest.mark.parametrize(
    "text", ["0", "-1", "+1", "01", "1_0", " 1", "1.0", "1e3", "abc", "", str(2**63), "9" * 5000]
)
def test_an_id_has_one_spelling_and_fits_into_bigint(text: str) -> None:
    """Broken: the same page under many addresses, or a number that PostgreSQL answers with 500."""
    with pytest.raises(ValidationError):
        TypeAdapter(fields.Id).validate_python(text)


def test_every_bigint_is_an_id() -> None:
    """Broken: the last members cannot be found."""
    assert TypeAdapter(fields.Id).validate_python(str(2**63 - 1)) == 2**63 - 1
