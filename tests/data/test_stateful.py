"""Whatever is done to a workspace in whatever order, it holds what a plain dict would."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from nbmlops.workspace import Workspace

NAMES = st.sampled_from(["flights", "wetter_ä", "x"])
# Enough rows that a table made from another is kept as a recipe.
ROWS = 12_000


def trips(seed: int, count: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "delay": np.where(generator.random(count) < 0.05, np.nan, generator.normal(10, 30, count).round()),
            "carrier": pd.Categorical(generator.choice(["UA", "AA", "DL"], count)),
            "tail": pd.Series([f"N{n}" for n in generator.integers(100, 400, count)], dtype="str"),
        }
    )


def amended(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(delay=frame.delay.where(frame.id % 997 != 5, 999.0))


def appended(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    # Of unlike categories, as a frame of one row has, pandas makes texts.
    whole = pd.concat([frame, more], ignore_index=True)
    whole = whole.assign(carrier=whole.carrier.astype("category"))
    # A truth that is missing becomes NaN among objects; a table keeps it as null, which comes back as None.
    return whole.assign(late=whole.late.where(whole.late.notna(), None)) if "late" in whole else whole


EDITS = {
    "drop": lambda frame: frame.dropna(),
    "filter": lambda frame: frame[frame.carrier != "UA"],
    "sort": lambda frame: frame.sort_values(["delay", "id"], ignore_index=True),
    "amend": amended,
    "append": lambda frame: appended(frame, trips(7, 50)),
    "column": lambda frame: frame.assign(late=frame.delay > 15),
    "fewer": lambda frame: frame.drop(columns="tail", errors="ignore"),
}


ERASED = {
    "id = 3": lambda frame: frame.id == 3,
    "id >= 100 and id < 160": lambda frame: (frame.id >= 100) & (frame.id < 160),
    "carrier = 'UA'": lambda frame: frame.carrier == "UA",
}


def cats(frame: pd.DataFrame) -> list[str]:
    return list(frame.carrier.cat.categories)


def erased(condition: str, frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Frames without some rows, and without carriers that only such rows have had."""
    holds = [ERASED[condition](frame) for frame in frames]
    gone = {"UA"} if "UA" in condition else set[str]()
    gone = gone.union(*(frame.carrier[mask] for frame, mask in zip(frames, holds, strict=True)))
    gone -= set[str]().union(*(frame.carrier[~mask] for frame, mask in zip(frames, holds, strict=True)))
    left = []
    for frame, mask in zip(frames, holds, strict=True):
        kept = frame[~mask]
        names = [one for one in cats(kept) if one not in gone]
        # Of an empty list of categories nobody can tell that it is one of texts.
        kept = kept.assign(carrier=kept.carrier.cat.set_categories(names or pd.Index([], dtype=object)))
        counted = isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1
        left.append(kept.reset_index(drop=True) if counted else kept)
    return left


@dataclass
class Kept:
    """One version, as the model knows it."""

    number: int
    digest: str
    frame: pd.DataFrame
    deleted: bool = False
    freed: bool = False
    golden: bool = False


class CtrlC(KeyboardInterrupt):
    """Ctrl-C, as a saver hears it."""


def interrupt(_: int) -> None:
    raise CtrlC


class AWorkspace(RuleBasedStateMachine):
    """A workspace beside a dict of lists of frames."""

    frames = Bundle("frames")

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory(prefix="nbmlops-stateful-")
        self.root = Path(self.place.name) / "project"
        self.remote = str(Path(self.place.name) / "remote")
        self.workspace = Workspace.init(self.root)
        self.abandoned: list[Workspace] = []
        self.known: dict[str, list[Kept]] = {}
        self.pushed: dict[tuple[str, str], pd.DataFrame] = {}
        self.digests: dict[str, pd.DataFrame] = {}

    def seen(self, name: str, *, deleted: bool = False) -> list[Kept]:
        return [kept for kept in self.known.get(name, []) if kept.deleted == deleted and not kept.freed]

    @initialize(target=frames)
    def begin(self) -> pd.DataFrame:
        return trips(0, ROWS)

    @rule(target=frames, seed=st.integers(0, 3), count=st.sampled_from([1, 3, ROWS]))
    def another(self, seed: int, count: int) -> pd.DataFrame:
        return trips(seed, count)

    @rule(target=frames, frame=frames, edit=st.sampled_from(sorted(EDITS)))
    def edited(self, frame: pd.DataFrame, edit: str) -> pd.DataFrame:
        return EDITS[edit](frame)

    @rule(name=NAMES, frame=frames)
    def save(self, name: str, frame: pd.DataFrame) -> None:
        version = self.workspace.data.save(frame, name, allow_empty=True)
        there = self.known.setdefault(name, [])
        newest = next(iter(reversed(self.seen(name))), None)
        if newest is not None and newest.digest == version.digest:
            assert version.number == newest.number
            pd.testing.assert_frame_equal(frame, newest.frame)
            return
        assert version.number == max((kept.number for kept in there), default=0) + 1
        # The digest is the identity: equal digests, equal tables.
        if (other := self.digests.setdefault(version.digest, frame)) is not frame:
            pd.testing.assert_frame_equal(frame, other)
        there.append(Kept(version.number, version.digest, frame))

    @rule(name=NAMES, seed=st.integers(100, 200))
    def save_is_interrupted(self, name: str, seed: int) -> None:
        try:
            self.workspace.data.save(trips(seed, 2_000), name, progress=interrupt)
        except CtrlC:
            return
        raise AssertionError("the interrupt was swallowed")

    @rule()
    def crash(self) -> None:
        """Nothing is closed and nothing said: the next one opens what is on the disk."""
        self.abandoned.append(self.workspace)
        self.workspace = Workspace.open(self.root)

    @rule()
    def reopen(self) -> None:
        self.workspace.close()
        self.workspace = Workspace.open(self.root)

    @precondition(lambda self: any(self.seen(name) for name in self.known))
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        name, kept = self._any(data, deleted=False)
        how = data.draw(st.sampled_from(["number", "digest", "columns", "where"]))
        service = self.workspace.data
        if how == "columns":
            loaded = service.load(f"{name}@v{kept.number}", columns=["delay", "id"])
            pd.testing.assert_frame_equal(loaded, kept.frame[["delay", "id"]])
        elif how == "where":
            loaded = service.load(f"{name}@v{kept.number}", where="id >= 100 and id < 200")
            wanted = kept.frame[(kept.frame.id >= 100) & (kept.frame.id < 200)]
            pd.testing.assert_frame_equal(loaded.reset_index(drop=True), wanted.reset_index(drop=True))
        else:
            ref = f"{name}@v{kept.number}" if how == "number" else f"{name}@{kept.digest}"
            ref = f"{name}@golden" if kept.golden else ref
            pd.testing.assert_frame_equal(service.load(ref), kept.frame)

    @precondition(lambda self: any(self.seen(name) for name in self.known))
    @rule(data=st.data())
    def diff(self, data: st.DataObject) -> None:
        (name, kept), (other, than) = self._any(data, deleted=False), self._any(data, deleted=False)
        found = self.workspace.data.diff(f"{name}@v{kept.number}", f"{other}@v{than.number}", sample=0)
        assert found.same == (kept.digest == than.digest)
        assert found.rows is not None
        assert (found.rows.before, found.rows.after) == (len(kept.frame), len(than.frame))
        if found.by == "content" and set(kept.frame) == set(than.frame):
            columns = list(kept.frame)
            rows = [set(map(repr, f[columns].itertuples(index=False, name=None))) for f in (kept.frame, than.frame)]
            # Each row has its own id, so sets count.
            assert found.rows.removed == len(rows[0] - rows[1])
            assert found.rows.added == len(rows[1] - rows[0])

    @precondition(lambda self: any(self.seen(name) for name in self.known))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name, kept = self._any(data, deleted=False)
        if kept.golden:
            with pytest.raises(RefusedError):
                self.workspace.data.delete(f"{name}@v{kept.number}", unlock=True)
            return
        self.workspace.data.delete(f"{name}@v{kept.number}", unlock=True)
        kept.deleted = True

    @precondition(lambda self: any(self.seen(name) for name in self.known))
    @rule(data=st.data())
    def alias(self, data: st.DataObject) -> None:
        name, kept = self._any(data, deleted=False)
        self.workspace.data.alias(f"{name}@v{kept.number}", "golden")
        for other in self.known[name]:
            other.golden = other is kept

    @precondition(lambda self: any(self.seen(name, deleted=True) for name in self.known))
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        name, kept = self._any(data, deleted=True)
        self.workspace.data.restore(f"{name}@v{kept.number}")
        kept.deleted = False

    @precondition(lambda self: self.known)
    @rule()
    def gc(self) -> None:
        """What was deleted goes for good; all else stays, and what crashed with something half done loses nothing."""
        # A lock that names the content of a deleted version holds that one.
        held = {one.ref for one in self.workspace.store.gc(grace="0").kept}
        for name, versions in self.known.items():
            for kept in versions:
                if kept.deleted and not kept.freed and f"{name}@v{kept.number}" not in held:
                    kept.freed = True
                    with pytest.raises(NotFoundError):
                        self.workspace.data.restore(f"{name}@v{kept.number}")
        assert self.workspace.store.verify().ok

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        if not self.seen(old) or self.known.get(new) or old == new:
            try:
                self.workspace.data.rename(old, new)
            except (ConflictError, NotFoundError, InvalidError):
                return
            raise AssertionError(f"{old} was renamed {new}")
        self.workspace.data.rename(old, new)
        self.known[new] = self.known.pop(old)

    @rule()
    def push(self) -> None:
        self.workspace.data.push(to=self.remote)
        again = self.workspace.data.push(to=self.remote)
        assert (again.chunks, again.records) == (0, 0)
        for name in self.known:
            self.pushed.update({(name, kept.digest): kept.frame for kept in self.seen(name)})

    @precondition(lambda self: self.known)
    @rule(condition=st.sampled_from(sorted(ERASED)))
    def erase(self, condition: str) -> None:
        """Rows leave every version there is, deleted ones and those on the remote too."""
        where = Path(self.place.name) / "where.txt"
        where.write_text(condition)
        remotes = [self.remote] if self.pushed else []
        done = self.workspace.data.erase(*self.known, where_file=where, yes=True, remotes=remotes)
        assert done.ok
        on_remote = {digest for _, digest in self.pushed}
        for kept in (kept for versions in self.known.values() for kept in versions):
            # What was freed here was fetched to be looked through.
            kept.freed = kept.freed and kept.digest not in on_remote
        every = [kept for versions in self.known.values() for kept in versions if not kept.freed]
        after = erased(condition, [kept.frame for kept in every])
        led = {one.before: one.after or "" for one in done.versions}
        frames = dict(zip((kept.digest for kept in every), after, strict=True))
        for kept, frame in zip(every, after, strict=True):
            assert (kept.digest in led) == (len(frame) != len(kept.frame) or set(cats(frame)) != set(cats(kept.frame)))
            kept.frame, kept.digest = frame, led.get(kept.digest, kept.digest)
        self.pushed = {(name, led.get(digest, digest)): frames[digest] for name, digest in self.pushed}
        self.digests |= {kept.digest: kept.frame for kept in every}

    @precondition(lambda self: self.pushed)
    @rule()
    def pull_elsewhere(self) -> None:
        """Another workspace has all that was ever pushed, whatever became of it here."""
        with tempfile.TemporaryDirectory(dir=self.place.name) as folder, Workspace.init(folder) as other:
            other.data.pull(from_=self.remote)
            for (name, digest), frame in self.pushed.items():
                pd.testing.assert_frame_equal(other.data.load(f"{name}@{digest}"), frame)
            again = other.data.pull(from_=self.remote)
            assert {one.state for one in again.versions} == {"here"}
            assert again.bytes_sent == 0

    @precondition(lambda self: self.pushed)
    @rule()
    def pull_here(self) -> None:
        """What is here, or was renamed, stays; what comes back is what was pushed."""
        self.workspace.data.pull(from_=self.remote)
        for name in {name for name, _ in self.pushed}:
            numbers = {kept.number: kept for kept in self.known.get(name, [])}
            for version in self.workspace.data.history(name) if self._named(name) else []:
                frame = self.pushed.get((name, version.digest))
                if version.number not in numbers and frame is not None:
                    self.known.setdefault(name, []).append(Kept(version.number or 0, version.digest, frame))
            if name in self.known:
                self.known[name].sort(key=lambda kept: kept.number)

    def _named(self, name: str) -> bool:
        return name in {version.name for version in self.workspace.data.list()}

    @invariant()
    def names_and_histories_are_the_dicts(self) -> None:
        there = {version.name: version for version in self.workspace.data.list()}
        assert there.keys() == {name for name in self.known if self.seen(name)}
        for name, version in there.items():
            kept = self.seen(name)
            assert (version.number, version.digest) == (kept[-1].number, kept[-1].digest)
            assert [one.number for one in self.workspace.data.history(name)] == [one.number for one in kept[::-1]]

    def teardown(self) -> None:
        found = self.workspace.store.verify(full=True)
        assert found.ok, found
        for name in self.known:
            for kept in self.seen(name):
                pd.testing.assert_frame_equal(self.workspace.data.load(f"{name}@v{kept.number}"), kept.frame)
        for workspace in [*self.abandoned, self.workspace]:
            workspace.close()
        self.place.cleanup()

    def _any(self, data: st.DataObject, *, deleted: bool) -> tuple[str, Kept]:
        return data.draw(
            st.sampled_from([(name, kept) for name in sorted(self.known) for kept in self.seen(name, deleted=deleted)])
        )


TestAWorkspace = AWorkspace.TestCase
# A third of the examples of other properties: each is a long story.
TestAWorkspace.settings = settings(
    max_examples=settings.default.max_examples // 3, deadline=None, stateful_step_count=20
)
