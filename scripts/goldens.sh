#!/usr/bin/env bash
# Makes the reference data of the tests anew with other people's engines, in a Python environment
# of its own. Takes the names of scripts in Tests/Scripts; all of them without any.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=.build/goldens
packages=(
    torch==2.15.0 transformers==5.23.0 gguf==0.19.0 numpy==2.4.6
    tokenizers==0.23.3 sentencepiece==0.2.3
)

command -v python3 >/dev/null || {
    echo "make goldens needs python3 with venv (Debian: python3-venv)." >&2
    exit 1
}
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet "${packages[@]}"

scripts=("$@")
((${#scripts[@]} > 0)) || scripts=(Tests/Scripts/make_*.py)
for script in "${scripts[@]}"; do
    echo "$script" >&2
    "$environment/bin/python" "$script"
done
git --no-pager diff --stat -- Tests
