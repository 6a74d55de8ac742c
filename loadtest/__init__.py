"""The crowd: what members of a community ask of the site, and whether the answers are right.

In the order of a request: `locustfile` (what Locust reads) → `person` (Locust's user: a browser) →
`members`, `visitors` (who does what) → `page` (the site's files, with a browser's cache), `zipf`
(which member, which post) → `answers` (what a right answer looks like).

In the order of a run: `settings` → `target` (whether there is anything to load) → `shapes` and
`curves` (how many people when), `arrivals` (open arrival) → `run`: `counted` (what came of it),
`watch` (whether the generator kept up), `told` (the last words).
"""
