"""Repositories for S3 objects, the staging table in DynamoDB, and the SQS queues."""
