"""The name of this box, as people know it: `web-1`, `worker-2`.

Inside a container the host name is a random number. Docker's DNS knows better: the reverse name of
the container's own address is `PROJECT-web-1.PROJECT_network`.
"""

import socket
import subprocess

_PATIENCE_S = 1.0  # a missing name server must not hold up a start


def own_name() -> str:
    """The container's name without the project's, else the host name."""
    host = socket.gethostname()
    try:
        return short(_reverse(socket.gethostbyname(host)), host)
    except OSError, subprocess.SubprocessError:
        return host


def short(reverse_name: str, host: str) -> str:
    """`sluice-web-1.sluice_back` → `web-1`; the host name when it is not of this shape.

    `sluice-web-1-next`, which is about to take over from web-1 (bin/deploy), is web-1 already.
    """
    name, _, network = reverse_name.partition(".")
    project, underscore, _ = network.rpartition("_")
    if underscore and name.startswith(f"{project}-"):
        return name.removeprefix(f"{project}-").removesuffix("-next")
    return host


def _reverse(address: str) -> str:
    """What the name server calls an address. (gethostbyaddr would read /etc/hosts: the number.)"""
    command = ("getent", "-s", "dns", "hosts", address)
    answer = subprocess.run(  # noqa: S603 - the address is our own
        command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
    )
    return answer.stdout.split()[1]
