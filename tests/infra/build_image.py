"""Build of the functions' image without Docker, and a call of each function in it with a recorded event.

    python -m tests.infra.build_image

The base image is Debian, created by debootstrap from this machine's package source, since AWS's base image is not
available everywhere and the Dockerfile accepts any base with Python and pip. It needs root, buildah and debootstrap;
without them it prints that it is skipped and exits with 0. The base and the wheels are cached in build/image.
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
from onboarding.storage.exports import get_export
from tests.infra.function_scenarios import VENDOR, insert_export
from tests.infra.lambda_runtime_api import runtime_api
from tests.support.http_scenarios import vendor_client, webhook_server
from tests.support.http_server import serve
from tests.support.paths import ROOT
from tests.support.running_pipeline import Pipeline, csv_of, product
from tests.support.template_names import short_name

EVENTS = Path(__file__).parent / "events"
CACHE = ROOT / "build" / "image"
BASE, IMAGE = "localhost/onboarding-base", "localhost/onboarding"
BUILD_PROGRAMS = ("pip", "pip3", "gcc", "cc", "make", "uv")
REMOVED_PROGRAMS = ("find", "xargs", "grep", "sed", "awk", "mawk", "tar", "gzip", "perl", "apt-get", "dpkg")
"""Programs that Debian has and AWS's base may lack."""


def main() -> int:
    """Build and check the image, and return the exit code."""
    missing = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        print(f"SKIPPED: the image is not built here; {' and '.join(missing) or 'root'} needed")
        return 0
    CACHE.mkdir(parents=True, exist_ok=True)
    run_buildah("--version")
    if subprocess.run([*BUILDAH, "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        build_base()
    build_image()
    container = read_output("from", "--pull-never", IMAGE)
    try:
        check_content(container)
        check_functions(container)
    finally:
        run_buildah("rm", container)
    print("The image builds, contains no build tools, and every function in it responds.")
    return 0


BUILDAH = ("buildah", "--storage-driver", "vfs", "--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run"))


def run_buildah(*arguments: str) -> None:
    subprocess.run([*BUILDAH, *arguments], check=True)


def read_output(*arguments: str) -> str:
    return subprocess.run([*BUILDAH, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def build_base() -> None:
    """Create an image of Debian with only Python and pip."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    source, release = next(line.split() for line in targets if "-" not in line.split()[1])
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        packages = "--include=python3,python3-pip,ca-certificates"
        print(f"Creating a base of Debian {release} (about two minutes) ...")
        with (CACHE / "debootstrap.log").open("wb") as log:
            subprocess.run(
                ["debootstrap", "--variant=minbase", packages, release, directory, source], check=True, stdout=log
            )
        for tool in REMOVED_PROGRAMS:
            Path(directory, "usr/bin", tool).unlink(missing_ok=True)
        container = read_output("from", "scratch")
        run_buildah("add", "--quiet", container, directory, "/")
        run_buildah("commit", "--quiet", "--rm", container, BASE)


def build_image() -> None:
    """Build the image without network access, with wheels that this machine's pip downloads."""
    wheels = CACHE / "wheels"
    print("Fetching wheels ...")
    container = read_output("from", "--pull-never", BASE)
    python = read_output("run", *CHROOT, container, "--", "python3", "-c", PRINT_VERSION)
    run_buildah("rm", container)
    fetch = ["download", "--quiet", "--quiet", "--require-hashes", "--only-binary", ":all:", "--python-version", python]
    subprocess.run(
        [sys.executable, "-m", "pip", *fetch, "-r", str(ROOT / "requirements-lambda.lock"), "-d", str(wheels)],
        check=True,
    )
    settings = CACHE / "pip.conf"
    settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    print("Building ...")
    with serve_certificate() as bundle:
        mounts = ("--volume", f"{wheels}:/wheels:ro", "--volume", f"{settings}:/etc/pip.conf:ro")
        digest = sha256(httpx.get(bundle, trust_env=False).content).hexdigest()
        values = (f"BASE_IMAGE={BASE}", f"RDS_CA_BUNDLE={bundle}", f"RDS_CA_SHA256={digest}")
        arguments = [word for value in values for word in ("--build-arg", value)]
        run_buildah(
            "build", "--quiet", "--isolation", "chroot", "--pull-never", *mounts, *arguments, "-t", IMAGE, str(ROOT)
        )


CHROOT = ("--isolation", "chroot", "--network", "host")
PRINT_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@contextmanager
def serve_certificate() -> Iterator[str]:
    """Yield a URL that serves a certificate instead of RDS's certificates."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-keyout", os.devnull, "-out", f"{directory}/bundle.pem", "-subj", "/CN=test", "-days", "1"),
            ],
            check=True,
            capture_output=True,
        )
        with serve(functools.partial(SilentHandler, directory=directory)) as url:
            yield f"{url}/bundle.pem"


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log no requests."""


def check_content(container: str) -> None:
    """Check the user, the programs and the compiled modules of the image."""
    config = json.loads(read_output("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]
    assert config["User"] not in {"", "0", "root", "0:0"}, config["User"]
    mount = Path(read_output("mount", container))
    try:
        programs = [str(path) for tool in BUILD_PROGRAMS for path in mount.glob(f"usr/*bin/{tool}") if path.is_file()]
        # Debian's commands `pip` and `pip3` remain, without the package that they would run.
        assert not [path for path in programs if not path.endswith(("/pip", "/pip3"))], programs
        task = mount / "var" / "task"
        assert not list(mount.glob("usr/lib/python3/dist-packages/pip")), "pip was not removed"
        for name in ("local", "cli", "cloudformation", "deploy"):
            assert not (task / "onboarding" / name).exists(), f"onboarding.{name} must not be in the image"
        assert not (task / "ministack").exists()
        modules, compiled = set(task.rglob("*.py")), list(task.rglob("*.pyc"))
        assert {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in compiled} == modules, "not all compiled"
        # Unchecked (PEP 552): changed file times do not cause a compilation. Compiled by one Python version only.
        assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {1}
        assert len(compiled) == len(modules)
        assert (mount / "opt/rds/global-bundle.pem").stat().st_mode & 0o777 == 0o444
        size = sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
        print(f"Libraries and package: {size / 2**20:.0f} MiB")
    finally:
        run_buildah("umount", container)


def check_functions(container: str) -> None:
    """Process an upload on a local stack whose functions run in the image."""
    with tempfile.TemporaryDirectory() as state, LocalStack(Path(state)) as stack, Pipeline(stack.endpoints) as run:
        # Without these triggers, only the functions of the image process the upload.
        run.s3.put_bucket_notification_configuration(Bucket=stack.endpoints.bucket, NotificationConfiguration={})
        for mapping in run.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            run.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        process_upload(container, run)


def process_upload(container: str, run: Pipeline) -> None:
    """Process an upload with the functions of the image, and check that every function was called."""
    called: set[str] = set()

    def call(function: str, **values: str) -> Any:
        called.add(function)
        text = string.Template((EVENTS / f"{function}.json").read_text()).substitute(values)
        with run_function(container, function, make_environment(run, function)) as api:
            response = api.call(json.loads(text))
        print(f"{function}: {json.dumps(response)[:100]}")
        return response

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
    messages = run.sqs.receive_message(QueueUrl=endpoints.error_queue_url, MaxNumberOfMessages=10)["Messages"]
    queue_url = subscribe_queue(run)
    assert call("error-processor", message=json.dumps(messages[0]["Body"])) == {"batchItemFailures": []}
    [message] = run.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=5)["Messages"]
    notification = json.dumps(parse_notification(json.loads(message["Body"])["Message"]))
    assert call("mailer", message=notification) is None
    text = run.email(upload_id).text
    token = text.split("/reports/", 1)[1].split()[0]
    assert call("report-link", token=token)["statusCode"] == 302
    assert call("watchdog") == {"recovered": []}
    values = {"host": urlsplit(endpoints.portal_url).netloc, **vendor_client(run).headers}
    response = call("api", path="/v1/uploads", **values)
    assert upload_id in response["body"], response
    page = call("api", path="/", **values)
    assert (page["statusCode"], "<html" in page["body"]) == (200, True), page
    export_id = insert_export(run)
    assert call("exporter", export_id=export_id) is None
    assert get_export(run.connection, VENDOR, export_id).status == "completed"
    with webhook_server() as url:
        vendor_client(run).request("PUT", "/v1/webhook", {"url": url})
        assert call("webhook", message=notification) is None
        deliveries = json.loads(vendor_client(run).request("GET", "/v1/webhook/deliveries")[1]["body"])["items"]
    assert [(delivery["subject"], delivery["status"]) for delivery in deliveries] == [(upload_id, 204)]
    assert called == list_functions()


def list_functions() -> set[str]:
    """Return the names of all functions in the templates."""
    templates = [load_template(name, {}, "0" * 12, "us-east-1") for name in ("database", "pipeline")]
    functions = [properties for t in templates for properties in t.resources_of_type("AWS::Lambda::Function").values()]
    return {short_name(properties["FunctionName"]) for properties in functions}


def parse_notification(text: str) -> str:
    """Return the JSON that the topic sends to functions for the text that it sends to other subscribers."""
    fields: dict[str, Any] = dict(line.split(": ", 1) for line in text.splitlines())
    numbers = {name: int(value) for name, value in fields.items() if name.endswith("_records")}
    defaults = {field.name: None for field in dataclasses.fields(UploadResult)}
    return json.dumps(defaults | {"findings": [], "warnings": []} | fields | numbers)


def subscribe_queue(run: Pipeline) -> str:
    """Replace all subscriptions of the topic by a new queue, and return the queue's URL."""
    sns = run.endpoints.client("sns")
    for subscription in sns.list_subscriptions_by_topic(TopicArn=run.endpoints.topic_arn)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    queue = run.sqs.create_queue(QueueName="notifications")["QueueUrl"]
    arn = run.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    run.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=run.endpoints.topic_arn, Protocol="sqs", Endpoint=arn)
    return str(queue)


def make_environment(run: Pipeline, function: str) -> Mapping[str, str]:
    """Return the environment of a function in the template, with the endpoint of the emulator."""
    endpoints: Endpoints = run.endpoints
    variables: dict[str, str] = {}
    if function != "admin":
        configuration = run.lambdas.get_function_configuration(FunctionName=resource_name(function))
        variables = dict(configuration["Environment"]["Variables"])
    return {
        **endpoints.environment(),
        **variables,
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_EC2_METADATA_DISABLED": "1",
    }


@contextmanager
def run_function(container: str, function: str, environment: Mapping[str, str]) -> Iterator[Any]:
    """Run a function of the image until the block ends, and yield its runtime API."""
    handler = f"onboarding.lambda_handlers.{function.replace('-', '_')}.handler"
    with runtime_api() as api:
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": api.address}
        log = CACHE / f"{function}.log"
        with log.open("wb") as log_file:
            process = subprocess.Popen(
                [*BUILDAH, "run", *CHROOT, *make_environment_options(variables), container, "--", *ENTRYPOINT, handler],
                stdout=log_file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield api
        except queue.Empty:
            raise AssertionError(f"{function} did not respond; {log} ends:\n{log.read_text()[-2000:]}") from None
        finally:
            # The function, a child process of buildah, waits for its next event.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


ENTRYPOINT = ("python3", "-m", "awslambdaric")


def make_environment_options(variables: Mapping[str, str]) -> Sequence[str]:
    return [option for name, value in variables.items() for option in ("--env", f"{name}={value}")]


if __name__ == "__main__":
    sys.exit(main())
