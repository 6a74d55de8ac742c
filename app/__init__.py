"""The web application. Its files in the order in which a request meets them:

`__main__` (process, two ports) → `observe` (request id, metrics, log line) → `intake` (size and
kind of the body) → `main` (assembly and the table of calls) → `fields` (what is let in) → `users`,
`posts`, `sessions` (the calls) → `cache` → `database` → `outbox` (work that leaves the request) →
`replies` (what goes out).
"""
