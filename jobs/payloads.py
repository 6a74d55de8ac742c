"""What jobs are about. One class a kind and version; `PAYLOADS` is the table of contents."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

type _Text = Annotated[str, StringConstraints(min_length=1, max_length=254)]


class Payload(BaseModel):
    """What one kind of job needs to know, in one version."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    kind: ClassVar[str]
    version: ClassVar[int]


class WelcomeEmail(Payload):
    """Welcome a new member by e-mail."""

    kind = "welcome_email"
    version = 1

    email: _Text
    name: _Text


PAYLOADS: dict[tuple[str, int], type[Payload]] = {
    (payload.kind, payload.version): payload for payload in (WelcomeEmail,)
}
