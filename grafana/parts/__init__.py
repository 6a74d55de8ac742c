"""The parts of the stack, a file each, in the order of a request.

`figures` are six values as they are now, top to bottom: how many run, rate, errors, duration, CPU
of the container's limit, what waits or is held. `trends` are panels over time.
"""
