"""Linear models, flat and mixed."""
