"""agentlog for IPython, Jupyter kernels and notebooks."""
