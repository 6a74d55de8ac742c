"""Nginx: its configuration, and `counts.py`, which counts what it tells of each request."""
