"""What is let in: the types of all input, with their bounds.

Everything that passes here can be stored in PostgreSQL, put into a mail header and sent back as
UTF-8, whatever it says. What does not pass is answered with 422 and the name of the field.
"""

import re
from typing import Annotated

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

_BIGINT_MAX = 2**63 - 1
_ID = re.compile(r"[1-9][0-9]{0,18}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # Unicode's Cc, Zl and Zp


def _storable(text: str) -> str:
    # PostgreSQL has no NUL in text. Lone surrogates were refused before: they are no Unicode text.
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _one_line(text: str) -> str:
    # A line break in a name would be a line of its own in the headers of the welcome mail.
    if _CONTROLS.search(text):
        raise ValueError("must be one line of visible characters")
    return text


def _digits(text: object) -> object:
    # One thing, one address: `+1`, `01` and `1_0` would be others for every cache on the way.
    if isinstance(text, str) and not _ID.fullmatch(text):
        raise ValueError("must be a number")
    return text


# The rule of <input type="email"> (HTML Living Standard, 4.10.5.1.5): what a browser accepts, the
# API accepts. Whether mail arrives only a mail can tell.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*$"

type Id = Annotated[int, Path(ge=1, le=_BIGINT_MAX), BeforeValidator(_digits)]
# The standard's own spelling (RFC 9562, 4), and no other: see `_digits`.
type JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
type RowId = Annotated[int, Field(ge=1, le=_BIGINT_MAX)]
type Limit = Annotated[int, Query(ge=1, le=100)]
type CursorText = Annotated[str | None, Query(max_length=64)]

type Email = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=_EMAIL)
]
type Line80 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_one_line),
]
type Line200 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
type Body = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000),
    AfterValidator(_storable),
]
# Long enough to be worth hashing, short enough that hashing it is not an attack.
type NewPassword = Annotated[str, Field(min_length=10, max_length=128)]
type Password = Annotated[str, Field(min_length=1, max_length=128)]


class Input(BaseModel):
    """A body of a request: no text for a number, no field that the API does not know."""

    model_config = ConfigDict(strict=True, extra="forbid")
