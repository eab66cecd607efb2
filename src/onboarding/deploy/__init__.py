"""Deployment to AWS from an empty account, and its removal: `onboarding deploy` and `onboarding destroy`.

`plan` holds the choices and `changes` what they change. `checks` finds out whether the account is ready (with
`existing`, `zones`, `concurrency`, `mail_checks`; each yields `findings`). `steps` runs the deployment in order with
`stacks` (CloudFormation), `images` (build and push), `calls` (the function `admin`) and `smoke` (a test upload).
Every step can be repeated: it does not change what is already as planned.
"""
