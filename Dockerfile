# One image for every function: which one it is, the function's command says (onboarding.lambda_handlers.<name>.handler).
#
#   docker buildx build --platform linux/arm64 -t onboarding .
#
# `onboarding deploy` builds it for AWS, with `--base-image` on a base named by its digest: this tag moves. BASE_IMAGE may
# be any image with Python 3.11 or later and pip: the tests take a Debian made on the spot. What runs below needs a shell,
# coreutils and Python alone: AWS's base has little else, not even `find`.
ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.13

# -- Libraries and package, made with pip ------------------------------------------------------------------------------
FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY requirements-lambda.lock ./
# Wheels only: nothing is compiled, so nothing that compiles is needed.
RUN python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    --no-compile --target /build/task -r requirements-lambda.lock
COPY pyproject.toml README.md ./
COPY src ./src
COPY infra ./infra
# The package itself is plain files; its build tool stays here. All is compiled once, or else it would be at each cold
# start; what was compiled counts whatever time the files get on their way.
RUN cp -r src/onboarding /build/task/onboarding \
    && cp -r infra /build/task/onboarding/infra \
    && rm -rf /build/task/onboarding/cli /build/task/onboarding/cost /build/task/onboarding/deploy \
        /build/task/onboarding/local /build/task/bin \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /build/task \
    && chmod -R a+rX,go-w /build/task

# -- The authorities that sign RDS's certificates: the functions check whom they tell the password ----------------------
FROM ${BASE_IMAGE} AS authorities
ARG RDS_CA_BUNDLE=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
ADD ${RDS_CA_BUNDLE} /global-bundle.pem
# AWS replaces the file as it adds regions and authorities, so no digest stands here for long. One that is given is
# checked; not by `ADD --checksum`, which not every builder knows.
ARG RDS_CA_SHA256=
RUN ["python3", "-c", "import hashlib, os, pathlib, sys; found = hashlib.sha256(pathlib.Path('/global-bundle.pem').read_bytes()).hexdigest(); print('SHA-256 of the authorities:', found); sys.exit(os.environ.get('RDS_CA_SHA256', '') not in ('', found) and 'This is not the SHA-256 that was given')"]

# -- What runs ---------------------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE} AS function
COPY --from=authorities --chmod=0444 /global-bundle.pem /opt/rds/global-bundle.pem
COPY --from=build /build/task /var/task
# The base's own pip goes too: an image that cannot install anything is one less way in.
RUN ["python3", "-c", "import importlib.util as u, pathlib, shutil; found = [s for s in map(u.find_spec, ('pip', 'setuptools', 'wheel', 'pkg_resources')) if s]; [shutil.rmtree(pathlib.Path(s.origin).parent) for s in found]"]
ENV PYTHONPATH=/var/task \
    PYTHONDONTWRITEBYTECODE=1 \
    LAMBDA_TASK_ROOT=/var/task \
    PGSSLROOTCERT=/opt/rds/global-bundle.pem
WORKDIR /var/task
# Lambda runs it as a user of its own; anywhere else it is nobody.
USER 65534:65534
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["onboarding.lambda_handlers.csv_parser.handler"]
