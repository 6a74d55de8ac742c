"""What becomes of a picture that a member uploads.

`header` looks at its first bytes inside the request; `squares` decodes it, in a process of its own.
Nothing in here knows the rest of the application, so that process starts quickly and stays small.
"""


class NotPicture(Exception):
    """These bytes are no JPEG, PNG, WebP or GIF, whatever they are called."""


class Unusable(Exception):
    """Nothing can be made of this picture, now or later; says why, for people."""
