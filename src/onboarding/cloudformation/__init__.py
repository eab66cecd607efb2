"""CloudFormation templates and stacks, for `local` and `deploy` alike."""
