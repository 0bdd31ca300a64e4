"""schemathesis asks the endpoint everything that its own OpenAPI document allows, and much that it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.serving.endpoint.places import Client


def test_no_request_that_the_document_describes_or_forbids_ends_in_a_5xx(client: Client, tmp_path: Path) -> None:
    schema = tmp_path / "openapi.json"
    schema.write_bytes(client.ask("/openapi.json").body)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", client.address),
            *("-H", f"Authorization: Bearer {client.token}", "--checks", "not_a_server_error,status_code_conformance"),
            *("--max-examples", "25", "--phases", "examples,fuzzing", "--seed", "7"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
