"""Evaluator for the subset of DynamoDB expressions and event filter patterns that the project uses."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Item = dict[str, Any]

_TOKEN = re.compile(r"\s*([()]|<=|>=|<>|[<>=]|:?\w+)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}


def evaluate_condition(expression: str, item: Item, values: Item) -> bool:
    """Return whether a condition expression holds for an item; an empty item represents a missing one."""
    tokens = _TOKEN.findall(expression)
    assert "".join(tokens) == re.sub(r"\s+", "", expression), f"unsupported: {expression}"
    result = _evaluate_or(tokens, item, values)
    assert not tokens, f"unsupported: {' '.join(tokens)}"
    return result


def _evaluate_or(tokens: list[str], item: Item, values: Item) -> bool:
    result = _evaluate_and(tokens, item, values)
    while tokens and tokens[0].lower() == "or":
        tokens.pop(0)
        # No short circuit: the right side must be consumed in any case.
        result = _evaluate_and(tokens, item, values) or result
    return result


def _evaluate_and(tokens: list[str], item: Item, values: Item) -> bool:
    result = _evaluate_term(tokens, item, values)
    while tokens and tokens[0].lower() == "and":
        tokens.pop(0)
        result = _evaluate_term(tokens, item, values) and result
    return result


def _evaluate_term(tokens: list[str], item: Item, values: Item) -> bool:
    token = tokens.pop(0)
    if token.lower() == "not":
        return not _evaluate_term(tokens, item, values)
    if token == "(":
        result = _evaluate_or(tokens, item, values)
        assert tokens.pop(0) == ")"
        return result
    if token in {"attribute_exists", "attribute_not_exists"}:
        opening, name, closing = (tokens.pop(0) for _ in range(3))
        assert (opening, closing) == ("(", ")")
        return (name in item) == (token == "attribute_exists")
    compare = _COMPARISONS[tokens.pop(0)]
    left, right = (_operand(name, item, values) for name in (token, tokens.pop(0)))
    return left is not None and right is not None and compare(left, right)


def _operand(name: str, item: Item, values: Item) -> Any:
    value = values[name] if name.startswith(":") else item.get(name)
    if value is None:
        return None
    [(kind, content)] = value.items()
    return Decimal(content) if kind == "N" else content


def apply_update(expression: str, item: Item, values: Item) -> Item:
    """Return the item after an update expression of the form `set a = :x, b = :y`."""
    verb, assignments = expression.split(None, 1)
    assert verb.lower() == "set", f"unsupported: {expression}"
    result = dict(item)
    for assignment in assignments.split(","):
        name, value = (part.strip() for part in assignment.split("="))
        result[name] = values[value]
    return result


def matches_pattern(pattern: Any, record: Any) -> bool:
    """Return whether an event matches a filter pattern whose leaves are lists of allowed texts."""
    if isinstance(pattern, list):
        return record in pattern
    return isinstance(record, dict) and all(
        name in record and matches_pattern(part, record[name]) for name, part in pattern.items()
    )
