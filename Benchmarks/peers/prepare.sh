#!/usr/bin/env bash
# Builds the tools of llama.cpp that `make bench` compares with, below .build/peers: nothing of a
# peer is ever committed. README.md beside this says what is fetched and why so.
#
# Prints the directory of the tools. What is there already is not made again; a build that was
# interrupted goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=0.3.36
cache=${PEERS_CACHE:-.build/peers}
tools=(llama-bench llama-batched-bench llama-perplexity llama-quantize ggml-rpc-server)

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
environment=$cache/venv
package=$cache/llama_cpp_python-$version
build=$cache/build-$version

say() {
    printf '%s\n' "$*" >&2
}

are_built() {
    local tool
    for tool in "${tools[@]}"; do
        [[ -x $build/bin/$tool ]] || return 1
    done
}

prepare_environment() {
    command -v python3 >/dev/null || {
        say "The peers need python3 with venv (Debian: python3-venv)."
        exit 1
    }
    command -v c++ >/dev/null || {
        say "The peers need a C++ compiler (Debian: g++)."
        exit 1
    }
    [[ -x $environment/bin/python ]] || python3 -m venv "$environment"
    # pip would otherwise build cmake from its sources, to learn the package's name.
    "$environment/bin/pip" install --quiet scikit-build-core==0.12.2 cmake ninja
}

fetch() {
    [[ ! -d $package/vendor/llama.cpp ]] || return 0
    say "Fetching llama-cpp-python $version from PyPI"
    PATH=$environment/bin:$PATH "$environment/bin/pip" download --quiet --no-deps \
        --no-build-isolation --no-binary llama-cpp-python --dest "$cache" \
        "llama-cpp-python==$version"
    tar -xzf "$cache/llama_cpp_python-$version.tar.gz" -C "$cache"
}

build_tools() {
    say "Building llama.cpp's tools (some minutes)"
    export PATH=$environment/bin:$PATH
    # Their warnings are not ours to mend.
    cmake -S "$package/vendor/llama.cpp" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DGGML_NATIVE=ON -DGGML_RPC=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF \
        -DCMAKE_C_FLAGS=-w -DCMAKE_CXX_FLAGS=-w >&2
    ninja -C "$build" "${tools[@]}" >&2
}

if ! are_built; then
    prepare_environment
    fetch
    build_tools
    are_built || {
        say "The build made not all of: ${tools[*]}"
        exit 1
    }
fi
printf '%s\n' "$build/bin"
