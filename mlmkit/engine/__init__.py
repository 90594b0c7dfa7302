"""The numerics: from a `Design` to `Estimates`, in short files that follow the course's equations."""
