"""Names of methods and functions by what they do to the objects they are given: change them, leave them alone, pass them on."""

from __future__ import annotations

MUTATORS = frozenset({
    "append", "extend", "insert", "remove", "pop", "clear", "update", "add", "discard", "sort", "reverse", "setdefault",
    "popitem", "appendleft", "extendleft", "popleft", "rotate", "subtract", "move_to_end", "intersection_update",
    "difference_update", "symmetric_difference_update", "fill", "put", "itemset", "resize", "setflags", "partition",
    "byteswap", "setfield", "fit", "partial_fit", "fit_transform", "set_params", "load_state_dict", "zero_grad",
    "backward", "step", "shuffle", "seed", "write", "writelines", "insert_column", "drop_in_place", "extend_constant",
})  # fmt: skip
"""Methods that change their receiver, whatever it is."""

PURE_METHODS = frozenset({
    "sum", "mean", "std", "var", "median", "min", "max", "head", "tail", "describe", "info", "copy", "index", "count",
    "keys", "values", "items", "get", "unique", "nunique", "value_counts", "groupby", "isnull", "isna", "notna",
    "notnull", "corr", "cov", "to_numpy", "tolist", "astype", "any", "all", "argmax", "argmin", "split", "join",
    "startswith", "endswith", "upper", "lower", "title", "strip", "lstrip", "rstrip", "format", "memory_usage",
    "select_dtypes", "agg", "aggregate", "nlargest", "nsmallest", "sample", "equals", "is_alive", "plot", "hist",
    "boxplot", "scatter", "show", "transpose", "reshape", "ravel", "flatten", "dot", "cumsum", "cumprod", "diff",
    "pct_change", "rolling", "merge", "to_csv", "to_json", "to_parquet", "to_dict", "to_string", "to_frame",
    "sort_values", "sort_index", "reset_index", "set_index", "dropna", "fillna", "drop", "rename", "replace", "assign",
    "melt", "pivot", "pivot_table", "query", "eval", "between", "isin", "round", "abs", "apply", "map", "applymap",
    "transform", "with_columns", "select", "filter", "predict", "predict_proba", "score", "decode",
    "encode", "splitlines", "rsplit", "find", "rfind", "isdigit", "isalpha", "group_by", "lazy", "collect", "slice",
    "quantile", "mode", "idxmax", "idxmin", "nonzero", "squeeze", "tobytes", "to_list", "union", "intersection",
    "difference", "issubset", "issuperset", "isdisjoint", "most_common", "elements", "hexdigest", "is_integer",
    "bit_length", "numpy", "item", "size", "dim", "norm", "conj", "swapaxes", "repeat", "clip", "searchsorted", "trace",
    "stack", "unstack", "explode", "add_suffix", "add_prefix", "first", "last", "nth", "cummax", "cummin", "kurt",
    "skew", "sem", "ewm", "expanding", "resample", "asfreq", "shift", "strftime", "isoformat", "timestamp",
    "total_seconds", "date", "time", "exists", "is_file", "is_dir", "as_posix", "read_text", "read_bytes", "glob",
    "get_params",
})  # fmt: skip
"""Methods that leave their receiver alone (with `inplace=True` or `out=` they do not)."""

PURE_FUNCTIONS = frozenset({
    "print", "len", "str", "repr", "type", "isinstance", "issubclass", "id", "int", "float", "bool", "abs", "sum", "min",
    "max", "range", "enumerate", "zip", "display", "tuple", "dict", "round", "any", "all", "hasattr", "callable",
    "format", "open", "hash", "ascii", "bin", "hex", "oct", "ord", "chr", "complex", "bytes", "divmod", "pow", "slice",
    "sorted", "frozenset", "set", "list", "reversed",
})  # fmt: skip
"""Builtins that do not change what they are given."""

LIBRARIES = frozenset({
    "np", "numpy", "pd", "pandas", "pl", "polars", "math", "cmath", "statistics", "json", "plt", "sns", "px", "itertools", "operator", "re",
    "os", "sys", "time", "stats", "datetime", "dt", "textwrap", "pprint", "copy", "hashlib", "string",
})  # fmt: skip
"""Modules, by the names they are imported under, whose functions leave their arguments alone, but for `LIBRARY_MUTATORS`."""

LIBRARY_MUTATORS = frozenset({
    "shuffle", "put", "place", "copyto", "putmask", "fill_diagonal", "put_along_axis", "at", "nan_to_num", "eval", "setitem", "iadd", "isub",
    "imul", "iconcat", "delitem", "next", "tee", "writelines", "dump",
})  # fmt: skip

OUT_AT = {
    **dict.fromkeys(("negative", "exp", "log", "log1p", "sqrt", "abs", "absolute", "square", "sin", "cos", "tanh", "rint", "floor", "ceil", "isnan"), 1),
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "power", "mod", "remainder", "maximum", "minimum", "dot", "matmul", "logical_and", "logical_or"), 2),
    **dict.fromkeys(("clip", "sum", "cumsum", "mean", "take"), 3),
}  # fmt: skip
"""Functions of numpy -> the place of the argument that takes the result."""

PASSING = frozenset({"max", "min", "sorted", "reversed", "enumerate", "zip", "list", "tuple", "dict"})
PASSING_METHODS = frozenset({"values", "items", "get"})
"""They leave alone what they are given, but what they return holds its parts."""

DYNAMIC = frozenset({
    "globals", "locals", "vars", "exec", "eval", "setattr", "delattr", "get_ipython", "run_line_magic", "run_cell_magic",
    "run_cell", "Thread", "Timer", "ThreadPoolExecutor", "create_task", "ensure_future", "compile", "__import__",
    "reload",
})  # fmt: skip
"""Names whose use means that any variable could change."""
