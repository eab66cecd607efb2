"""Command line: `main` is the command `onboarding`; the other modules are its subcommands and their helpers.

`target` finds the pipeline (the local stack, or AWS), `upload_client` uploads files and waits for the results, `output`
prints, and `errors` explains errors.
"""
