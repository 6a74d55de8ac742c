"""Load several servers at the same time, for a few seconds: `burst SECONDS TAG SCRIPT NAME=URL …`.

Runs in the box that has wrk. Out, on standard output: how many requests each of them answered, and
how many of these went wrong, as JSON. TAG makes what is written unique (see sign_up.lua).
"""

import asyncio
import json
import re
import sys

# Nginx gives every request an id; a replica is asked as it is behind Nginx.
ID = "X-Request-Id: 0f8fad5bd9cb469fa16570867728950e"
# Enough that a server always has the next request at hand, few enough that none waits for long.
CONNECTIONS = 16


async def load(url: str, seconds: str, tag: str, script: str) -> dict[str, int]:
    """Load one server; what came of it."""
    arguments = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    arguments += ["--header", ID]
    if script:
        arguments += ["--script", script]
    process = await asyncio.create_subprocess_exec(
        "wrk", *arguments, url, "--", tag, stdout=asyncio.subprocess.PIPE
    )
    return read((await process.communicate())[0].decode())


def read(said: str) -> dict[str, int]:
    """What wrk's report says: all answers, and the ones that went wrong."""
    answered = re.search(r"(\d+) requests in", said)
    failed = re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", said)
    return {
        "answered": int(answered[1]) if answered else 0,
        "failed": sum(int(number) for number in failed),
    }


async def main(seconds: str, tag: str, script: str, *servers: str) -> None:
    """All at once, each with a tag of its own: nobody signs up twice."""
    urls = dict(server.split("=", 1) for server in servers)
    loads = (load(url, seconds, f"{tag}-{name}", script) for name, url in urls.items())
    results = await asyncio.gather(*loads)
    print(json.dumps(dict(zip(urls, results, strict=True))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
