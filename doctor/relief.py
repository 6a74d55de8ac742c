"""What relieves a resource at its limit: a stage of the ladder, or a setting; and what to expect."""

from __future__ import annotations

_WEB_1 = (
    "`make stage-2`: three replicas; up to three times as many requests, until the database is full"
)
_WEB = "`make scale WEB=6`, or a higher WEB_CPUS: requests grow with the cores until the next part is full"
_PRIMARY_READS = "`make stage-3`: two replicas take the reads, most of what the primary does; or a higher DB_CPUS"
_PRIMARY_CACHE = (
    "`make stage-4`: Redis answers most reads and gathers the views; or a higher DB_CPUS"
)
_PRIMARY = "a higher DB_CPUS, or fewer writes a request: neither replicas nor a cache take writes"
_REPLICAS = "`make stage-4`: the cache takes four of five reads off them; or a higher DB_CPUS"

# By service, then by stage ("" for all others).
_CPU = {
    "web": {"1": _WEB_1, "": _WEB},
    "primary": {"1": _PRIMARY_READS, "2": _PRIMARY_READS, "3": _PRIMARY_CACHE, "": _PRIMARY},
    "replica-1": {"3": _REPLICAS, "": "a higher DB_CPUS, or longer lives of cached values"},
    "lb": {"": "a higher LB_CPUS: Nginx needs some 0.06 ms a request; or `make stage-5`, whose edge answers much itself"},
    "edge": {"": "a higher EDGE_CPUS, or `make edge-2`: a second edge with a cache of its own"},
    "redis": {"": "a higher REDIS_CPUS: its commands run on one thread, so more than one core buys nothing"},
    "worker": {"": "`make scale WORKER=2`, or a higher WORKER_CPUS: the queues then empty as much faster"},
    "relay": {"": "a higher RELAY_CPUS: jobs then leave the outbox as they come"},
    "rabbitmq": {"": "a higher RABBITMQ_CPUS"},
    "mail": {"": "a higher MAIL_CPUS; or `make stage-5`, where nobody waits for the mail"},
}  # fmt: skip
_CPU["replica-2"] = _CPU["replica-1"]
_CPU["edge-2"] = _CPU["edge"]

GENERATOR = (
    "a higher LOCUST_CPUS, or fewer USERS: until then its times are its own, not the stack's, and"
    " say nothing"
)
HOST = "a machine with more cores, or less beside the stack: the boxes take each other's time, and no setting gives it back"
DISK = "a faster disk, or nothing else that writes: commits wait for it"
POOL = "a higher DB_POOL_SIZE (db/postgresql.conf has the arithmetic): the database has room, so waits end"
LOCK = "shorter transactions around that row, or gather its changes: `make stage-4` does so with views; more boxes change nothing"
REPLICATION = "resume or repair the replica (docs/runbooks/ReplicaLagging.md): reads then leave the primary again"
REDIS_MEMORY = "a higher REDIS_MAXMEMORY, and REDIS_MEMORY at twice that: the hit ratio rises until what is asked for fits"
REDIS_SILENT = "see docs/runbooks/CacheLeftAlone.md: until Redis answers in time, the database serves its reads"
SMTP = "`make stage-5`: the mail leaves the request, and a sign-up takes as long as its statements and its hash"
HANDS = "a higher WORKER_AT_A_TIME, or `make scale WORKER=2`: its jobs wait for others, so more of them fit beside each other"
OUTBOX = "see docs/runbooks/OutboxWaits.md: the relay does not get rid of the jobs"
TURNED_AWAY = "nothing behind it is full: the limit of requests in hand (in_flight_max, app/settings.py) is too low"
MEMORY = "a higher {}_MEMORY: at the limit the kernel ends the process"


def index(table: str) -> str:
    """Return what helps against scans of a table."""
    return (
        f"an index on {table} for the statement above (EXPLAIN in `make psql`): it then reads the rows"
        " that it returns, and the database has its CPU back"
    )


def cpu(service: str, stage: str) -> str:
    """Return what gives a box more."""
    known = _CPU.get(service, {"": f"a higher share of a core for {service} in docker-compose.yml"})
    return known.get(stage, known.get("", ""))
