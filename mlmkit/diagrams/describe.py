"""Models and figures in words."""
from __future__ import annotations
def network_in_words(network): return "todo"
