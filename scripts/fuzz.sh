#!/usr/bin/env bash
# Fuzzes the readers of what comes from outside, under the address sanitizer.
#
# TARGET=gguf (model files), wire (messages and plans), http (bodies of requests) or templates (chat
# templates and conversations) runs one of them, SECONDS_EACH= says for how long. Inputs that reach new code are kept in .build/fuzz; what breaks something is left in
# .build/fuzz/findings. KEEP=1 replaces the committed inputs by the smallest that reach as much.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${SECONDS_EACH:-600}
targets=${TARGET:-gguf wire http templates}
corpora=Tests/Fixtures/fuzz
work=.build/fuzz
# Committed inputs stay small, so that the repository does.
largest_corpus=140000

# Swift's own crash reporter waits for the fuzzer, which waits for it. Leaks are not looked for:
# Swift's runtime keeps metadata for ever.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export MOIETY_FUZZ=1

build() {
    local runtime
    runtime=$(dirname "$(readlink -f "$(command -v swift)")")
    runtime=$("$runtime/clang" -print-resource-dir)/lib/linux
    # Everything is built with counters on its edges, so that libFuzzer sees into the readers.
    swift build -c release --scratch-path "$work/build" --product "fuzz-$1" --sanitize address \
        -Xswiftc -sanitize-coverage=edge,indirect-calls,inline-8bit-counters,pc-table,trace-cmp \
        -Xcc -fsanitize=fuzzer-no-link \
        -Xlinker "$runtime/libclang_rt.fuzzer_no_main-$(uname -m).a" -Xlinker -lstdc++
}

# The smallest inputs that reach what all reach, the seeds first, up to a size in all.
keep() {
    local target=$1 kept=$work/kept-$1 total=0 file bytes
    rm -rf "$kept" && mkdir -p "$kept"
    # Counters would keep an input for each number of times that an edge was taken.
    "$work/build/release/fuzz-$target" -set_cover_merge=1 -use_counters=0 \
        "$kept" "$corpora/$target" "$work/$target" 2>&1 | tail -n 1
    find "$corpora/$target" -type f ! -name 'seed-*' -delete
    while read -r bytes file; do
        total=$((total + bytes))
        ((total <= largest_corpus)) || break
        cp "$file" "$corpora/$target/"
    done < <(find "$kept" -type f -printf '%s %p\n' | sort -n)
}

for target in $targets; do
    build "$target"
    mkdir -p "$work/$target" "$work/findings"
    dictionary=()
    [[ -f Fuzz/$target.dict ]] && dictionary=("-dict=Fuzz/$target.dict")
    "$work/build/release/fuzz-$target" "$work/$target" "$corpora/$target" \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$work/findings/$target-" -print_final_stats=1 "${dictionary[@]}"
    [[ ${KEEP:-} != 1 ]] || keep "$target"
done
