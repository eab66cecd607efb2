"""Placeholder for the code of functions that are packaged as a zip file.

Only the functions of the local stack are packaged so, and they run the installed package.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

CODE_KEY = "functions.zip"


def put_code_placeholder(s3: Any, bucket: str) -> dict[str, str]:
    """Store the placeholder in a bucket and return the template's parameters for it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("README", "The functions' code is the installed package `onboarding`.\n")
    s3.put_object(Bucket=bucket, Key=CODE_KEY, Body=content.getvalue())
    return code_parameters(bucket)


def code_parameters(bucket: str) -> dict[str, str]:
    """Return the template's parameters for a placeholder in this bucket."""
    return {"CodeBucket": bucket, "CodeKey": CODE_KEY}
