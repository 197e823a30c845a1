"""How lists, executions and chains look in a notebook, with the one stylesheet of everything of ours."""
