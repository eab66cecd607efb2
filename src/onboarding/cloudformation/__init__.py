"""CloudFormation templates and stacks, for the local stack and AWS."""
