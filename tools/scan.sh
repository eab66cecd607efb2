#!/usr/bin/env bash
# The scanners: templates, code, secrets, known vulnerabilities. They live in .venv-scan; `make scan` calls this.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv-scan/bin

echo "checkov: the templates"
# It asks its maker's server for guidelines that nothing here needs.
$bin/checkov --directory infra --config-file .checkov.yaml 2>/dev/null

echo "bandit: the code"
$bin/bandit --quiet --recursive src -ll

echo "detect-secrets: every file in git"
# By look, not by name: a variable called password is no secret.
git ls-files -z -- ':!*.lock' | xargs -0 $bin/detect-secrets-hook --disable-plugin KeywordDetector

echo "pip-audit: what the images and this environment hold"
unchecked() {
    echo "$2"
    # A list that was not asked has found nothing: that is no pass, unless whoever runs this knows that it is out of reach.
    if [ -z "${ONBOARDING_SCAN_OFFLINE:-}" ]; then
        echo "FAILED $1: the list of vulnerabilities cannot be reached. To scan without it: ONBOARDING_SCAN_OFFLINE=1"
        exit 1
    fi
    echo "SKIPPED $1: ONBOARDING_SCAN_OFFLINE is set, and the list of vulnerabilities cannot be reached"
}
for lock in requirements-lambda.lock requirements.lock; do
    if ! said=$($bin/pip-audit -r "$lock" --require-hashes --disable-pip --progress-spinner off 2>&1); then
        if grep -qE "^Found [0-9]+ known vulnerabilit" <<<"$said"; then
            echo "$said"
            exit 1
        fi
        unchecked "$lock" "$(tail -1 <<<"$said")"
    elif grep -q "could not be audited" <<<"$said"; then
        unchecked "$lock" "$said"
    fi
done
