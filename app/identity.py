"""The name of this box, as people know it: `web-1`, `worker-2`.

Inside a container the host name is a random number. Docker's DNS knows better: the reverse name of
the container's own address is `PROJECT-web-1.PROJECT_network`.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime

_PATIENCE_S = 1.0  # a missing name server must not hold up a start


def own_name() -> str:
    """The container's name without the project's, else the host name."""
    host = socket.gethostname()
    resolver = ThreadPoolExecutor(1, "own-name")
    try:
        return short(resolver.submit(_reverse, host).result(_PATIENCE_S), host)
    except OSError, NotInTime:
        return host
    finally:
        resolver.shutdown(wait=False)


def short(reverse_name: str, host: str) -> str:
    """`sluice-web-1.sluice_back` → `web-1`; the host name when it is not of this shape."""
    name, _, network = reverse_name.partition(".")
    project, underscore, _ = network.rpartition("_")
    if underscore and name.startswith(f"{project}-"):
        return name.removeprefix(f"{project}-")
    return host


def _reverse(host: str) -> str:
    return socket.gethostbyaddr(socket.gethostbyname(host))[0]
