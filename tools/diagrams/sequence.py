"""Who calls whom, from the upload to the mail, and what happens when a call fails."""

from __future__ import annotations

from itertools import count

from tools.diagrams.draw import Picture

# Name, kind, x of its line.
WHO = {
    "Vendor": ("people", 82),
    "S3": ("store", 226),
    "csv-parser": ("step", 362),
    "DynamoDB": ("store", 506),
    "product-validator": ("step", 664),
    "PostgreSQL": ("store", 826),
    "SQS": ("way", 960),
    "error-processor": ("step", 1090),
    "SNS, mailer": ("way", 1230),
}

# From, to, what; or a note below the function that it is about.
STEPS = (
    ("Vendor", "S3", "PUT the file"),
    ("S3", "csv-parser", "object created"),
    ("csv-parser", "S3", "read the whole file"),
    ("csv-parser", "PostgreSQL", "open the history row, with the final total"),
    ("csv-parser", "DynamoDB", "stage every row"),
    (
        "note",
        "csv-parser",
        "Fails or dies: 2 retries, then csv-parser-failures.\nAgain: same upload id; what has no outcome is staged",
    ),
    ("DynamoDB", "product-validator", "stream, ≤ 100 rows"),
    ("product-validator", "PostgreSQL", "one transaction"),
    ("product-validator", "DynamoDB", "statuses"),
    ("product-validator", "SQS", "each bad row; last: finished"),
    (
        "note",
        "product-validator",
        "Fails: halved, 3 retries, then kept in the failures bucket.\nAgain: judged rows keep their outcome",
    ),
    ("SQS", "error-processor", "≤ 100 messages"),
    ("error-processor", "PostgreSQL", "hold the history row, read all errors"),
    ("error-processor", "S3", "report and fix file"),
    ("error-processor", "SNS, mailer", "result"),
    ("error-processor", "PostgreSQL", "notified_at"),
    (
        "note",
        "error-processor",
        "Fails: again after 5 s and 30 s, then the dead-letter queue.\nAgain: the same files; nothing once all is told",
    ),
    ("SNS, mailer", "Vendor", "one mail, after a claim on the upload; links work for 7 days"),
    ("note", "SNS, mailer", "Fails: 2 retries, then mailer-failures.\nAgain: the claim keeps a second mail back"),
    ("Vendor", "S3", "the report, by its link"),
)

TOP, STEP, NOTE = 96, 36, 58
NOTE_WIDTH = 372


def sequence() -> Picture:
    height = TOP + sum(NOTE if start == "note" else STEP for start, _, _ in STEPS) + 20
    picture = Picture(
        "From upload to mail",
        "The calls of one upload in their order. After each function: what happens when it fails, and why doing it "
        "again changes nothing that was done.",
        1310,
        height,
    )
    for name, (kind, x) in WHO.items():
        picture.line((x, 60), (x, height - 16))
        picture.box(x - 62, 20, 124, 42, kind, name)
    y = TOP
    numbers = count(1)
    for start, end, what in STEPS:
        if start == "note":
            middle = min(max(WHO[end][1], NOTE_WIDTH / 2 + 14), 1310 - NOTE_WIDTH / 2 - 14)
            picture.box(middle - NOTE_WIDTH / 2, y - 18, NOTE_WIDTH, 44, "note")
            for number, line in enumerate(what.split("\n")):
                picture.words(middle, y + 17 * number, line, "small")
            y += NOTE
            continue
        left, right = WHO[start][1], WHO[end][1]
        toward = 1 if right > left else -1
        picture.arrow((left, y), (right - 2 * toward, y), label=f"{next(numbers)}  {what}")
        y += STEP
    return picture
