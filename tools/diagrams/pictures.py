"""Diagrams that are placed by hand, by file name."""

from __future__ import annotations

from collections.abc import Callable

from tools.diagrams.draw import Picture
from tools.diagrams.network import network
from tools.diagrams.states import states


def overview() -> Picture:
    """Draw the overview for new readers: from the vendor's file to the vendor's e-mail."""
    picture = Picture(
        "What happens to a vendor's file",
        "A vendor uploads a CSV file to a bucket. Its rows are staged and validated. Valid rows enter the catalog; "
        "for the others the vendor gets one e-mail with an error report and a fix file.",
        1210,
        424,
    )
    card = (150, 118)
    margin, gap, above, below = 25, 52, 60, 246
    at = [margin + number * (card[0] + gap) for number in range(6)]

    picture.words(
        margin, 34, "Every row enters the catalog, or an error report that says what to fix", "large", anchor="start"
    )
    picture.box(at[0], above, 150, 304, "people", "Vendor", glyph="person")
    picture.words(at[0] + 75, above + 104, "uploads a CSV", "small soft")
    picture.words(at[0] + 75, above + 121, "or a workbook", "small soft")
    picture.glyph(at[0] + 75, above + 178, "people", "email")
    picture.words(at[0] + 75, above + 234, "gets one e-mail,", "small soft")
    picture.words(at[0] + 75, above + 251, "fixes the rest", "small soft")
    picture.box(at[1], above, *card, "store", "S3", "the original file", glyph="bucket")
    picture.box(at[2], above, *card, "step", "csv-parser", "reads the whole file", glyph="code")
    picture.box(at[3], above, *card, "store", "DynamoDB", "one item a row", glyph="table")
    picture.box(at[4], above, *card, "step", "product-validator", "all rules, all errors", glyph="code")
    picture.box(at[5], above, 150, 304, "store", "PostgreSQL", glyph="database")
    picture.words(at[5] + 75, above + 100, "catalog:", "strong")
    picture.words(at[5] + 75, above + 118, "accepted rows", "small soft")
    picture.words(at[5] + 75, above + 156, "history:", "strong")
    picture.words(at[5] + 75, above + 174, "rows = valid + error", "small soft")
    picture.words(at[5] + 75, above + 212, "errors:", "strong")
    picture.words(at[5] + 75, above + 230, "of rejected rows", "small soft")
    picture.box(at[4], below, *card, "way", "SQS", "rejected rows; finished", glyph="queue")
    picture.box(at[3], below, *card, "step", "error-processor", "once per upload", glyph="code")
    picture.box(at[2], below, *card, "store", "Report, fix file", "all rows to fix", glyph="report")
    picture.box(at[1], below, *card, "way", "SNS, mailer", "one e-mail per upload", glyph="email")

    for number in range(5):
        picture.arrow((at[number] + 150, above + 59), (at[number + 1], above + 59))
    picture.arrow((at[4] + 75, above + 118), (at[4] + 75, below))
    for number in range(4, 0, -1):
        picture.arrow((at[number], below + 59), (at[number - 1] + 150, below + 59))
    picture.arrow((at[5], below + 96), (at[5] - 26, below + 96), (at[5] - 26, below + 138), (at[3] + 75, below + 138),
                  (at[3] + 75, below + 118))  # fmt: skip
    picture.words((at[3] + at[5]) / 2 + 24, below + 157, "all errors of the upload, from the database", "small soft")
    return picture


def data_flow() -> Picture:
    """Draw which function reads and writes which store, in order."""
    picture = Picture(
        "Data flow",
        "Which function reads and writes which store, numbered in the order of an upload. The watchdog reads the "
        "history and stages rows without an outcome again.",
        1250,
        690,
    )
    picture.group(20, 20, 210, 650, "outside")
    picture.group(262, 20, 220, 650, "bucket")
    picture.group(514, 20, 330, 650, "functions and their triggers")
    picture.group(876, 20, 354, 650, "PostgreSQL and DynamoDB")

    picture.box(45, 70, 160, 62, "people", "Vendor", "file in")
    picture.box(45, 486, 160, 58, "people", "Operators", "results, alarms")
    picture.box(45, 588, 160, 58, "people", "Vendor", "e-mail, webhook, link")
    picture.box(287, 70, 170, 62, "store", "uploads/…", "every version is kept")
    picture.box(287, 390, 170, 62, "store", "errors/…", "report, fix file")

    picture.box(600, 70, 190, 62, "step", "csv-parser", "S3: object created")
    picture.box(600, 186, 190, 62, "step", "product-validator", "stream: up to 100 rows")
    picture.box(590, 288, 210, 50, "way", "product-validation-errors")
    picture.box(600, 390, 190, 62, "step", "error-processor", "SQS: up to 100 messages")
    picture.box(576, 490, 238, 50, "way", "product-upload-notifications")
    picture.box(538, 590, 92, 54, "step", "mailer", "email-claims")
    picture.box(640, 590, 92, 54, "step", "webhook", "webhooks")
    picture.box(742, 590, 92, 54, "step", "report-link")

    picture.box(966, 62, 230, 46, "store", "upload_history", "total, counts, status")
    picture.box(966, 150, 230, 46, "store", "UploadRecords", "items, stream")
    picture.box(966, 226, 230, 46, "store", "products, product_changes")
    picture.box(966, 300, 230, 46, "store", "held_rows", "all-or-nothing files")
    picture.box(966, 398, 230, 46, "store", "validation_errors", "every error of every row")
    picture.box(966, 590, 230, 54, "step", "watchdog", "every 5 minutes; sweep once a day")

    picture.arrow((205, 101), (287, 101), label="1 PUT")
    picture.arrow((457, 101), (600, 101), label="2 event", at=(548, 93))
    picture.arrow((790, 86), (966, 86), label="3 open, with total", at=(876, 78))
    picture.arrow((790, 116), (880, 116), (880, 164), (966, 164), label="4 stage", at=(908, 158))
    picture.arrow((966, 184), (904, 184), (904, 200), (790, 200), label="5 stream", at=(838, 194))
    picture.arrow(
        (790, 216), (930, 216), (930, 98), (966, 98), label="6 counts,\nstatus", at=(934, 128), anchor="start"
    )
    picture.arrow((790, 232), (930, 232), (930, 249), (966, 249), label="6 one transaction", at=(848, 247))
    picture.arrow((930, 238), (930, 323), (966, 323))
    picture.arrow((930, 312), (930, 408), (966, 408))
    picture.arrow((695, 248), (695, 288), label="7 rejected rows, finished", at=(703, 273), anchor="start")
    picture.arrow((695, 338), (695, 390), label="8", at=(706, 368), anchor="start")
    picture.arrow((966, 432), (790, 432), label="9 all errors", at=(868, 425))
    picture.arrow((600, 421), (457, 421), label="10 report, fix file", at=(527, 413))
    picture.arrow((695, 452), (695, 490), label="11 result, once", at=(703, 476), anchor="start")
    picture.arrow((686, 540), (686, 590))
    picture.arrow((686, 546), (686, 556), (584, 556), (584, 590))
    picture.arrow((576, 515), (205, 515), label="12 to operators", at=(372, 508))
    picture.arrow((538, 617), (205, 617), label="13 one e-mail; signed call", at=(372, 610))
    picture.arrow((125, 646), (125, 660), (788, 660), (788, 644), label="14 link in the e-mail", at=(372, 656))
    picture.arrow((788, 590), (788, 572), (372, 572), (372, 452), label="redirects", at=(372, 546), dashed=True)
    picture.arrow((1196, 617), (1221, 617), (1221, 85), (1196, 85), dashed=True)
    picture.arrow((1221, 200), (1221, 173), (1196, 173), dashed=True)
    picture.words(1081, 580, "resumes stalled uploads", "small soft halo")
    return picture


PICTURES: dict[str, Callable[[], Picture]] = {
    "overview": overview,
    "data-flow": data_flow,
    "states": states,
    "network": network,
}
