"""Limited retries for streams of the AWS emulator, as on AWS.

On AWS a failed batch is retried `MaximumRetryAttempts` times and split; records that still fail are sent to the failure
destination. The emulator alone retries a batch until it succeeds, and all later records wait.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

DEFAULT_BATCH_SIZE = 100
"""The size of a batch if the mapping does not set it."""


def bound_stream_retries(lambdas: Any, dynamodb: Any) -> None:
    """Change the emulator's poller of DynamoDB streams so that it skips a record after the last retry."""
    poll = lambdas._poll_dynamodb_streams  # noqa: SLF001 - the emulator has no setting for it
    failures: Counter[tuple[str, int]] = Counter()
    # By mapping with a split batch: the configured batch size, and the position of the batch's end.
    split_batches: dict[str, tuple[int, int]] = {}

    def record_result(esm: Any) -> None:
        mapping = esm["UUID"]
        position = lambdas._dynamodb_stream_positions.get(mapping)  # noqa: SLF001 - see above
        if position is None:
            return
        size, end = split_batches.get(mapping, (0, 0))
        if size and position >= end:
            esm["BatchSize"] = size
            del split_batches[mapping]
        if esm.get("LastProcessingResult") != "FAILED":
            return
        esm["LastProcessingResult"] = "Retrying"
        failures[mapping, position] += 1
        if failures[mapping, position] <= int(esm.get("MaximumRetryAttempts", 3)):
            return
        del failures[mapping, position]
        if mapping not in split_batches:
            # One record at a time, so that the other records of the batch are processed.
            size = int(esm.get("BatchSize", DEFAULT_BATCH_SIZE))
            split_batches[mapping] = size, position + size
            esm["BatchSize"] = 1
            return
        table = esm["EventSourceArn"].split("/")[1]
        _store_failure(esm, dynamodb.stream_records_since(table, position, 1))
        lambdas._dynamodb_stream_positions[mapping] = position + 1  # noqa: SLF001 - see above

    def poll_with_limit() -> bool:
        processed = bool(poll())
        for account, region, esm in lambdas._iter_all_esms():  # noqa: SLF001 - see above
            if ":dynamodb:" not in esm.get("EventSourceArn", ""):
                continue
            tokens = lambdas._request_account_id.set(account), lambdas._request_region.set(region)  # noqa: SLF001
            try:
                record_result(esm)
            finally:
                lambdas._request_account_id.reset(tokens[0])  # noqa: SLF001 - see above
                lambdas._request_region.reset(tokens[1])  # noqa: SLF001 - see above
        return processed

    lambdas._poll_dynamodb_streams = poll_with_limit  # noqa: SLF001 - see above


def _store_failure(esm: Any, records: list[Any]) -> None:
    """Store the records in the bucket of the mapping's failure destination, as Lambda does."""
    import boto3  # noqa: PLC0415 - rarely needed, and the emulator starts faster without it

    destination = esm.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    if not records or not destination.startswith("arn:aws:s3:::"):
        return
    sequence = records[0]["dynamodb"].get("SequenceNumber", "0")
    content = {
        "requestContext": {"condition": "RetryAttemptsExhausted", "functionArn": esm.get("FunctionArn", "")},
        "payload": json.dumps({"Records": records}),
    }
    s3 = boto3.client("s3")
    key = f"aws/lambda/{esm['UUID']}/shardId-00000000000000000000-00000000/{sequence}.json"
    s3.put_object(Bucket=destination.rsplit(":", 1)[-1], Key=key, Body=json.dumps(content, default=str).encode())
