"""What every online store keeps, whichever it is: a suite that each adapter's tests inherit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import ConflictError
from nbmlops.features.online.port import Found, OnlineStore, Row
from nbmlops.features.online.records import Slot

__all__ = ["OnlineContract", "rows_of", "slot"]


def slot(name: str = "delays", number: int = 1) -> Slot:
    """A slot that is about to be made."""
    return Slot(0, name, f"{name}{number}", number, ("carrier",), ("text",), (("mean", "double"),), 60.0)


def rows_of(store: OnlineStore, slot: int, keys: Sequence[str]) -> list[Found]:
    """What is kept of keys of one slot."""
    (found,) = store.read([(slot, keys)])
    return found


class OnlineContract:
    """Tests of a fixture ``store``, which is empty."""

    def test_a_row_is_read_as_it_was_written(self, store: OnlineStore) -> None:
        made = store.make(slot())
        store.write(replace(made, filling=1), [Row('["AA"]', 5, 1, "[1.5]"), Row('["é\'"]', -5, 1, '["ü"]')])
        assert rows_of(store, made.id, ['["é\'"]', '["no"]', '["AA"]']) == [(-5, '["ü"]'), None, (5, "[1.5]")]
        assert rows_of(store, made.id, ['["AA"]']) == [(5, "[1.5]")]
        assert rows_of(store, made.id, ['["no"]']) == [None]
        assert rows_of(store, made.id, []) == []
        assert (store.count(made.id), sorted(store.keys(made.id))) == (2, ['["AA"]', '["é\'"]'])

    def test_many_keys_are_read_in_their_order(self, store: OnlineStore) -> None:
        made = store.make(slot())
        store.write(replace(made, filling=1), [Row(str(n), n, 1, f"[{n}]") for n in range(2_345)])
        assert rows_of(store, made.id, [str(n) for n in range(2_999, -1, -1)]) == [
            (n, f"[{n}]") if n < 2_345 else None for n in range(2_999, -1, -1)
        ]

    @pytest.mark.parametrize("sizes", [(1, 1), (2, 0, 3), (600, 1, 700), (3,) * 40])
    def test_many_slots_are_read_at_once_each_in_its_order(self, store: OnlineStore, sizes: tuple[int, ...]) -> None:
        made = [store.make(slot(number=number)) for number in range(len(sizes))]
        for one, size in zip(made, sizes, strict=True):
            rows = [Row(f"{key}", one.id, 1, f"{one.id}:{key}") for key in range(size)]
            store.write(replace(one, filling=1), rows)
        asked = [(one.id, [str(key) for key in range(size, -1, -1)]) for one, size in zip(made, sizes, strict=True)]
        want = [[None, *((one, f"{one}:{key}") for key in keys[1:])] for one, keys in asked]
        assert store.read([*asked, asked[0]]) == [*want, want[0]]
        assert store.read([]) == []

    def test_the_state_of_a_slot_comes_with_its_rows(self, store: OnlineStore) -> None:
        made = store.make(slot())
        assert store.slots() == [made]
        done = replace(made, table=7, filling=7, position=3, newest=9, done_at=11)
        store.write(done, [Row("a", 1, 7, "[]")])
        assert store.slots() == [done]
        assert done.complete
        assert not made.complete

    def test_late_rows_change_nothing(self, store: OnlineStore) -> None:
        made = replace(store.make(slot()), filling=2)
        store.write(made, [Row("a", 5, 2, "new")])
        store.write(made, [Row("a", 4, 2, "late"), Row("a", 5, 1, "of an older table")])
        assert rows_of(store, made.id, ["a"]) == [(5, "new")]
        store.write(made, [Row("a", 5, 2, "again"), Row("a", -(2**62), 2, "old")])
        assert rows_of(store, made.id, ["a"]) == [(5, "again")]

    def test_whoever_has_an_older_table_is_refused(self, store: OnlineStore) -> None:
        made = store.make(slot())
        store.write(replace(made, filling=9), [Row("a", 1, 9, "new")])
        with pytest.raises(ConflictError, match="delays was materialized from a newer table"):
            store.write(replace(made, filling=8), [Row("b", 9, 8, "old")], ["a"])
        assert rows_of(store, made.id, ["a", "b"]) == [(1, "new"), None]
        assert store.slots() == [replace(made, filling=9)]

    def test_keys_that_are_gone_go(self, store: OnlineStore) -> None:
        made = store.make(slot())
        store.write(replace(made, filling=1), [Row("a", 9, 1, "x"), Row("b", 9, 1, "y")])
        store.write(replace(made, filling=2), [Row("a", 3, 2, "back")], ["a", "b", "c"])
        assert rows_of(store, made.id, ["a", "b", "c"]) == [(3, "back"), None, None]

    def test_slots_are_apart_and_are_dropped_with_their_rows(self, store: OnlineStore) -> None:
        one, two = store.make(slot()), store.make(slot(number=2))
        store.write(replace(one, filling=1), [Row("a", 1, 1, "one")])
        store.write(replace(two, filling=1), [Row("a", 1, 1, "two")])
        store.drop(one.id)
        assert (rows_of(store, one.id, ["a"]), rows_of(store, two.id, ["a"])) == ([None], [(1, "two")])
        assert [each.id for each in store.slots()] == [two.id]
        with pytest.raises(ConflictError):
            store.write(replace(one, filling=2), [Row("a", 1, 2, "late")])
        assert store.count(one.id) == 0
        assert store.make(slot()).id not in {one.id, two.id}

    def test_all_rows_are_gone_through(self, store: OnlineStore) -> None:
        made = store.make(slot())
        rows = {Row(f'["{n}"]', n - 5, n % 3 + 1, f"[{n}]") for n in range(12_345)}
        store.write(replace(made, filling=9), list(rows))
        store.write(replace(store.make(slot(number=2)), filling=9), [Row("other", 1, 1, "[]")])
        assert {row for page in store.scan(made.id) for row in page} == rows
        assert list(store.scan(77)) == []

    def test_keys_that_are_erased_go_whatever_their_table_and_who_had_the_slot_is_refused(
        self, store: OnlineStore
    ) -> None:
        made = store.make(slot())
        done = replace(made, table=9, filling=9)
        store.write(done, [Row(str(n), n, 9, f"[{n}]") for n in range(2_345)])
        assert store.erase(made.id, []) == 0
        assert store.erase(made.id, [*map(str, range(0, 2_345, 2)), "no"]) == 1_173
        assert rows_of(store, made.id, ["0", "1", "2"]) == [None, (1, "[1]"), None]
        assert store.count(made.id) == 1_172
        with pytest.raises(ConflictError, match="keys of delays were erased meanwhile"):
            store.write(done, [Row("0", 1, 9, "back")])
        (known,) = store.slots()
        assert known == replace(done, fence=known.fence)
        assert known.fence > 0
        store.write(known, [Row("0", 1, 9, "again")])
        assert rows_of(store, made.id, ["0"]) == [(1, "again")]
        store.scrub()
        assert (store.count(made.id), store.slots()) == (1_173, [known])
        store.drop(made.id)
        assert store.erase(made.id, ["1"]) == 0
        assert store.slots() == []
        assert store.make(slot()).fence == 0

    def test_two_writers_and_readers_at_once_do_no_harm(self, store: OnlineStore) -> None:
        made = replace(store.make(slot()), filling=1)
        wrong: list[object] = []

        def write(first: int) -> None:
            for at in range(first, 60, 2):
                store.write(made, [Row(str(key), at, 1, f"[{at}]") for key in range(20)])

        def read() -> None:
            for _ in range(100):
                wrong.extend(row for row in rows_of(store, made.id, ["3", "7"]) if row and row[1] != f"[{row[0]}]")

        threads = [threading.Thread(target=write, args=(n,)) for n in (0, 1)] + [threading.Thread(target=read)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert rows_of(store, made.id, [str(key) for key in range(20)]) == [(59, "[59]")] * 20

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(
        batches=st.lists(
            st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 3), st.integers(1, 3)), max_size=6), max_size=5
        )
    )
    def test_the_newest_row_holds_in_whatever_order_they_come(
        self, store: OnlineStore, batches: list[list[tuple[str, int, int]]]
    ) -> None:
        made = replace(store.make(slot()), filling=3)
        for batch in batches:
            store.write(made, [Row(key, at, table, f"{at}/{table}") for key, at, table in batch])
        best: dict[str, tuple[int, int]] = {}
        for key, at, table in (row for batch in batches for row in batch):
            best[key] = max(best.get(key, (at, table)), (at, table))
        want = [(best[key][0], f"{best[key][0]}/{best[key][1]}") if key in best else None for key in "abc"]
        assert rows_of(store, made.id, list("abc")) == want
