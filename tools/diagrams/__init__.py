"""The pictures of docs/diagrams, drawn from what stands here: `python -m tools.diagrams` (or `make diagrams`).

`pictures` places boxes and arrows by hand; `erd` reads the live schema. A test draws them again and compares.
"""
