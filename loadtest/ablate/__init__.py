"""`make ablate-NAME`: what a single technique buys, measured with it and without it.

`techniques` is the table of all of them: which variable switches it, and what is measured. `cache`,
`database` and `proxies` know how; `lab` is the stack that they measure on, `readers` the load, and
`report` what comes of it. The results stand in docs/ablations.md.
"""
