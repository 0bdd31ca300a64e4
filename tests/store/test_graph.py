"""The graph of a lineage: versions and what made them, in layers, bounded, whatever the names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from nbmlops.core import digests
from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError
from nbmlops.render import html, json, text
from nbmlops.store import graph, lineage
from nbmlops.store.graph import LineageGraph
from nbmlops.store.lineage import Executing
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def save(workspace: Workspace, name: str, content: int, *read: str) -> None:
    """Save a table in a run that has read others."""
    with workspace.run(f"make_{name}"):
        for each in read:
            workspace.data.load(each)
        workspace.data.save(pd.DataFrame({"a": [content]}), name)


@pytest.fixture
def diamond(workspace: Workspace) -> Workspace:
    save(workspace, "raw", 1)
    save(workspace, "left", 2, "raw")
    save(workspace, "right", 3, "raw")
    save(workspace, "joined", 4, "left", "right")
    return workspace


def versions(found: LineageGraph) -> set[str]:
    return {node.label for node in found.nodes if node.is_version}


def test_a_version_shows_all_it_came_from_and_all_that_was_built_on_it(diamond: Workspace) -> None:
    assert versions(diamond.lineage("joined", direction="upstream")) == {"raw@v1", "left@v1", "right@v1", "joined@v1"}
    assert versions(diamond.lineage("raw", direction="downstream")) == {"raw@v1", "left@v1", "right@v1", "joined@v1"}
    assert {"raw@v1", "joined@v1"} <= versions(diamond.lineage("left"))


def test_each_node_stands_after_what_it_came_from(diamond: Workspace) -> None:
    found = diamond.lineage("joined")
    layer = {node.id: node.layer for node in found.nodes}
    assert found.arrows
    assert all(layer[arrow.before] < layer[arrow.after] for arrow in found.arrows)


def test_depth_cuts_and_says_how_much_is_behind(diamond: Workspace) -> None:
    found = diamond.lineage("joined", direction="upstream", depth=1)
    assert versions(found) == {"left@v1", "right@v1", "joined@v1"}
    assert found.cut == 2
    assert "2 versions at the border with more behind" in text(found)
    assert diamond.lineage("joined", direction="upstream", depth=2).cut == 0


def test_a_large_graph_is_bounded_to_what_is_near(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "_SHOWN", 5)
    save(workspace, "raw", 0)
    for place in range(10):
        save(workspace, f"part_{place}", place + 1, "raw")
    found = workspace.lineage("raw", direction="downstream")
    assert len(versions(found)) == 5
    assert found.cut == 1


def test_a_run_that_reads_what_it_wrote_makes_no_circle(workspace: Workspace) -> None:
    save(workspace, "raw", 0)
    with workspace.run("both"):
        workspace.data.load("raw")
        workspace.data.save(pd.DataFrame({"a": [1]}), "first")
        workspace.data.load("first")
        workspace.data.save(pd.DataFrame({"a": [2]}), "second")
    found = workspace.lineage("second", direction="upstream")
    layer = {node.id: node.layer for node in found.nodes}
    assert all(layer[arrow.before] < layer[arrow.after] for arrow in found.arrows)
    assert versions(found) == {"raw@v1", "first@v1", "second@v1"}


def test_a_cell_of_a_run_knows_closer_what_it_used(workspace: Workspace) -> None:
    save(workspace, "raw", 0)
    save(workspace, "other", 1)
    with workspace.run("notebook"):
        workspace.data.load("other")
        source = "made = ml.data.load('raw')"
        executing = Executing(1, "c1", digests.of_bytes(source.encode()), source)
        with lineage.activate(replace(lineage.current(), notebook="a.ipynb", cell=executing)):
            workspace.data.load("raw")
            workspace.data.save(pd.DataFrame({"a": [2]}), "made")
    found = workspace.lineage("made", direction="upstream")
    assert versions(found) == {"raw@v1", "made@v1"}
    (run,) = (node for node in found.nodes if node.label == "notebook-1")
    assert run.note == "cell c1 of a.ipynb"


def test_the_tree_and_the_flowchart_name_every_node(diamond: Workspace) -> None:
    found = diamond.lineage("joined")
    tree = text(found)
    for node in found.nodes:
        assert node.label in tree
        assert node.label in found.mermaid()
    assert found.mermaid().startswith("flowchart LR\n")
    assert json(found)["mermaid"] == found.mermaid()
    assert len(found.to_pandas()) == len(found.arrows)


def test_the_picture_is_well_formed_and_runs_nothing(diamond: Workspace) -> None:
    drawn = html(diamond.lineage("joined"))
    (svg,) = re.findall(r"<svg.*?</svg>", drawn, re.DOTALL)
    tree = ET.fromstring(svg)
    assert len(tree.findall("g")) == len(diamond.lineage("joined").nodes)
    assert "<script" not in drawn
    assert "http" not in drawn
    places = [(float(box.attrib["x"]), float(box.attrib["y"])) for box in tree.iter("rect")]
    assert len(set(places)) == len(places), "no box lies on another"


def test_text_in_labels_is_escaped_everywhere() -> None:
    node = graph.Node("data:1", "data", '<b>"x"</b>', "a & b")
    other = graph.Node("script:s#1", "script", "<i>", layer=0)
    found = LineageGraph("x@v1", "data:1", (other, node), (graph.Arrow("script:s#1", "data:1"),))
    assert "<b>" not in html(found)
    assert "&lt;b&gt;" in html(found)
    assert "#lt;b#gt;#quot;x#quot;" in found.mermaid()


def test_a_graph_too_large_for_a_picture_is_text() -> None:
    nodes = [graph.Node("data:0", "data", "root@v1")]
    nodes += [graph.Node(f"data:{n}", "data", f"part_{n}@v1", layer=1) for n in range(1, 300)]
    arrows = tuple(graph.Arrow("data:0", node.id) for node in nodes[1:])
    drawn = html(LineageGraph("root@v1", "data:0", tuple(nodes), arrows))
    assert "<svg" not in drawn
    assert "part_7@v1" in drawn
    assert len(drawn) < 100_000


def test_a_name_that_is_not_there_gives_the_nearest(diamond: Workspace) -> None:
    with pytest.raises(NotFoundError) as caught:
        diamond.lineage("joinde")
    assert "joined" in str(caught.value.hint)
    with pytest.raises(NotFoundError):
        diamond.lineage("joined@v9")
    with pytest.raises(InvalidError):
        diamond.lineage("joined", depth=0)


def test_a_name_of_two_kinds_asks_for_the_kind(diamond: Workspace) -> None:
    models = diamond.versions("model")
    digest = diamond.objects.put(b"a model").digest
    models.add("raw", digest=digest, root=digest, size=1, new_bytes=1, detail={})
    with pytest.raises(AmbiguousError) as caught:
        diamond.lineage("raw")
    assert "--kind" in str(caught.value.hint)
    assert diamond.lineage("raw", kind="model").nodes[-1].kind == "model"
