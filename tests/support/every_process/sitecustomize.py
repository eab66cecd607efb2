"""Patches of botocore for the test run: every AWS request is validated, and sessions share the parsed files.

The functions switch botocore's validation off, which costs more time than the request itself. The tests switch it on
again. Python imports a module of this name when it starts, if its directory is in PYTHONPATH: `tests/conftest.py` puts
it there, and the local stack passes PYTHONPATH on to the emulator and its workers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

LAST_MODULE = "botocore.args"
"""The module that botocore imports after those that are patched. Most processes never import botocore."""


def validate_requests() -> None:
    """Make every client of this process validate its requests, also one made with `parameter_validation=False`."""
    from botocore import endpoint, serialize
    from botocore.exceptions import ParamValidationError
    from botocore.validate import ParamValidator

    create_serializer: Any = serialize.create_serializer
    make_request: Any = endpoint.Endpoint.make_request

    def create_validating_serializer(protocol: str, _: bool = True, **options: Any) -> Any:
        return create_serializer(protocol, True, **options)

    def make_validated_request(self: Any, operation: Any, request: Any) -> Any:
        # `onboarding.aws.dynamodb_wire` writes a body without the serializer, so the body itself is validated as well.
        if operation.service_model.resolved_protocol == "json" and operation.input_shape is not None:
            report = ParamValidator().validate(json.loads(request["body"]), operation.input_shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
        return make_request(self, operation, request)

    serialize.create_serializer = create_validating_serializer  # type: ignore[assignment]
    endpoint.Endpoint.make_request = make_validated_request  # type: ignore[assignment,method-assign]


def share_service_models() -> None:
    """Make all sessions of this process share the parsed files of botocore: many tests create their own session."""
    from botocore.loaders import JSONFileLoader

    load_file = cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _, path: load_file(path)  # type: ignore[assignment,method-assign]


def patch_botocore() -> None:
    validate_requests()
    share_service_models()


class _Finder:
    """Calls `patch_botocore` once botocore is imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> ModuleSpec | None:
        if name != LAST_MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)
        loader: Any = spec.loader if spec else None
        execute = loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            patch_botocore()

        loader.exec_module = execute_and_patch
        return spec


if LAST_MODULE in sys.modules:
    patch_botocore()
else:
    sys.meta_path.insert(0, _Finder())
