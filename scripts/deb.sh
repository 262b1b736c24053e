#!/usr/bin/env bash
# Makes a Debian package of what was built: .build/moiety_VERSION_ARCHITECTURE.deb. What it depends
# on is read off the programs (dpkg-shlibdeps).
#
# BUILD= where the programs lie (.build/release), OUT= where the package goes (.build).
set -euo pipefail
cd "$(dirname "$0")/.."

build=${BUILD:-.build/release}
out=${OUT:-.build}
[[ -x $build/moiety ]] || {
    echo "$build/moiety is missing; run 'make build' first" >&2
    exit 1
}
scripts/install-deps.sh package

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
stage=$work/stage
DESTDIR=$stage PREFIX=/usr BUILD=$build scripts/install.sh

version=$("$build/moiety" --version)
architecture=$(dpkg --print-architecture)

# dpkg-shlibdeps reads debian/control of where it runs; the Swift runtime comes along.
depends() {
    mkdir "$work/debian"
    printf 'Source: moiety\n\nPackage: moiety\nArchitecture: any\n' >"$work/debian/control"
    (
        cd "$work"
        dpkg-shlibdeps --ignore-missing-info -l"$stage/usr/lib/moiety" -O \
            stage/usr/bin/* stage/usr/lib/moiety/*.so 2>shlibdeps.log ||
            { cat shlibdeps.log >&2 && exit 1; }
    ) | sed -n 's/^shlibs:Depends=//p'
}

libraries=$(depends)
[[ $libraries == *libc6* ]] || {
    echo "dpkg-shlibdeps found no libraries" >&2
    exit 1
}
install -d "$stage/DEBIAN"
install -m 755 deploy/debian/{postinst,prerm,postrm} "$stage/DEBIAN"
(cd "$stage" && find etc -type f -printf '/%p\n' | sort >DEBIAN/conffiles)
cat >"$stage/DEBIAN/control" <<CONTROL
Package: moiety
Version: $version
Architecture: $architecture
Maintainer: Moiety <moiety@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$stage" | cut -f1)
Depends: systemd | systemd-standalone-sysusers, $libraries
Suggests: prometheus
Description: Mixture-of-Experts language models across ordinary CPU machines
 One coordinator has the tokenizer, attention, the routers and the KV cache; the experts, nine tenths
 of the weights, live on workers. This package has both daemons, their units for systemd, and the
 command moiety.
CONTROL
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

package=$out/moiety_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zzstd -z9 --build "$stage" "$package" >&2
echo "$package"
