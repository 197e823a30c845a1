"""Why a cell of a notebook failed when the notebook is the reason: unbound names, and what moved under the code."""
