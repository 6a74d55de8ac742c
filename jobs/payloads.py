"""What jobs are about. One class a kind and version; `PAYLOADS` is the table of contents."""

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

type _Text = Annotated[str, StringConstraints(min_length=1, max_length=254)]
type _Id = Annotated[int, Field(ge=1, lt=2**63)]

# Posts in one job: one UPDATE, and with the longest ids and counts far below `MAX_BYTES`.
VIEWS_MAX = 1000


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


class ProcessAvatar(Payload):
    """Make a member's avatar of what was uploaded: the row of `uploads` under the job's id."""

    kind = "process_avatar"
    version = 1

    member_id: _Id


class FanOutPost(Payload):
    """Notify those who follow the author, in the order of their ids: the next ones `after` this."""

    kind = "fan_out_post"
    version = 1

    post_id: _Id
    author_id: _Id
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0


class WriteViews(Payload):
    """Add views to posts: the n-th number belongs to the n-th post."""

    kind = "write_views"
    version = 1

    posts: Annotated[list[_Id], Field(min_length=1, max_length=VIEWS_MAX)]
    views: Annotated[list[_Id], Field(min_length=1, max_length=VIEWS_MAX)]

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.posts) != len(self.views) or len(set(self.posts)) != len(self.posts):
            raise ValueError("each post needs one number of views")
        return self


PAYLOADS: dict[tuple[str, int], type[Payload]] = {
    (payload.kind, payload.version): payload
    for payload in (WelcomeEmail, ProcessAvatar, FanOutPost, WriteViews)
}
