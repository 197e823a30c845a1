"""The parts of a context: each module turns a situation into one or more sections."""
