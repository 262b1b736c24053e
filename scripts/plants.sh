#!/usr/bin/env bash
# Plants bugs in a copy of the sources, one at a time, and shows which seed of the simulator finds
# each. PLANT=name tries one only.
#
# All of them are compiled in, each behind its name, so that one build serves for all; the
# environment says which one is alive.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=.build/plants
mkdir -p "$copy"
for item in Package.swift Sources Tests Models; do
    rm -rf "${copy:?}/$item"
    cp -a "$item" "$copy/$item"
done
cd "$copy"

for plant in Tests/SimulationTests/Plants/*.txt; do
    perl -0777 -e '
        my ($path) = @ARGV;
        open my $in, "<", $path or die "$path: $!"; my $text = <$in>; close $in;
        my ($heading, @parts) = split /^----\n/m, $text;
        my ($file) = $heading =~ /^in (\S+)$/m or die "$path names no file\n";
        open $in, "<", $file or die "$file: $!"; my $source = <$in>; close $in;
        while (my ($find, $replacement) = splice @parts, 0, 2) {
            my $place = index $source, $find;
            die "$path does not fit $file\n" if $place < 0;
            substr($source, $place, length $find) = $replacement;
        }
        open my $out, ">", $file or die "$file: $!"; print $out $source; close $out;
    ' "$plant"
done
for target in Cluster Coordinator Generation Worker; do
    cat >"Sources/$target/Planted.swift" <<'SWIFT'
import Foundation

private let plantedName = ProcessInfo.processInfo.environment["MOIETY_PLANT"]

func planted(_ name: String) -> Bool { plantedName == name }
SWIFT
done

arguments=(-c release --disable-xctest --disable-testable-imports --filter PlantTests.found)
echo "Building the sources with all bugs planted, none alive"
swift test "${arguments[@]}" >build.log 2>&1 || { tail -n 40 build.log; exit 1; }

found=0
missed=()
for plant in Tests/SimulationTests/Plants/*.txt; do
    name=$(basename "$plant" .txt)
    if [[ -n ${PLANT:-} && $PLANT != "$name" ]]; then continue; fi
    if MOIETY_PLANT=$name swift test --skip-build "${arguments[@]}" >run.log 2>&1; then
        grep "^found $name" run.log
        found=$((found + 1))
    elif grep -q "was not found by" run.log; then
        missed+=("$name")
    else
        # A precondition of the daemons themselves stopped it.
        echo "found $name: $(grep -i -m 1 -E 'fatal error|precondition' run.log || tail -n 1 run.log)"
        found=$((found + 1))
    fi
done
echo "$found planted bugs found, ${#missed[@]} missed ${missed[*]:-}"
((${#missed[@]} == 0))
