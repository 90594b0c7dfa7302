"""Generalized linear models, flat and mixed."""
