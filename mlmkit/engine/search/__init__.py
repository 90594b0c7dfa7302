"""Where the criterion is lowest: starting values, the optimiser, the boundary."""
