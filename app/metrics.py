"""All metrics of all processes, declared here and nowhere else.

Names end in their unit. Labels have few values: a route is a template (`/api/users/{user_id}`),
never a path. Durations are in seconds, sizes in numbers of things.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from app.tallies import Durations, Tally

# When a counter was made is one more series for each, and no question here asks for it.
disable_created_metrics()

# Buckets: a cached read takes under a millisecond, a client gives up after ten seconds.
_REQUEST_BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
_STATEMENT_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_JOB_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A job that meets no trouble waits milliseconds, one that fails until its last try ten minutes.
_WAIT_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)

# --- web: requests ---
http_requests = Tally("sluice_http_requests", "Requests answered.", ["method", "route", "status"])
http_request_duration = Durations(
    "sluice_http_request_duration_seconds",
    "From the first byte of a request to the last byte of its answer.",
    ["method", "route"],
    _REQUEST_BUCKETS_S,
)
http_requests_in_flight = Gauge("sluice_http_requests_in_flight", "Requests being answered now.")
http_shed = Counter(
    "sluice_http_shed_total", "Requests turned away because too many were in hand already."
)
http_exceptions = Counter(
    "sluice_http_exceptions_total", "Requests that ended in an error nobody foresaw.", ["route"]
)

# --- web: cache ---
cache_reads = Tally(
    "sluice_cache_reads",
    "Reads through the cache. result: hit, stale (served while it is loaded anew), negative (known"
    " to be absent), miss (loaded), wait (another request was loading it), fenced (just changed),"
    " bypass (the reader wrote what Redis could not be told), error (no Redis), off (no cache).",
    ["family", "result"],
)
cache_failures = Counter(
    "sluice_cache_failures_total", "Commands that Redis did not answer in time.", ["command"]
)
cache_fills = Counter(
    "sluice_cache_fills_total",
    "Values to be stored. outcome: stored (after a load), made (by the write that made it), refused"
    " (changed meanwhile), failed (no Redis).",
    ["family", "outcome"],
)
cache_refreshes = Counter(
    "sluice_cache_refreshes_total",
    "Values loaded anew before they expired. outcome: done, left (another does it), failed.",
    ["family", "outcome"],
)
cache_paused = Gauge("sluice_cache_paused", "1 while Redis is left alone after a failure.")
cache_owed_invalidations = Gauge(
    "sluice_cache_owed_invalidations", "Keys whose invalidation Redis has not taken yet."
)

# --- web, worker, relay: database ---
db_statements = Tally("sluice_db_statements", "Statements sent, by who answered.", ["role"])
db_statement_duration = Durations(
    "sluice_db_statement_duration_seconds",
    "From asking the pool for a connection to the last row.",
    ["role"],
    _STATEMENT_BUCKETS_S,
)
db_failures = Counter(
    "sluice_db_failures_total",
    "Statements that failed. reason: gone, pool, timeout.",
    ["pool", "reason"],
)
db_pool_connections = Gauge(
    "sluice_db_pool_connections", "Connections of a pool. state: in_use, idle.", ["pool", "state"]
)
db_pool_waiting = Gauge(
    "sluice_db_pool_waiting", "Requests that wait for a connection of a pool.", ["pool"]
)
db_pool_limit = Gauge("sluice_db_pool_limit", "Connections that a pool may have.", ["pool"])
db_behind = Counter(
    "sluice_db_behind_total",
    "Reads of who had just written which no replica could serve yet: the primary did.",
)
db_replica_usable = Gauge(
    "sluice_db_replica_usable", "1 while a replica answers and is not too far behind.", ["replica"]
)
db_replica_lag = Gauge(
    "sluice_db_replica_lag_seconds",
    "How long ago a replica had everything that the primary had, as this process knows.",
    ["replica"],
)

# --- web: views ---
views_counted = Counter(
    "sluice_views_counted_total", "Views. where: redis, primary, lost.", ["where"]
)
views_written = Counter("sluice_views_written_total", "Views written from Redis to the database.")

# --- jobs ---
jobs = Counter(
    "sluice_jobs_total",
    "Jobs taken in hand. outcome: done, duplicate, failed (will be tried again), dead (given up)."
    " where: request, worker.",
    ["kind", "where", "outcome"],
)
job_duration = Histogram(
    "sluice_job_duration_seconds", "Time of one try.", ["kind", "where"], buckets=_JOB_BUCKETS_S
)
job_wait = Histogram(
    "sluice_job_wait_seconds",
    "From a job's cause to the end of its first try, in the outbox and in queues: its lag.",
    ["kind"],
    buckets=_WAIT_BUCKETS_S,
)
job_deaths = Counter(
    "sluice_job_deaths_total",
    "Jobs put with the dead. reason: undecodable, unknown_kind, invalid_payload, refused (for"
    " good), tries_over.",
    ["kind", "reason"],
)
worker_connected = Gauge("sluice_worker_connected", "1 while a worker is connected to the broker.")
worker_jobs_in_hand = Gauge(
    "sluice_worker_jobs_in_hand", "Jobs that a worker has taken from the broker.", ["kind"]
)

# --- relay ---
outbox_published = Counter(
    "sluice_outbox_published_total",
    "Jobs sent to the broker. outcome: confirmed, returned (no queue), refused, unknown.",
    ["kind", "outcome"],
)
outbox_unsent = Gauge("sluice_outbox_unsent", "Jobs that wait in the outbox.")
outbox_oldest_unsent = Gauge(
    "sluice_outbox_oldest_unsent_seconds", "Age of the job that has waited longest."
)
rows_swept = Counter("sluice_rows_swept_total", "Rows that were done and old, deleted.", ["table"])
relay_conflict = Gauge(
    "sluice_relay_conflict", "1 while a queue has other arguments than the topology says."
)
relay_connected = Gauge("sluice_relay_connected", "1 while connected to database and broker.")
