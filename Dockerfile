# One image for all functions. The command selects the function (onboarding.lambda_handlers.<name>.handler).
#
#   docker buildx build --platform linux/arm64 -t onboarding .
#
# `onboarding deploy` builds it for AWS. Its option `--base-image` names the base by a digest, since the image behind this
# tag changes. BASE_IMAGE can be any image with Python 3.11 or later and pip, such as the Debian image of the tests. The
# commands below need only a shell, coreutils and Python, since AWS's base contains little else, not even `find`.
ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.13

# -- Libraries and package ---------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY requirements-lambda.lock ./
# Wheels only, so no compiler is needed.
RUN python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    --no-compile --target /build/task -r requirements-lambda.lock
COPY pyproject.toml README.md ./
COPY src ./src
COPY infra ./infra
# The package is copied without its build tool. Bytecode is compiled here instead of at each cold start, and is valid
# independent of file times.
RUN cp -r src/onboarding /build/task/onboarding \
    && cp -r infra /build/task/onboarding/infra \
    && cd /build/task/onboarding && rm -rf cli cloudformation deploy local ../bin \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /build/task \
    && chmod -R a+rX,go-w /build/task

# -- Certificate authorities of RDS: the functions verify the database server before they send it the password ---------
FROM ${BASE_IMAGE} AS authorities
ARG RDS_CA_BUNDLE=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
ADD ${RDS_CA_BUNDLE} /global-bundle.pem
# AWS replaces the file when it adds regions and authorities, so there is no fixed digest. A given digest is checked here,
# since not every builder supports `ADD --checksum`.
ARG RDS_CA_SHA256=
RUN ["python3", "-c", "import hashlib, os, pathlib, sys; digest = hashlib.sha256(pathlib.Path('/global-bundle.pem').read_bytes()).hexdigest(); print('SHA-256 of the authorities:', digest); sys.exit(os.environ.get('RDS_CA_SHA256', '') not in ('', digest) and 'This is not the expected SHA-256')"]

# -- Image of the functions --------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE} AS function
COPY --from=authorities --chmod=0444 /global-bundle.pem /opt/rds/global-bundle.pem
COPY --from=build /build/task /var/task
# Without the base's pip: an image that cannot install packages has a smaller attack surface.
RUN ["python3", "-c", "import importlib.util as u, pathlib, shutil; specs = [s for s in map(u.find_spec, ('pip', 'setuptools', 'wheel', 'pkg_resources')) if s]; [shutil.rmtree(pathlib.Path(s.origin).parent) for s in specs]"]
ENV PYTHONPATH=/var/task \
    PYTHONDONTWRITEBYTECODE=1 \
    LAMBDA_TASK_ROOT=/var/task \
    PGSSLROOTCERT=/opt/rds/global-bundle.pem
WORKDIR /var/task
# Lambda uses its own user; elsewhere the user is nobody.
USER 65534:65534
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["onboarding.lambda_handlers.csv_parser.handler"]
