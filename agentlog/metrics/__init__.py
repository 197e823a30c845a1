"""Figures for operators: counted from the journal, read by Prometheus, watched by alerts."""
