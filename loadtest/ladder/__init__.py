"""`make ladder`: the same crowd on the same data at every stage, and what each step buys.

In the order of a run: `plan` (which stage when, and how long) → `run` (one stage, once) → `stack`
(a project of its own: switch, put the data back) → `golden` (are the answers the same?) → `crowd`
(sends the crowd; inside its box `steps` climbs by `search`) → `measure` with `engine`, `statements`
and `prometheus` (what it cost). Then `figures` (medians and spreads) → `claims` (verdicts) →
`report`, `plots`, `readme`; `compare` sets two reports side by side.
"""
