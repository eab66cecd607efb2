"""Deployment to AWS from an empty account, and its removal: `onboarding deploy` and `onboarding destroy`.

`plan` has the choices, `parameters` those of running stacks. `checks` checks whether the account is ready (with
`name_conflicts`, `zones`, `concurrency` and `email_checks`; all yield `findings`). `deployment` runs the steps in order
with `deployment_stacks` (CloudFormation), `images` (build and push), `lambda_calls` (the function `admin`) and
`smoke_test` (a test upload). Every step is idempotent.
"""
