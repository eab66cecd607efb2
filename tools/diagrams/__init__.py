"""Diagrams of docs/diagrams, drawn by `python -m tools.diagrams` (or `make diagrams`).

`pictures` places boxes and arrows by hand; `erd` reads the live schema. A test compares the committed files.
"""
