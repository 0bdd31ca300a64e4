"""Rules about what a notebook calls: installs, unseeded randomness, files outside the store."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from nbmlops.pipelines.linting.finding import Spot
from nbmlops.tracking.ipython_syntax import lines_of, read_magic
from nbmlops.tracking.ml_line import MlLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell
    from nbmlops.pipelines.dotted import FullNames

__all__ = [
    "Seed",
    "calls",
    "files_versioned",
    "kept_paths",
    "no_installs",
    "randomness_seeded",
    "stem_of",
    "unseeded_calls",
]

_INSTALL = re.compile(
    r"(?:^|[\s/;&|}])(?:pip[\d.]*|conda|mamba|micromamba|apt(?:-get)?|uv(?:\s+pip)?)\s+(?:-\S+\s+)*(?:install|add)\s+"
    r"([^;&|]*)"
)
_PINNED = re.compile(r"==|@|\.whl$")
Seed = Literal["own", "numpy", "random", "random_state"]
"""What a draw takes its seed from: its first argument, a generator of the whole process, or ``random_state``."""
_SEEDS: dict[Seed, str] = {
    "own": "give it a seed: {}(0)",
    "numpy": "draw from rng = np.random.default_rng(seed), or seed at the top",
    "random": "call random.seed(seed) above it",
    "random_state": "give it random_state=0, or a parameter",
}
_NUMPY_SEEDED = frozenset({"default_rng", "RandomState", "SeedSequence", "PCG64", "MT19937", "Philox", "SFC64"})
_NUMPY_QUIET = frozenset({"seed", "Generator", "BitGenerator", "set_state", "get_state"})
_RANDOM_QUIET = frozenset({"seed", "getstate", "setstate", "SystemRandom"})
# What draws by itself. Where a draw depends on another argument, that argument and its values follow.
_DRAWS = re.compile(
    r"train_test_split|(?:Stratified|Group)?ShuffleSplit|StratifiedShuffleSplit|Repeated(?:Stratified)?KFold|"
    r"(?:RandomForest|ExtraTrees?|RandomTreesEmbedding|GradientBoosting|HistGradientBoosting|DecisionTree|Bagging|"
    r"AdaBoost|MLP|SGD)(?:Classifier|Regressor)?|RandomTreesEmbedding|IsolationForest|KMeans|MiniBatchKMeans|"
    r"BisectingKMeans|GaussianMixture|BayesianGaussianMixture|RandomizedSearchCV|HalvingRandomSearchCV|TruncatedSVD|"
    r"FastICA|NMF|MiniBatchNMF|LatentDirichletAllocation|TSNE|MDS|UMAP|RBFSampler|Nystroem|"
    r"GaussianRandomProjection|SparseRandomProjection|permutation_importance|resample|shuffle"
)
_DRAWS_IF: dict[str, tuple[str, set[object]]] = {
    "KFold": ("shuffle", {True}),
    "StratifiedKFold": ("shuffle", {True}),
    "StratifiedGroupKFold": ("shuffle", {True}),
    "LogisticRegression": ("solver", {"sag", "saga", "liblinear"}),
    "Ridge": ("solver", {"sag", "saga"}),
    "Lasso": ("selection", {"random"}),
    "ElasticNet": ("selection", {"random"}),
    "SVC": ("probability", {True}),
    "PCA": ("svd_solver", {"randomized", "arpack"}),
}
_READS = re.compile(
    r"(?:pandas|polars|pyarrow\.\w+|geopandas|dask\.dataframe)\.(?:read|scan)_\w+|(?:joblib|pickle|cloudpickle|dill)\.load|"
    r"numpy\.(?:load|loadtxt|genfromtxt|fromfile)|torch\.load"
)
_WRITES = re.compile(
    r"(?:joblib|pickle|cloudpickle|dill|skops\.io)\.dump|numpy\.(?:save|savez|savez_compressed|savetxt)|torch\.save|"
    r"pyarrow\.parquet\.write_table"
)
_FRAME_WRITES = re.compile(
    r"to_(?:csv|parquet|pickle|feather|excel|hdf|json|orc|stata|xml)|(?:write|sink)_(?:csv|parquet|ipc|json|ndjson|excel|avro)"
)
_MODEL_WRITERS = ("joblib.", "pickle.", "cloudpickle.", "dill.", "skops.", "torch.")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def no_installs(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    """Find packages that a notebook installs into its own kernel."""
    for cell in cells:
        for call in calls(cell.tree):
            for line, text in enumerate(_commands(call), start=call.lineno):
                if wanted := _INSTALL.search(text):
                    named = [word for word in wanted[1].split() if not word.startswith("-")]
                    listed = bool({"-r", "--requirement"} & set(wanted[1].split()))
                    pinned = bool(named) and not listed and all(map(_PINNED.search, named))
                    message = f"`{text.strip()[:60]}` installs packages when the notebook runs"
                    fix = "put the packages, with their versions, in pyproject.toml and take the line out"
                    yield Spot("install", cell.number, line, message, fix, "warning" if pinned else None)


def calls(tree: ast.Module) -> list[ast.Call]:
    """List the calls in a cell, in the order of the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _commands(call: ast.Call) -> list[str]:
    """List the command lines that a call runs, from its own line on."""
    if magic := read_magic(call):
        if magic.kind == "cell":
            body = _text(call.args[2]) if len(call.args) > 2 else None
            return ["", *lines_of(body or "")] if magic.name in {"bash", "sh", "!"} else []
        return [f"{magic.name} {magic.text}"] if magic.name in {"pip", "conda", "mamba", "uv", ""} else []
    callee = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if callee in {"system", "run", "call", "check_call", "check_output", "Popen"} and call.args:
        parts = call.args[0].elts if isinstance(call.args[0], ast.List | ast.Tuple) else [call.args[0]]
        return [" ".join(filter(None, map(_text, parts)))]
    return []


def randomness_seeded(cells: Sequence[CodeCell], names: FullNames) -> Iterator[Spot]:
    """Find draws from numpy, `random` and scikit-learn that no seed governs."""
    for cell, call, seed in unseeded_calls(cells, names):
        shown = ast.unparse(call.func)
        fix = _SEEDS[seed].format(shown.rpartition(".")[2])
        yield Spot("unseeded", cell.number, call.lineno, f"`{shown}` draws at random and has no seed", fix)


def unseeded_calls(cells: Sequence[CodeCell], names: FullNames) -> Iterator[tuple[CodeCell, ast.Call, Seed]]:
    """Yield calls that draw without a seed, and which seed each of them takes."""
    numpy_seeded = random_seeded = False
    for cell in cells:
        for call in calls(cell.tree):
            full = names.of(call.func) or ""
            numpy_seeded |= full == "numpy.random.seed" and bool(call.args or call.keywords)
            random_seeded |= full == "random.seed" and bool(call.args or call.keywords)
            root, _, last = full.rpartition(".")
            seed: Seed
            if root == "numpy.random" and last in _NUMPY_SEEDED:
                bad, seed = not _given(call, "seed", "entropy"), "own"
            elif root == "numpy.random" and last not in _NUMPY_QUIET:
                bad, seed = not numpy_seeded, "numpy"
            elif root == "random" and last == "Random":
                bad, seed = not _given(call, "x"), "own"
            elif root == "random" and last not in _RANDOM_QUIET:
                bad, seed = not random_seeded, "random"
            else:
                bad, seed = not numpy_seeded and _draws(call, full) and not _random_state(call), "random_state"
            if bad:
                yield cell, call, seed


def _draws(call: ast.Call, full: str) -> bool:
    last = full.rpartition(".")[2]
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if full.startswith("sklearn.") or last == "UMAP":
        if last == "train_test_split" and getattr(keywords.get("shuffle"), "value", True) is False:
            return False
        if condition := _DRAWS_IF.get(last):
            name, values = condition
            return getattr(keywords.get(name), "value", None) in values
        return full.startswith("sklearn.datasets.make_") or _DRAWS.fullmatch(last) is not None
    if full.startswith("scipy.stats."):
        return last == "rvs"
    # DataFrame.sample: the two keywords tell it from other methods of that name.
    return not full and getattr(call.func, "attr", "") == "sample" and bool({"frac", "n"} & keywords.keys())


def _given(call: ast.Call, *keywords: str) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg in keywords or not keyword.arg)]
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in values)


def _random_state(call: ast.Call) -> bool:
    """Whether a call has a random_state, or a `**` that may hold one."""
    states = [keyword.value for keyword in call.keywords if keyword.arg in {"random_state", "seed", None}]
    return any(not (isinstance(state, ast.Constant) and state.value is None) for state in states)


def files_versioned(cells: Sequence[CodeCell], names: FullNames) -> Iterator[Spot]:
    """Find tables and models that are read from, or written to, files that the store does not know."""
    kept = set(kept_paths(cells, names))
    for cell in cells:
        for call in calls(cell.tree):
            full, attribute = names.of(call.func) or "", getattr(call.func, "attr", "")
            frame = _FRAME_WRITES.fullmatch(attribute) is not None
            # A frame is written to its first argument; a dump has its object there and the path behind.
            path = _path(call, call.args[:1] if frame or _READS.fullmatch(full) else call.args)
            if path is not None and path in kept:
                continue
            shown = ast.unparse(call.func)[-40:]
            if _READS.fullmatch(full) and path and not _URL.match(path):
                name = stem_of(path)
                fix = f'save it once, `ml.data.save("{path}", "{name}")`, then `%ml data load {name} -o {name}`'
                yield Spot("unversioned-read", cell.number, call.lineno, f"`{shown}` reads {path!r}", fix)
            elif _WRITES.fullmatch(full) or (frame and path):
                noun = "model" if full.startswith(_MODEL_WRITERS) else "data"
                message = f"`{shown}` writes {repr(path) if path else 'a file'}, which the store does not know"
                fix = f"use `%ml {noun} save VARIABLE NAME`"
                yield Spot("unversioned-write", cell.number, call.lineno, message, fix)


def kept_paths(cells: Sequence[CodeCell], names: FullNames) -> Iterator[str]:
    """Paths that the notebook hands to the store or to a run itself."""
    for cell in cells:
        for call in calls(cell.tree):
            magic = read_magic(call)
            if magic and magic.name == "ml":
                line = MlLine.parse(magic.text)
                yield from (*line.arguments, *(value for _, value in line.options))
            elif (names.of(call.func) or "").startswith("nbmlops.") or getattr(call.func, "attr", "") == "artifact":
                yield from filter(None, map(_text, ast.walk(call)))


def _path(call: ast.Call, positional: list[ast.expr]) -> str | None:
    """Give the literal path among a call's arguments, as far as it is literal."""
    named = ("path", "path_or_buf", "filepath_or_buffer", "filename", "file", "io", "source", "f")
    for value in [*positional, *(keyword.value for keyword in call.keywords if keyword.arg in named)]:
        literal = next(filter(None, map(_text, ast.walk(value))), None)
        if literal and (isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp) or _is_path_call(value)):
            return literal
    return None


def _is_path_call(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and getattr(value.func, "id", getattr(value.func, "attr", "")) in {
        "Path",
        "open",
    }


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def stem_of(path: str) -> str:
    """A name for the data in a file."""
    return re.sub(r"\W+", "_", PurePosixPath(path).stem) or "NAME"
