"""Local stack: the pipeline on one machine, with PostgreSQL, an AWS emulator and an SMTP inbox.

It deploys the same template as on AWS. `stack` starts and stops it; `endpoints` has its addresses for other processes.
Only code that starts the local stack imports `stack`, `aws_emulator`, `postgres` and `smtp_inbox`: the libraries that
they need are an extra of this package and not part of the image.
"""
