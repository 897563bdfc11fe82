"""What the service says of itself is what it does: requests drawn from its own OpenAPI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, settings

from coverslip.app import Service, make_service
from coverslip.app.jobs import Jobs
from coverslip.app.warm import Warm

EXAMPLES = int(os.environ.get("EXAMPLES", "12"))

service = make_service(Service(Jobs(), Warm(Path("no-models")), most_px=2**18, most_s=20))
schema = schemathesis.openapi.from_asgi("/openapi.json", service)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_every_answer_is_one_that_the_schema_names(case):
    case.call_and_validate(
        excluded_checks=[
            schemathesis.checks.not_a_server_error,  # 503 is meant, where too many wait
            *(
                check
                for check in schemathesis.checks.CHECKS.get_all()
                if check.__name__
                in (
                    "positive_data_acceptance",  # bytes that are no image fit the schema too
                    "unsupported_method",
                    "ignored_auth",  # the guard's, which is tested by itself
                )
            ),
        ]
    )
