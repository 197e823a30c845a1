"""What a secret looks like: by name, in a pair of name and value, by shape, by exact value, and across chunks of a stream."""
