"""Which cell is at fault: the crashed one, or an earlier one that made what it was given what it is.

The rules are tried in order; the first that decides, decides. Naming an earlier cell needs an observation: the
property that broke the call was seen to begin there. Data that was loaded as it is, is nobody's fault but the
crashed cell's.
"""

from __future__ import annotations

from agentlog.events import Failure
from agentlog.faults.called import as_called
from agentlog.faults.columns import (
    became_fractions,
    half_converted,
    mixed_columns,
    other_type,
    same_columns_twice,
    same_labels_twice,
)
from agentlog.faults.discarded import discarded
from agentlog.faults.estimators import fitted_again, unfitted
from agentlog.faults.functions import own_function
from agentlog.faults.gaps import made_gaps
from agentlog.faults.labels import left_holes, lost_label, made_without
from agentlog.faults.lengths import other_length, put_together_twice
from agentlog.faults.names import configured, folder_changed, given_word, noted, path_given, shadowed, unbound_name
from agentlog.faults.networks import built_for, made_objects, one_short, other_dtype, other_rank
from agentlog.faults.objects import (
    changed_type,
    closed,
    empty_input,
    float_for_integer,
    made_none,
    number_as_text,
    one_value,
    overwritten,
    used_up,
)
from agentlog.faults.reading import read_other_decimals, read_unsplit, read_without_header
from agentlog.faults.tables import index_order, other_features, wrong_content, wrong_dimensions
from agentlog.faults.verdict import Blame, Rule, here
from agentlog.guard import guarded
from agentlog.situation import Situation

__all__ = ["RULES", "Blame", "blame"]

SEEN: tuple[Rule, ...] = (
    shadowed, unfitted, fitted_again, made_none, overwritten, float_for_integer, lost_label, left_holes, changed_type,
    read_unsplit, read_without_header, read_other_decimals, discarded, closed, empty_input, used_up, other_dtype,
    mixed_columns, other_type, half_converted, became_fractions, number_as_text, same_columns_twice, same_labels_twice,
    put_together_twice, one_value, made_objects, made_gaps,
)  # fmt: skip
"""The property was seen to begin in a cell: they hold for what a function was given, too."""
RULES: tuple[Rule, ...] = (
    unbound_name, folder_changed, path_given, one_short, own_function, *SEEN, given_word, other_features, built_for, other_rank,
    configured, wrong_content, wrong_dimensions, other_length, index_order, made_without, noted,
)  # fmt: skip


def blame(case: Situation) -> Blame | None:
    """The cell whose change makes the failing one work; None where nothing failed in a cell. Found out once for a case."""
    if "blame" not in case.found_out:
        case.found_out["blame"] = _blamed(case)
    found: Blame | None = case.found_out["blame"]
    return found


def _blamed(case: Situation) -> Blame | None:
    if case.execution is None or case.root is None:
        return None
    given = as_called(case, case.root)
    found = _first(case, given, (*SEEN, path_given, other_length)) if given is not None else None
    if found is not None and not found.here:
        return found
    return _first(case, given or case.root, RULES) or here(case)


def _first(case: Situation, failure: Failure, rules: tuple[Rule, ...]) -> Blame | None:
    return next((found for rule in rules if (found := _asked(rule, case, failure)) is not None), None)


def _asked(rule: Rule, case: Situation, failure: Failure) -> Blame | None:
    """What the rule answers; one that fails decides nothing, and the rest of the context is there."""
    answer: Blame | None = guarded(f"cause {rule.__name__}")(rule)(case, failure)
    return answer
