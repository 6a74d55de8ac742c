"""The cursor of keyset pages: opaque to the caller, so that what is in it may change.

In it: the id after which (downwards) the next page begins. Pages by key cost the same however deep
they are, and no row is shown twice when new ones come in (use-the-index-luke.com/no-offset).
"""

import base64
import binascii
import struct

from app.errors import InvalidCursor

_FORMAT = struct.Struct(">Bq")  # version, id
_VERSION = 1
# Greater than every id: where the first page begins.
FIRST = 2**63 - 1


def encode(last_id: int) -> str:
    """The cursor of the page that follows a page whose last item has this id."""
    packed = _FORMAT.pack(_VERSION, last_id)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def decode(cursor: str | None) -> int:
    """The id below which the page begins; without a cursor, above all ids.

    Raises:
        InvalidCursor: `encode` did not make this.
    """
    if cursor is None:
        return FIRST
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, last_id = _FORMAT.unpack(packed)
    except (binascii.Error, struct.error, ValueError) as error:
        raise InvalidCursor from error
    if version != _VERSION or last_id < 1:
        raise InvalidCursor
    return int(last_id)
