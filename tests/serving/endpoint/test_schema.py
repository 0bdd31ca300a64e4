"""schemathesis asks the endpoint everything that its own OpenAPI document allows, and much that it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.serving.endpoint.places import Client

# A document cannot say that a tensor has as many values as its shape, or which rows a line of CSV holds: what fits it
# may still be no rows of this model, and is told so. It may not be answered in any other way.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "413", "422"]
"""


def test_no_request_that_the_document_describes_or_forbids_ends_in_a_5xx(client: Client, tmp_path: Path) -> None:
    schema = tmp_path / "openapi.json"
    schema.write_bytes(client.ask("/openapi.json").body)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    examples = os.environ.get("NBMLOPS_SOAK_SCHEMATHESIS", "10")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", client.address),
            *("-H", f"Authorization: Bearer {client.token}", "--checks", "all", "--continue-on-failure"),
            *("--max-examples", examples, "--phases", "examples,coverage,fuzzing,stateful", "--seed", "7"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    counted = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert counted is not None
    assert int(counted[1]) > 200
