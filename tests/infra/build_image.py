"""Builds the image of the functions here, without Docker, and has each function in it answer a recorded event.

    python -m tests.infra.build_image

The base is a Debian made by debootstrap from this machine's own package source: AWS's base image cannot be had
everywhere, and the Dockerfile takes any base with Python and pip. Needs root, buildah and debootstrap; says so and ends
with 0 where they are missing. What takes long (the base, the wheels) is kept in build/image.
"""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import os
import queue
import shutil
import signal
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from onboarding.cloudformation.templates import load_template
from onboarding.domain.resource_names import resource_name
from onboarding.local.endpoints import Endpoints
from onboarding.local.stack import LocalStack
from onboarding.notifications.email import UploadResult
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.storage import uploads
from tests.infra.lambda_runtime_api import runtime_api
from tests.support.http_scenarios import vendor, vendors_server
from tests.support.http_server import serve
from tests.support.running_pipeline import Pipeline, csv_of, product
from tests.support.template_names import short_name

ROOT = Path(__file__).parents[2]
EVENTS = Path(__file__).parent / "events"
KEPT = ROOT / "build" / "image"
BASE, IMAGE = "localhost/onboarding-base", "localhost/onboarding"
UNWANTED = ("pip", "pip3", "gcc", "cc", "make", "uv")
LACKING = ("find", "xargs", "grep", "sed", "awk", "mawk", "tar", "gzip", "perl", "apt-get", "dpkg")
"""What Debian always has, and AWS's base need not have."""


def main() -> int:
    missing = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        print(f"SKIPPED: the image is not built here; {' and '.join(missing) or 'root'} needed")
        return 0
    KEPT.mkdir(parents=True, exist_ok=True)
    buildah("--version")
    if subprocess.run([*BUILDAH, "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        make_base()
    build()
    container = output("from", "--pull-never", IMAGE)
    try:
        check_content(container)
        check_functions(container)
    finally:
        buildah("rm", container)
    print("The image builds, holds nothing to build with, and every function in it answers.")
    return 0


BUILDAH = ("buildah", "--storage-driver", "vfs", "--root", str(KEPT / "storage"), "--runroot", str(KEPT / "run"))


def buildah(*arguments: str) -> None:
    subprocess.run([*BUILDAH, *arguments], check=True)


def output(*arguments: str) -> str:
    return subprocess.run([*BUILDAH, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def make_base() -> None:
    """A Debian with Python and pip, nothing else, as an image."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    source, release = next(line.split() for line in targets if "-" not in line.split()[1])
    with tempfile.TemporaryDirectory(dir=KEPT) as directory:
        wanted = "--include=python3,python3-pip,ca-certificates"
        print(f"Making a base of Debian {release} (about two minutes) ...")
        with (KEPT / "debootstrap.log").open("wb") as log:
            subprocess.run(
                ["debootstrap", "--variant=minbase", wanted, release, directory, source], check=True, stdout=log
            )
        for tool in LACKING:
            Path(directory, "usr/bin", tool).unlink(missing_ok=True)
        container = output("from", "scratch")
        buildah("add", "--quiet", container, directory, "/")
        buildah("commit", "--quiet", "--rm", container, BASE)


def build() -> None:
    """The image, with wheels that pip fetched as it is set up on this machine, and the network left out of it."""
    wheels = KEPT / "wheels"
    print("Fetching wheels ...")
    python = output("run", *CHROOT, made := output("from", "--pull-never", BASE), "--", "python3", "-c", VERSION)
    buildah("rm", made)
    fetch = ["download", "--quiet", "--quiet", "--require-hashes", "--only-binary", ":all:", "--python-version", python]
    subprocess.run(
        [sys.executable, "-m", "pip", *fetch, "-r", str(ROOT / "requirements-lambda.lock"), "-d", str(wheels)],
        check=True,
    )
    settings = KEPT / "pip.conf"
    settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    print("Building ...")
    with authorities() as bundle:
        mounts = ("--volume", f"{wheels}:/wheels:ro", "--volume", f"{settings}:/etc/pip.conf:ro")
        digest = sha256(httpx.get(bundle, trust_env=False).content).hexdigest()
        given = (f"BASE_IMAGE={BASE}", f"RDS_CA_BUNDLE={bundle}", f"RDS_CA_SHA256={digest}")
        arguments = [word for value in given for word in ("--build-arg", value)]
        buildah(
            "build", "--quiet", "--isolation", "chroot", "--pull-never", *mounts, *arguments, "-t", IMAGE, str(ROOT)
        )


CHROOT = ("--isolation", "chroot", "--network", "host")
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@contextmanager
def authorities() -> Iterator[str]:
    """An address that serves a file in the place of RDS's certificates."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-keyout", os.devnull, "-out", f"{directory}/bundle.pem", "-subj", "/CN=test", "-days", "1"),
            ],
            check=True,
            capture_output=True,
        )
        with serve(functools.partial(Quiet, directory=directory)) as url:
            yield f"{url}/bundle.pem"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody needs to know of each request."""


def check_content(container: str) -> None:
    described = json.loads(output("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]
    assert described["User"] not in {"", "0", "root", "0:0"}, described["User"]
    mount = Path(output("mount", container))
    try:
        found = [str(path) for tool in UNWANTED for path in mount.glob(f"usr/*bin/{tool}") if path.is_file()]
        # Debian's command stays where its package put it, without what it would run.
        assert not [path for path in found if not path.endswith(("/pip", "/pip3"))], found
        task = mount / "var" / "task"
        assert not list(mount.glob("usr/lib/python3/dist-packages/pip")), "pip is left"
        for name in ("local", "cli", "cloudformation", "deploy", "cost"):
            assert not (task / "onboarding" / name).exists(), f"onboarding.{name} has no place in an image"
        assert not (task / "ministack").exists()
        modules, compiled = set(task.rglob("*.py")), list(task.rglob("*.pyc"))
        assert {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in compiled} == modules, "not all compiled"
        # Unchecked (PEP 552), so that no file's time can have it compiled again; and by this Python alone.
        assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {1}
        assert len(compiled) == len(modules)
        assert (mount / "opt/rds/global-bundle.pem").stat().st_mode & 0o777 == 0o444
        size = sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
        print(f"Libraries and package: {size / 2**20:.0f} MiB")
    finally:
        buildah("umount", container)


def check_functions(container: str) -> None:
    with tempfile.TemporaryDirectory() as state, LocalStack(Path(state)) as engine, Pipeline(engine.endpoints) as run:
        # From here on nothing but the image does the pipeline's work.
        run.s3.put_bucket_notification_configuration(Bucket=engine.endpoints.bucket, NotificationConfiguration={})
        for mapping in run.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            run.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        walk_through(container, run)


def walk_through(container: str, run: Pipeline) -> None:
    """One upload, from function to function."""
    called: set[str] = set()

    def call(function: str, **values: str) -> Any:
        called.add(function)
        text = string.Template((EVENTS / f"{function}.json").read_text()).substitute(values)
        with running(container, function, environment_of(run, function)) as answering:
            answer = answering.call(json.loads(text))
        print(f"{function}: {json.dumps(answer)[:100]}")
        return answer

    endpoints = run.endpoints
    assert call("admin") == {"ran": []}
    content = csv_of([product("image-1"), product("image-2", price="-1")])
    source: S3ObjectVersion = run.put_key("uploads/VEND001/image.csv", content)
    upload_id = run.upload_id(source)
    assert call("csv-parser", bucket=endpoints.bucket, key=source.key, version_id=source.version_id) is None
    items = {f"item_{number}": json.dumps(run.item(upload_id, number)) for number in (1, 2)}
    assert call("product-validator", upload_id=upload_id, **items) == {"unprocessable": []}
    upload = uploads.get_upload(run.connection, upload_id)
    assert upload is not None
    assert (upload.valid_records, upload.error_records) == (1, 1)
    taken = run.sqs.receive_message(QueueUrl=endpoints.error_queue_url, MaxNumberOfMessages=10)["Messages"]
    notified = subscribe(run)
    assert call("error-processor", message=json.dumps(taken[0]["Body"])) == {"batchItemFailures": []}
    [message] = run.sqs.receive_message(QueueUrl=notified, WaitTimeSeconds=5)["Messages"]
    told = json.dumps(result_of(json.loads(message["Body"])["Message"]))
    assert call("mailer", message=told) is None
    text = run.mail(upload_id).text
    token = text.split("/reports/", 1)[1].split()[0]
    assert call("report-link", token=token)["statusCode"] == 302
    assert call("watchdog") == {"recovered": []}
    asked = {"host": urlsplit(endpoints.portal_url).netloc, **vendor(run).headers}
    listed = call("api", path="/v1/uploads", **asked)
    assert upload_id in listed["body"], listed
    page = call("api", path="/", **asked)
    assert (page["statusCode"], "<html" in page["body"]) == (200, True), page
    with vendors_server() as url:
        vendor(run).ask("PUT", "/v1/webhook", {"url": url})
        assert call("webhook", message=told) is None
        deliveries = json.loads(vendor(run).ask("GET", "/v1/webhook/deliveries")[1]["body"])["items"]
    assert [(delivery["subject"], delivery["status"]) for delivery in deliveries] == [(upload_id, 204)]
    assert called == functions()


def functions() -> set[str]:
    """The names of all functions that the templates make."""
    templates = [load_template(name, {}, "0" * 12, "us-east-1") for name in ("database", "pipeline")]
    made = [properties for t in templates for properties in t.resources_of_type("AWS::Lambda::Function").values()]
    return {short_name(properties["FunctionName"]) for properties in made}


def result_of(text: str) -> str:
    """What the topic tells functions, out of what it tells people; a queue counts as a person."""
    told: dict[str, Any] = dict(line.split(": ", 1) for line in text.splitlines())
    numbers = {name: int(value) for name, value in told.items() if name.endswith("_records")}
    nothing = {field.name: None for field in dataclasses.fields(UploadResult)}
    return json.dumps(nothing | {"findings": [], "warnings": []} | told | numbers)


def subscribe(run: Pipeline) -> str:
    """A queue that gets what the topic tells from now on; the local stack's mailer gets nothing more."""
    sns = run.endpoints.client("sns")
    for found in sns.list_subscriptions_by_topic(TopicArn=run.endpoints.topic_arn)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
    queue = run.sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = run.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    run.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=run.endpoints.topic_arn, Protocol="sqs", Endpoint=arn)
    return str(queue)


def environment_of(run: Pipeline, function: str) -> Mapping[str, str]:
    """A function's variables as the template gave them, and the endpoint of the emulator."""
    endpoints: Endpoints = run.endpoints
    given: dict[str, str] = {}
    if function != "admin":
        found = run.lambdas.get_function_configuration(FunctionName=resource_name(function))
        given = dict(found["Environment"]["Variables"])
    return {**endpoints.environment(), **given, "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_EC2_METADATA_DISABLED": "1"}


@contextmanager
def running(container: str, function: str, environment: Mapping[str, str]) -> Iterator[Any]:
    """A function of the image, at work until the block ends."""
    handler = f"onboarding.lambda_handlers.{function.replace('-', '_')}.handler"
    with runtime_api() as api:
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": api.address}
        log = KEPT / f"{function}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                [*BUILDAH, "run", *CHROOT, *environment_options(variables), container, "--", *ENTRYPOINT, handler],
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield api
        except queue.Empty:
            raise AssertionError(f"{function} gave no answer; {log} ends:\n{log.read_text()[-2000:]}") from None
        finally:
            # The function is a child of buildah's, and waits for its next event.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


ENTRYPOINT = ("python3", "-m", "awslambdaric")


def environment_options(variables: Mapping[str, str]) -> Sequence[str]:
    return [option for name, value in variables.items() for option in ("--env", f"{name}={value}")]


if __name__ == "__main__":
    sys.exit(main())
