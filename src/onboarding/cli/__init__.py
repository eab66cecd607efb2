"""Command line: `main` is the command `onboarding`; the other modules are its subcommands and their helpers.

`connect` finds the pipeline (the local stack, or AWS), `transfer` uploads files and waits for the results, `console`
prints, and `failures` explains errors.
"""
