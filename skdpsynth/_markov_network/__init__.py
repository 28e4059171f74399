"""Markov networks on junction trees: trees, messages, fitting, sampling."""
