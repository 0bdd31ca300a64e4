"""Arrays come back as they went in: values, types, byte order, order in memory; what cannot is refused."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers

from nbmlops import render
from nbmlops.core import digests
from nbmlops.core.errors import InvalidError
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("shared") / "project") as made:
        yield made


def bits(array: np.ndarray, order: str) -> bytes:
    """Bytes of the elements; what lies between the fields of a structured type is no value."""
    if array.dtype.names is None:
        return array.tobytes(order)
    return b"".join(bits(array[name], order) for name in array.dtype.names)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are alike to the bit, and lie alike in memory."""
    order = "F" if one.flags.f_contiguous and not one.flags.c_contiguous else "C"
    return (
        type(other) is np.ndarray
        and (one.dtype, one.shape) == (other.dtype, other.shape)
        and bits(one, order) == bits(other, order)
        and (one.size == 0 or other.flags.f_contiguous == one.flags.f_contiguous or order == "C")
        and (order == "C" or other.flags.f_contiguous)
    )


NESTED = np.dtype([("when", "M8[ns]"), ("at", [("x", "<f4"), ("y", ">f8", (2, 3))]), ("é", "U3")])
ARRAYS = {
    "numbers": np.arange(24.0).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
    "big-endian": np.arange(10, dtype=">i4"),
    "one value": np.array(3.5),
    "empty": np.empty((0, 3)),
    "no axis with length": np.empty((2, 0, 2), order="F"),
    "gaps": np.arange(100)[::7],
    "backwards": np.arange(12).reshape(3, 4)[::-1, ::-1],
    "slice of fortran": np.asfortranarray(np.arange(24).reshape(4, 6))[1:3],
    "repeated": np.broadcast_to(np.arange(3), (4, 3)),
    "truths": np.array([True, False]),
    "times": np.array(["2013-01-01", "NaT"], "M8[D]"),
    "spans": np.array([1, -1], "m8[ms]"),
    "text": np.array(["ü", "", "abc"]),
    "bytes": np.array([b"a\x00b", b""]),
    "void": np.array([b"\x00\x01", b"\x02\x03"], "V2"),
    "no width": np.array(["", ""], "U0"),
    "complex": np.array([1 + 2j, complex("nan")]),
    "half": np.array([0.5, np.inf], "f2"),
    "structured": np.zeros(5, NESTED),
    "structured with gaps": np.zeros(6, np.dtype("i1,f8", align=True))[::2],
    "titles": np.zeros(2, [(("a title", "a"), "i4")]),
    "nan of another kind": np.array([0x7FF8DEADBEEF0001], "u8").view("f8"),
    "long header": np.zeros(1, [(f"a_field_with_a_long_name_{n:05}", "i1") for n in range(2_000)]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_went_in(shared: Workspace, name: str, tmp_path: Path) -> None:
    array = ARRAYS[name]
    saved = shared.data.save(array, "a", message=name)
    back = shared.data.load(saved.ref)
    assert same(array, back)
    assert back.flags.writeable
    assert (saved.format, saved.shape, saved.dtype) == ("array", array.shape, str(array.dtype))
    written = shared.data.load(saved.ref, to=tmp_path / "a.npy")
    assert same(array, np.load(written, allow_pickle=False, max_header_size=1 << 20))
    assert saved.digest == digests.of_bytes((tmp_path / "a.npy").read_bytes())
    assert shared.data.save(back, "a").id == saved.id


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_array_of_any_plain_type_comes_back(shared: Workspace, data: st.DataObject) -> None:
    kinds = numbers.scalar_dtypes() | numbers.array_dtypes()
    dtype = data.draw(kinds.filter(lambda kind: not any(c in str(kind.descr) for c in ("f16", "c32", "f12", "c24"))))
    array = data.draw(numbers.arrays(dtype, numbers.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    array = array[(..., *(slice(None, None, data.draw(st.sampled_from([1, 1, -1, 2]))) for _ in array.shape))]
    array = data.draw(st.sampled_from([array, array.T, np.asfortranarray(array)]))
    saved = shared.data.save(array, "any")
    assert same(array, shared.data.load(saved.ref))


def test_the_file_is_what_numpy_writes_but_for_its_padding(workspace: Workspace, tmp_path: Path) -> None:
    array = np.arange(6, dtype=">f8").reshape(2, 3)
    workspace.data.save(array, "a")
    ours = workspace.data.load("a", to=tmp_path / "a.npy").read_bytes()
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=False)
    assert ours.replace(b" ", b"") == sink.getvalue().replace(b" ", b"")
    assert (len(ours) - array.nbytes) % 64 == 0


def test_the_digest_of_a_known_array_never_changes(workspace: Workspace) -> None:
    assert workspace.data.save(np.arange(4, dtype="<i8").reshape(2, 2), "a").digest == GOLDEN


def test_what_counts_for_the_identity(workspace: Workspace) -> None:
    array = np.arange(6.0).reshape(2, 3)
    others = [array.reshape(3, 2), np.asfortranarray(array), array.astype(">f8"), array.astype("f4"), -array]
    found = {workspace.data.save(one, "a").digest for one in [array, *others]}
    assert len(found) == 6
    padded = np.zeros(3, np.dtype("i1,f8", align=True))
    dirty = np.frombuffer(b"\x00" + b"\x07" * 7 + bytes(8), padded.dtype).repeat(3)
    assert workspace.data.save(padded, "p").id == workspace.data.save(dirty, "p").id


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([1, "a", None], dtype=object), "holds Python objects"),
        (np.zeros(2, [("a", "i4"), ("b", "O")]), "holds Python objects"),
        (np.array(["a"], np.dtypes.StringDType()), "holds Python objects"),
        (np.ma.masked_array([1, 2], [True, False]), "has a mask"),
        (np.zeros(2, [("a", "i4")]).view(np.recarray), "class recarray"),
        (np.zeros(2, np.dtype((np.record, [("a", "i4")]))), "would not come back"),
        (np.zeros(2, np.dtype("i4", metadata={"unit": "m"})), "would not come back"),
        (np.zeros(2, np.longdouble), "means another one on other machines"),
        (np.zeros(2, [("a", np.clongdouble, 2)]), "means another one on other machines"),
    ],
    ids=["objects", "objects in a field", "texts", "mask", "records", "record type", "metadata", "long", "long field"],
)
def test_what_would_come_back_as_something_else_is_refused(
    workspace: Workspace, array: np.ndarray, message: str
) -> None:
    with pytest.raises(InvalidError, match=message):
        workspace.data.save(array, "bad")
    assert workspace.data.list() == []


def test_a_matrix_is_refused(workspace: Workspace) -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1]])
    with pytest.raises(InvalidError, match="class matrix"):
        workspace.data.save(matrix, "bad")


def test_an_array_is_loaded_as_what_it_is(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(np.arange(3), "a")
    assert workspace.data.load("a", as_="path").name == "a.npy"
    with pytest.raises(InvalidError, match=r"a@v1 is an array, which cannot be loaded as 'pandas'"):
        workspace.data.load("a", as_="pandas")
    with pytest.raises(InvalidError, match="is an array, not a table"):
        workspace.data.load("a", columns=["x"])
    with pytest.raises(InvalidError, match=r"cannot write an array as '\.csv'"):
        workspace.data.load("a", to=tmp_path / "a.csv")
    assert workspace.data.load("a", to=tmp_path) == tmp_path / "a.npy"


def test_a_memory_map_is_saved_without_its_file_in_memory(workspace: Workspace, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.arange(1_000.0))
    mapped = np.load(tmp_path / "m.npy", mmap_mode="r")
    workspace.data.save(mapped, "a")
    assert same(np.asarray(mapped), workspace.data.load("a"))


def told(workspace: Workspace, *arrays: np.ndarray) -> str:
    refs = [workspace.data.save(array, "d").ref for array in arrays]
    return render.text(workspace.data.diff(*refs)).partition("   ")[2]


def test_a_diff_counts_the_elements_that_differ(workspace: Workspace) -> None:
    array = np.array([[1.0, np.nan], [3.0, 4.0]])
    other = array.copy()
    other[1, 1] = 4.25
    assert told(workspace, array, other) == "1 of 4 elements differ   by at most 0.25"
    assert told(workspace, array, array) == "the same content"
    assert told(workspace, array, np.asfortranarray(array)) == "the same elements, kept in another way"
    assert told(workspace, array, array.astype("f4")) == "float64 → float32   the same elements, kept in another way"
    assert told(workspace, array, array.ravel()) == "2 \u00d7 2 → 4"
    assert told(workspace, np.array(["a", "b"]), np.array(["a", "c"])) == "1 of 2 elements differ"
    assert told(workspace, np.array([1, 2]), np.array(["a", "c"])) == "int64 → <U1   2 of 2 elements differ"
    assert told(workspace, np.array([1, 2]), np.zeros(2, [("a", "i4")])) == "int64 → [('a', '<i4')]"
    assert told(workspace, np.empty((0, 2)), np.empty((0, 2), "f4")).startswith("float64 → float32")


def test_a_diff_compares_structured_arrays_field_by_field(workspace: Workspace) -> None:
    one = np.zeros(5, [("a", "f8", (2,)), ("b", "U2")])
    one["a"][0] = np.nan
    other = one.copy()
    other["a"][1, 1] = 7
    other["b"][1] = "x"
    other["b"][4] = "y"
    assert told(workspace, one, other) == "2 of 5 elements differ"


def test_unlike_kinds_are_not_compared(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    workspace.data.save(tmp_path / "x.txt", "d")
    workspace.data.save(np.arange(3), "d")
    with pytest.raises(InvalidError, match=r"d@v1 is a file and d@v2 an array: they cannot be compared"):
        workspace.data.diff("d@v1", "d@v2")
    with pytest.raises(InvalidError, match="an array has no key"):
        workspace.data.diff("d@v2", "d@v2", key=["a"])


SAVER = """
import sys, tracemalloc
import numpy as np
from nbmlops.workspace import Workspace
with Workspace.open(sys.argv[1]) as workspace:
    array = np.lib.format.open_memmap(sys.argv[2], mode="r")
    workspace.data.save(array[:10, :10].copy(), "warm")
    tracemalloc.start()
    saved = workspace.data.save(array[:, ::2], "large")
    workspace.data.save(array[:, 1::2], "large")
    diff = workspace.data.diff("large")
    print(saved.size, diff.array.differing, tracemalloc.get_traced_memory()[1])
"""


def test_an_array_larger_than_the_memory_used_is_saved_and_compared(workspace: Workspace, tmp_path: Path) -> None:
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.int32, (50_000, 1_600))
    large[...] = np.arange(1_600, dtype=np.int32)
    large.flush()
    command = [sys.executable, "-c", SAVER, str(workspace.marker.root), str(tmp_path / "large.npy")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    size, differing, peak = map(int, done.stdout.split())
    assert (size, differing) == (160_000_128, 40_000_000)
    assert peak < 100_000_000  # the memory of a save, whatever its size: no copy of an array fits into it
    print(f"saved and compared arrays of {size:,} bytes in at most {peak:,}")


GOLDEN = "d3150c5b15e2b01c95cca76321bf8e334083bc47301c97546a79dd1ea2fa3ec6"
