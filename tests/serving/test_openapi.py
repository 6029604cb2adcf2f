"""The server does what its OpenAPI document says, tried with made-up requests, right and wrong."""

from pathlib import Path

import hypothesis
import pytest
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tenor.data.correction_store import CorrectionStore
from tenor.serving import app

PATHS = ["/predict", "/corrections", "/models", "/health/live", "/health/ready", "/metrics"]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_requests_are_answered_as_described(tmp_path: Path, model_folder: Path, mode: GenerationMode) -> None:
    store = CorrectionStore(str(tmp_path / "corrections.db"))
    made = app.create_app([model_folder], app.ServerOptions(reload_interval_s=0), lambda _: None, store)
    operations = [each.ok() for each in schemathesis.openapi.from_asgi("/openapi.json", made).get_all_operations()]
    assert [operation.path for operation in operations] == PATHS
    for operation in operations:
        if operation.method == "get" and mode == GenerationMode.NEGATIVE:
            continue  # there is nothing to say in it that could be wrong

        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        @hypothesis.settings(
            max_examples=20 if operation.method == "post" else 2,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        def answered(case: Case) -> None:
            # What fits the document may still be refused: an unknown model or label, an empty text.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        answered()
    store.close()
