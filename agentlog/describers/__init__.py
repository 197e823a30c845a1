"""One module per kind of object: each function takes `(value, look)` and returns a `Value`."""
