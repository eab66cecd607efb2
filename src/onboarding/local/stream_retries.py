"""Bounded retries for the stream of the local stack, which the AWS emulator does not have.

On AWS a batch that fails is retried `MaximumRetryAttempts` times, split, and what still fails goes to the failure
destination. The emulator retries a batch until it succeeds, and everything behind it waits.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

WHOLE_BATCH = 100
"""The size of a batch where the mapping names none."""


def bound_stream_retries(lambdas: Any, dynamodb: Any) -> None:
    """Make the emulator's poller of DynamoDB streams give up on a record that fails with every retry."""
    poll = lambdas._poll_dynamodb_streams  # noqa: SLF001 - the emulator has no setting for it
    failures: Counter[tuple[str, int]] = Counter()
    whole: dict[str, tuple[int, int]] = {}  # of a mapping whose batch is split: its batch size, and the batch's end

    def note(esm: Any) -> None:
        mapping = esm["UUID"]
        position = lambdas._dynamodb_stream_positions.get(mapping)  # noqa: SLF001 - see above
        if position is None:
            return
        size, end = whole.get(mapping, (0, 0))
        if size and position >= end:
            esm["BatchSize"] = size
            del whole[mapping]
        if esm.get("LastProcessingResult") != "FAILED":
            return
        esm["LastProcessingResult"] = "Retrying"
        failures[mapping, position] += 1
        if failures[mapping, position] <= int(esm.get("MaximumRetryAttempts", 3)):
            return
        del failures[mapping, position]
        if mapping not in whole:
            # One record at a time, so that the neighbours of the one that fails are processed.
            size = int(esm.get("BatchSize", WHOLE_BATCH))
            whole[mapping] = size, position + size
            esm["BatchSize"] = 1
            return
        table = esm["EventSourceArn"].split("/")[1]
        _keep(esm, dynamodb.stream_records_since(table, position, 1))
        lambdas._dynamodb_stream_positions[mapping] = position + 1  # noqa: SLF001 - see above

    def bounded() -> bool:
        processed = bool(poll())
        for account, region, esm in lambdas._iter_all_esms():  # noqa: SLF001 - see above
            if ":dynamodb:" not in esm.get("EventSourceArn", ""):
                continue
            tokens = lambdas._request_account_id.set(account), lambdas._request_region.set(region)  # noqa: SLF001
            try:
                note(esm)
            finally:
                lambdas._request_account_id.reset(tokens[0])  # noqa: SLF001 - see above
                lambdas._request_region.reset(tokens[1])  # noqa: SLF001 - see above
        return processed

    lambdas._poll_dynamodb_streams = bounded  # noqa: SLF001 - see above


def _keep(esm: Any, records: list[Any]) -> None:
    """Put the records into the bucket that is the mapping's failure destination, as Lambda does."""
    import boto3  # noqa: PLC0415 - hardly ever needed, and the emulator starts sooner without it

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
