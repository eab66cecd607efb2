"""State diagrams of an upload and of a row."""

from __future__ import annotations

from tools.diagrams.draw import Picture


def states() -> Picture:
    """Draw both state diagrams."""
    picture = Picture(
        "States of an upload and of a row",
        "An upload is processing until every row has an outcome; then it is completed, partial or failed, and is "
        "notified. A rejected file is failed at once. A row is pending, then validated or an error.",
        1180,
        520,
    )
    picture.group(20, 20, 1140, 274, "an upload: upload_history.status")
    picture.dot(60, 150)
    picture.box(250, 122, 150, 56, "way", "processing")
    picture.box(640, 60, 150, 50, "good", "completed")
    picture.box(640, 130, 150, 50, "way", "partial")
    picture.box(640, 220, 150, 50, "bad", "failed")
    picture.box(970, 128, 160, 54, "note", "notified_at is set", "published once")
    picture.arrow((66, 150), (250, 150), label="file accepted,\ntotal is final", at=(158, 127))
    picture.arrow((60, 156), (60, 253), (640, 253), label="file rejected, with a code; no rows", at=(310, 246))
    picture.arrow((400, 138), (480, 138), (480, 85), (640, 85), label="every row valid", at=(560, 77))
    picture.arrow((400, 152), (640, 152), label="some rows valid", at=(560, 146))
    picture.arrow((400, 166), (480, 166), (480, 232), (640, 232), label="no row valid", at=(560, 225))
    picture.arrow((290, 122), (290, 92), (360, 92), (360, 121), label="batch validated; staged again", at=(325, 84))
    picture.arrow((790, 85), (900, 85), (900, 144), (970, 144))
    picture.arrow((790, 156), (970, 156), label="result published", at=(845, 150))
    picture.arrow((790, 245), (900, 245), (900, 168), (970, 168))

    picture.group(20, 314, 1140, 186, "a row: its item in UploadRecords")
    picture.dot(60, 410)
    picture.box(250, 382, 150, 56, "way", "pending_validation")
    picture.box(640, 346, 150, 50, "good", "validated")
    picture.box(640, 426, 150, 50, "bad", "error")
    picture.box(970, 384, 160, 54, "note", "deleted", "14 days after staging")
    picture.arrow((66, 410), (250, 410), label="staged by csv-parser", at=(158, 402))
    picture.arrow((400, 400), (480, 400), (480, 371), (640, 371), label="every rule passed", at=(560, 363))
    picture.arrow((400, 420), (480, 420), (480, 451), (640, 451), label="any rule failed", at=(560, 443))
    picture.arrow((290, 438), (290, 460), (360, 460), (360, 439), label="staged again by the watchdog", at=(325, 479))
    picture.arrow((790, 371), (900, 371), (900, 402), (970, 402))
    picture.arrow((790, 451), (900, 451), (900, 420), (970, 420))
    return picture
