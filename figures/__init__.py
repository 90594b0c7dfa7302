"""The figures of the course: `python -m figures` draws them all again, `python -m figures 03` those of chapter 3."""
