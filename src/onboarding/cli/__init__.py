"""The command line: `main` is the command `onboarding`, the other modules are what it offers.

`connect` finds the pipeline (the local stack, or AWS), `transfer` hands files over and follows them, `console` and
`failures` say how things look and what went wrong.
"""
