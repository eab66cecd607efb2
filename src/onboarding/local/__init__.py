"""The pipeline on one machine: PostgreSQL, an engine that speaks the AWS APIs, a mail inbox, and the one template.

`up` starts and stops it all; `endpoints` tells every other process where it is. Nothing outside this package imports
`postgres`, `engine`, `inbox` or `up` unless it runs the engine: their libraries are not part of an image.
"""
