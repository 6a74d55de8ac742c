"""The log collector: its configuration, and the exporter of its figures."""
