"""Style check: words that this project does not use, each with its replacement.

    python -m tools.style_check [PATH ...]

Checks every text file under version control, or those under the given paths: comments, docstrings, strings, names,
templates, SQL and pages. Prints `file:line: "words": write "replacement"` and exits with 1 if there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = {".css", ".html", ".js", ".md", ".py", ".sh", ".sql", ".svg", ".toml", ".txt", ".yaml", ".yml"}
NAMES = {"Dockerfile", "Makefile", "run"}

# Data: vendors' files, saved databases, word lists and pinned dependencies. This file lists the words themselves.
EXCLUDED = re.compile(
    r"^(LICENSE|tests/files/|tools/style_check\.py|tests/unit/tools/test_style_check\.py)"
    r"|code_pages\.txt$|\.lock$|headers\.toml$"
)

# A phrase may continue on the next line, behind a comment sign. `_` belongs to a word: names in SQL and code that
# contain one of these words as a part are checked by their own entries.
REPLACEMENTS = {
    # General language.
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix",
    r"thrice": "three times",
    r"(tell|tells|told|telling) of": "notify, describe",
    r"(hear|hears|heard) of": "notified",
    r"ours": "our …",
    r"in vain": "unsuccessful",
    r"for (good(?=[.,;:)]| and| but| if| when)|ever)": "permanently",
    r"begun": "started",
    r"under way": "processing, in progress",
    r"who(m|se)?ever": "the caller, the vendor, any",
    r"what(so)?ever": "any, all that",
    r"as it stands": "current",
    r"needs? a hand": "action required",
    r"(how )?dear": "expensive, cost",
    r"lies": "is stored, is",
    r"comes? again": "is redelivered, is retried",
    r"is none of": "is not one of",
    r"nobody (hears|is told)": "no notification is sent",
    r"how far it goes": "scaling",
    # Vocabulary of the domain.
    r"(take|takes|taken|taking|took) in(?! (order|turn|account|total|place))": "ingest",
    r"intake": "ingest, ingestion",
    r"judg(e|es|ed|ing|e?ment|e?ments)": "validate, validation",
    r"(drive|drives|driven|drove|driving) on": "resume",
    r"driven": "resumed",
    r"(let|lets|letting) go": "release",
    r"stuck": "stalled",
    r"(bad|good) rows?": "rejected row, accepted row",
    r"walls?(?!-clock| clock)": "row-level security policy, control",
    r"laws?": "invariant",
    r"desks?": "connection pool, home",
    r"visitors?": "principal, user",
    r"tickets?": "upload session",
    r"ledgers?": "upload history, storage.uploads",
    r"inert": "escaped",
    r"troubles?": "issue",
    r"local engine": "local stack",
    r"undo_kept": "undo_skipped",
    r"upload_tickets": "upload_sessions",
    r"link_uses": "report_link_clicks",
    r"revoked_links": "revoked_report_links",
    r"sweep_position": "sweep_cursor",
    # The user interface.
    r"Who did what": "Audit log",
    r"Take on a vendor": "Add vendor",
    r"Mail me a link": "E-mail me a sign-in link",
    r"To the start page": "Back to home",
    r"Keys that (work|ended)": "Active keys, Inactive keys",
}
GAP = r"(?:\s+(?:(?:#|//|--|\*)\s*)?)"
PATTERNS = [
    (re.compile(rf"\b(?:{words.replace(' ', GAP)})\b", re.IGNORECASE), replacement)
    for words, replacement in REPLACEMENTS.items()
]


def list_files(paths: list[str]) -> Iterator[Path]:
    """Yield the text files under version control that are no data."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *paths], capture_output=True, text=True, check=True)  # noqa: S603, S607
    for name in filter(None, listed.stdout.split("\0")):
        path = Path(name)
        if (path.suffix in SUFFIXES or path.name in NAMES) and not EXCLUDED.search(name) and path.exists():
            yield path


def check_text(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the words and the replacement of every hit, in the order of the lines."""
    hits = [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), replacement)
        for pattern, replacement in PATTERNS
        for match in pattern.finditer(text)
    ]
    yield from sorted(hits)


def main(paths: list[str]) -> int:
    """Print every hit; return 1 if there is any."""
    found = False
    for path in list_files(paths):
        for line, words, replacement in check_text(path.read_text(encoding="utf-8", errors="replace")):
            print(f'{path}:{line}: "{words}": write "{replacement}"')
            found = True
    return int(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
