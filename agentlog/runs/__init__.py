"""Runs against runs: their figures, what a good run is, whether later ones are worse."""
