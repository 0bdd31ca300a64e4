"""What the text of a lightgbm model holds, judged before lightgbm sees it.

lightgbm's compiled reader ends the whole process at a line that it did not expect, and its predictor follows the
indices of a tree without looking. So every line is one that we know, every index lies in what it points into, and each
node of a tree has one way to it. What lightgbm writes after its trees, its settings among it, is left out: they are
for training, and name files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nbmlops.core.errors import CorruptError, UnsupportedError
from nbmlops.models.formats.boosting_facts import KEY, checked
from nbmlops.models.formats.documents import bounded

__all__ = ["END", "ESTIMATORS", "screened"]

ESTIMATORS = frozenset(f"lightgbm.sklearn.{name}" for name in ("LGBMClassifier", "LGBMRanker", "LGBMRegressor"))
END = "end of trees\n"
_VERSION = "v4"
_HEAD = frozenset(
    "average_output feature_infos feature_names label_index max_feature_idx monotone_constraints num_class "
    "num_tree_per_iteration objective tree tree_sizes version".split()
)
_NODES = tuple(
    "decision_type internal_count internal_value internal_weight left_child right_child split_feature split_gain "
    "threshold".split()
)
_LEAVES = ("leaf_count", "leaf_value", "leaf_weight")
_TREE = frozenset(
    {*_NODES, *_LEAVES, "cat_boundaries", "cat_threshold", "is_linear", "num_cat", "num_leaves", "shrinkage"}
)
_WORDS = re.compile(r"[a-z0-9_]{1,30}( [a-z_0-9]{1,30}:[-+0-9.e]{1,30}| sqrt)*")
_NUMBERS = re.compile(r"[-+0-9.e ]*")
_INTEGERS = re.compile(r"[-0-9 ]*")
_LINE = re.compile(r"[ -~]*")
_MOST_COLUMNS, _MOST_CLASSES, _MOST_LEAVES = 1_000_000, 100_000, 1 << 24


def screened(content: bytes) -> dict[str, Any]:
    """Facts of a file, once all of it has been judged.

    Raises
    ------
    CorruptError
        When it is no model of lightgbm as we write it, or an index or a size in it does not hold.
    UnsupportedError
        When it needs what is not looked at here, or is of a later version.
    """
    try:
        text = bounded(content, "a model of lightgbm").decode()
        return _judged(text)
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise _broken(f"{type(error).__name__}: {str(error)[:80]}") from None


def _judged(text: str) -> dict[str, Any]:
    body, found, tail = text.partition(END)
    head, _, trees = body.partition("\n\n")
    if not found or not head.startswith("tree\n"):
        raise _broken("it has no trees")
    lines = _fields(head.split("\n"), _HEAD)
    if lines["version"] != _VERSION:
        raise UnsupportedError(
            f"the model was saved by a lightgbm that writes {lines['version'][:20]!r}; this version reads {_VERSION}",
            hint="pip install --upgrade nbmlops",
        )
    columns, groups = _head(lines)
    sizes = [int(size) for size in lines["tree_sizes"].split()]
    if len(sizes) % groups:
        raise _broken("it has another number of trees than of classes")
    at = 0
    for number, size in enumerate(sizes):
        _tree(trees[at : at + size], number, columns)
        at += size
    if at != len(trees) or not trees.isascii():
        raise _broken("its trees are of other sizes than it says")
    told, categories = _tail(tail)
    if not all(isinstance(each, list) and all(isinstance(x, str | int | float) for x in each) for each in categories):
        raise _broken("its categories are no lists of plain values")
    checked(told, ESTIMATORS, columns)
    if told["classes"] is not None and len(told["classes"]) != max(2, groups):
        raise _broken("it has other classes than it says")
    return told


def _fields(lines: list[str], known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition("=")
        if name not in known or name in found:
            raise _broken(f"it has the line {name[:30]!r}, unknown or there twice")
        found[name] = value
    return found


def _head(lines: dict[str, str]) -> tuple[int, int]:
    """How many columns it takes, and how many trees each of its iterations has."""
    columns, groups = int(lines["max_feature_idx"]) + 1, int(lines["num_tree_per_iteration"])
    if not 1 <= columns <= _MOST_COLUMNS or not 1 <= groups <= _MOST_CLASSES or int(lines["num_class"]) != groups:
        raise _broken("it has no columns, or too many classes")
    objective = lines["objective"]
    if not _WORDS.fullmatch(objective):
        raise _broken("its objective is none")
    if "num_class:" in objective and f"num_class:{groups}" not in objective.split(" "):
        raise _broken("its objective is for another number of classes")
    if objective.startswith("multiclass") != (groups > 1):
        raise _broken("its objective is for another number of classes")
    for name in ("feature_names", "feature_infos", "monotone_constraints"):
        if len(lines.get(name, " " * (columns - 1)).split(" ")) != columns or "\t" in lines.get(name, ""):
            raise _broken(f"its {name} are not one for each column")
    if lines["label_index"] != "0" or lines.get("average_output"):
        raise _broken("its head has other values")
    return columns, groups


def _tail(text: str) -> tuple[dict[str, Any], list[Any]]:
    first, second, *rest = text.split("\n")
    names = (f"{KEY}:", "pandas_categorical:")
    if rest != [""] or not first.startswith(names[0]) or not second.startswith(names[1]):
        raise _broken("something else follows its trees")
    told, categories = json.loads(first.removeprefix(names[0])), json.loads(second.removeprefix(names[1]))
    if not isinstance(told, dict) or not isinstance(categories, list):
        raise _broken("its categories are no list")
    return told, categories


def _tree(text: str, number: int, columns: int) -> None:
    first, *lines = text.split("\n")
    if first != f"Tree={number}" or lines[-3:] != ["", "", ""] or not all(map(_LINE.fullmatch, lines)):
        raise _broken("a tree does not begin and end where it should")
    if "is_linear=1" in lines:
        raise UnsupportedError(
            "the model has linear trees, which nbmlops does not look into", hint="fit it with linear_tree=False"
        )
    fields = _fields(lines[:-3], _TREE)
    if fields["is_linear"] != "0":
        raise _broken("a tree is of no known kind")
    leaves, categories = int(fields["num_leaves"]), int(fields["num_cat"])
    if not 1 <= leaves <= _MOST_LEAVES or categories < 0:
        raise _broken("a tree has no leaves")
    _numbers(fields["shrinkage"], 1)
    for name in _NODES:
        whole = name in {"decision_type", "left_child", "right_child", "split_feature"}
        (_integers if whole else _numbers)(fields[name], leaves - 1)
    for name in _LEAVES:
        # A tree of one leaf leaves out what it weighs.
        _numbers(fields[name], leaves if leaves > 1 or fields[name] else 0)
    if leaves == 1 and not fields["leaf_value"]:
        raise _broken("a tree has no leaves")
    if leaves > 1:
        _nodes(fields, leaves, columns, list(_categories(fields, categories)))
    elif categories:
        raise _broken("a tree asks for categories nowhere")


def _nodes(fields: dict[str, str], leaves: int, columns: int, categories: list[int]) -> None:
    import numpy as np

    feature = _integers(fields["split_feature"], leaves - 1)
    if (feature < 0).any() or (feature >= columns).any():
        raise _broken("a tree asks for a column that is not there")
    left, right = (_integers(fields[name], leaves - 1) for name in ("left_child", "right_child"))
    children = np.concatenate([left, right])
    # Each inner node but the first, and each leaf (written as its complement), is the child of one node before it.
    if not np.array_equal(np.sort(children), np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])):
        raise _broken("its nodes are no tree")
    inner = children >= 0
    if (children[inner] <= np.tile(np.arange(leaves - 1), 2)[inner]).any():
        raise _broken("a child is not behind its parent in a tree")
    kind = _integers(fields["decision_type"], leaves - 1)
    if (kind < 0).any() or (kind > 15).any():
        raise _broken("a tree decides in an unknown way")
    asked = _numbers(fields["threshold"], leaves - 1)[(kind & 1) == 1]
    if not np.isin(asked, np.arange(len(categories))).all():
        raise _broken("a tree asks for categories that are not there")


def _categories(fields: dict[str, str], count: int) -> Iterator[int]:
    """Sizes of the sets of categories of a tree."""
    if not count:
        if "cat_boundaries" in fields or "cat_threshold" in fields:
            raise _broken("a tree has categories that it does not count")
        return
    bounds = _integers(fields["cat_boundaries"], count + 1)
    sizes = bounds[1:] - bounds[:-1]
    if bounds[0] != 0 or (sizes < 0).any():
        raise _broken("the categories of a tree are not one after the other")
    words = _integers(fields["cat_threshold"], int(bounds[-1]))
    if (words < 0).any() or (words >= 1 << 32).any():
        raise _broken("the categories of a tree are none")
    yield from (int(size) for size in sizes)


def _integers(text: str, count: int) -> Any:
    import numpy as np

    return np.array(_split(text, _INTEGERS, count), dtype=np.int64)


def _numbers(text: str, count: int) -> Any:
    import numpy as np

    return np.array(_split(text, _NUMBERS, count), dtype=np.float64)


def _split(text: str, kind: re.Pattern[str], count: int) -> list[str]:
    if not kind.fullmatch(text):
        raise _broken("there is something else where numbers are")
    found = text.split(" ") if text else []
    if len(found) != count:
        raise _broken("a tree has other sizes than it says")
    return found


def _broken(why: str) -> CorruptError:
    return CorruptError(f"the model's file is no model of lightgbm that nbmlops saves: {why}", hint="`ml store verify`")
