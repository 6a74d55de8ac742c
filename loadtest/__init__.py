"""The crowd: what members of a community ask of the site, and whether the answers are right.

In the order of a request: `locustfile` (Locust's users) → `members`, `visitors` (who does what)
→ `zipf` (which member, which post) → `answers` (what a right answer looks like). `target` looks
once, before the start, whether there is anything to load.
"""
