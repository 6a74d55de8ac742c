"""The five stages: a file of settings each, and what reads them."""
