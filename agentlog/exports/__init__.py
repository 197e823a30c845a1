"""What leaves the store as files, one module a format; each has

    SUFFIX: str                                       what such a file is called
    def write(selection, target, **options) -> int    writes it and returns how many rows (cells, records) it holds

All of them stream: memory does not grow with what is exported.
"""
