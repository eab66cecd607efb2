"""Network diagram on AWS: the VPC, the services outside, and the permitted connections."""

from __future__ import annotations

from tools.diagrams.draw import Picture


def network() -> Picture:
    """Draw the network."""
    picture = Picture(
        "Network",
        "Functions that use the database run in two private subnets; the database accepts only them, on port 5432. "
        "S3 and DynamoDB are reached through gateway endpoints, other services through egress. Mailer and webhook run "
        "outside the VPC.",
        1240,
        640,
    )
    picture.group(20, 20, 190, 600, "Internet")
    picture.group(242, 20, 250, 600, "AWS, outside the VPC")
    picture.group(524, 20, 696, 600, "VPC 10.0.0.0/16: no inbound connections")
    picture.group(546, 62, 652, 208, "private subnet A, 10.0.0.0/20")
    picture.group(546, 286, 652, 160, "private subnet B, 10.0.16.0/20")

    picture.box(40, 80, 150, 62, "people", "Vendors", "browser, programs")
    picture.box(40, 180, 150, 62, "people", "Operators")
    picture.box(40, 540, 150, 62, "people", "Vendors' servers", "webhooks")
    picture.box(262, 80, 210, 62, "way", "HTTP API", "throttled; TLS")
    picture.box(262, 180, 210, 62, "store", "S3, DynamoDB", "TLS only; encrypted")
    picture.box(262, 300, 210, 80, "way", "Lambda service", "invokes functions for", "S3, stream, SQS, schedule")
    picture.box(262, 440, 210, 62, "way", "SQS, SNS, Secrets Manager")
    picture.box(262, 540, 210, 62, "step", "mailer, webhook", "no database, no VPC")

    for y, height in ((96, 150), (322, 104)):
        picture.box(580, y, 240, height, "step", "functions with lambda-sg", "in: none", "out: 5432 in the VPC, 443",
                    *(["csv-parser, product-validator,", "error-processor, watchdog,", "api, report-link, admin"]
                      if y < 200 else []))  # fmt: skip
    picture.box(930, 96, 240, 150, "store", "ecommerce-db with rds-sg", "encrypted; TLS required",
                "in: 5432 from lambda-sg only", "out: none")  # fmt: skip
    picture.box(930, 322, 240, 104, "note", "standby", "if MultiAz is set")
    picture.box(580, 478, 240, 54, "way", "gateway endpoints", "S3, DynamoDB: free")
    picture.box(580, 552, 590, 54, "way", "egress: egress-only gateway (IPv6)",
                "or a NAT gateway, or interface endpoints: a parameter")  # fmt: skip

    picture.arrow((190, 111), (262, 111), label="443")
    picture.arrow((190, 128), (226, 128), (226, 204), (262, 204), label="signed", at=(236, 172), anchor="middle")
    picture.arrow((190, 218), (216, 218), (216, 130), (262, 130))
    picture.arrow((367, 142), (367, 162), (506, 162), (506, 340), (472, 340))
    picture.words(512, 156, "invokes", "small halo soft", anchor="end")
    picture.arrow((472, 326), (520, 326), (520, 171), (580, 171))
    picture.arrow((472, 360), (580, 360), label="events", at=(528, 354))
    picture.arrow((820, 171), (930, 171), label="5432, TLS")
    picture.arrow((820, 368), (876, 368), (876, 210), (930, 210))
    picture.arrow((1050, 246), (1050, 322), label="replicates", at=(1060, 284), anchor="start", dashed=True)
    picture.arrow((640, 426), (640, 478), label="443", at=(650, 460), anchor="start")
    picture.arrow((850, 400), (850, 552), label="443", at=(860, 480), anchor="start")
    picture.line((820, 400), (850, 400))
    picture.arrow((580, 500), (500, 500), (500, 211), (472, 211))
    picture.arrow((580, 579), (512, 579), (512, 471), (472, 471))
    picture.arrow((262, 571), (190, 571), label="443")
    return picture
