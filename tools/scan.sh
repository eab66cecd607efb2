#!/usr/bin/env bash
# Scans templates, code, secrets and dependencies. The scanners are in .venv-scan; `make scan` calls this.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv-scan/bin

echo "checkov: the templates"
# Its errors are hidden, since it tries to download guidelines that are not needed here.
$bin/checkov --directory infra --config-file .checkov.yaml 2>/dev/null

echo "bandit: the code"
$bin/bandit --quiet --recursive src -ll

echo "detect-secrets: every file in git"
# Without the detection by names: a variable called password is not a secret.
git ls-files -z -- ':!*.lock' | xargs -0 $bin/detect-secrets-hook --disable-plugin KeywordDetector

echo "pip-audit: dependencies of the image and of this environment"
report_unreachable() {
    echo "$2"
    # Without the list of vulnerabilities the scan must not pass, unless this is set where the list is unreachable.
    if [ -z "${ONBOARDING_SCAN_OFFLINE:-}" ]; then
        echo "FAILED $1: the list of vulnerabilities cannot be reached. To scan without it: ONBOARDING_SCAN_OFFLINE=1"
        exit 1
    fi
    echo "SKIPPED $1: ONBOARDING_SCAN_OFFLINE is set, and the list of vulnerabilities cannot be reached"
}
for lock in requirements-lambda.lock requirements.lock; do
    if ! output=$($bin/pip-audit -r "$lock" --require-hashes --disable-pip --progress-spinner off 2>&1); then
        if grep -qE "^Found [0-9]+ known vulnerabilit" <<<"$output"; then
            echo "$output"
            exit 1
        fi
        report_unreachable "$lock" "$(tail -1 <<<"$output")"
    elif grep -q "could not be audited" <<<"$output"; then
        report_unreachable "$lock" "$output"
    fi
done
