"""Whoever trusts a type leaves an Event, whichever face they used; what is refused leaves neither trust nor Event."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops import Workspace, ml
from nbmlops.__main__ import main
from nbmlops.core.errors import NbmlopsError
from tests.jupyter.cells import Cells


def test_trust_is_audited_in_each_face(cells: Cells, project: Path) -> None:
    assert "pandas.DataFrame" in ml.model.trust_type("pandas.DataFrame")
    assert "polars.Series" in cells.value("%ml model trust polars.Series")
    with pytest.raises(SystemExit) as end:
        main(["model", "trust", "pandas.Index"])
    assert end.value.code == 0
    for refused in ("os.system", "joblib:0123456789abcdef", "nowhere.Thing", "word"):
        with pytest.raises(NbmlopsError):
            ml.model.trust_type(refused)
        with pytest.raises(SystemExit) as end:
            main(["model", "trust", refused])
        assert end.value.code != 0
    with Workspace.open(project) as workspace:
        told = [(event.action, event.subject) for event in workspace.audit.events() if event.action == "model.trust"]
        assert workspace.audit.verify() >= 3
    assert sorted(told) == [("model.trust", name) for name in ("pandas.DataFrame", "pandas.Index", "polars.Series")]
