"""What was captured is folded by a process beside the workers, when its writer has let go of it and not before."""

from __future__ import annotations

import sys
from pathlib import Path

from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.endpoint.folder import Folder
from nbmlops.serving.records import Deployment
from tests.serving.endpoint.test_reload import eventually


def test_what_nobody_writes_any_more_is_folded_once(tmp_path: Path) -> None:
    captured = Captured(tmp_path)
    place = captured.place("delay")
    folder = Folder(place, [sys.executable, "-m", "nbmlops.workspace.capture_folding", str(tmp_path), "delay"], every=0)
    with CaptureLog(tmp_path, Deployment("delay"), "w1") as log:
        log.add([CapturedRequest("r1", 1_764_000_000_000_000, 1, outputs={"predict": [1]}, inputs={"x": [1.0]})])
        log.flush()
        folder.look()
        assert folder._process is None
    folder.look()
    assert folder._process is not None
    eventually(lambda: not place.segments())
    assert len(list(place.hours.glob("*/*/hour.json"))) == 1
    eventually(lambda: (folder.look(), folder._process is None)[1])
    folder.close()
    (hour,) = captured.hours("delay")
    assert (hour.rows, hour.requests) == (1, 1)
