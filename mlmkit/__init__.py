"""Multilevel models: a course kit. One specification, every view."""
