"""The steps of a diff: the two sides, their alignment, the comparisons, the first divergence, and how it is shown."""
