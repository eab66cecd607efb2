"""From an empty AWS account to a running pipeline, and back: `onboarding deploy` and `onboarding destroy`.

`plan` says what will be there, `checks` whether the account can take it (`existing` names, `zones`, `concurrency` and
`mail_checks`, each as `findings`), `steps` does it in order with `stacks` (CloudFormation), `images` (build and push),
`calls` (the function `admin`) and `smoke` (a tiny file, in and out).
Every step may run again: what is there as wanted is left alone.
"""
