#!/bin/sh
# Installs what `make test-readers` reads the log with: lnav, two awks, ripgrep and a browser without
# a screen. As well as it can be done here: what is missing afterwards is said, and the tests that
# need it skip.
set -u

missing() {
    for name in lnav gawk mawk; do
        command -v $name >/dev/null || echo $name
    done
    command -v rg >/dev/null || echo ripgrep
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || echo chromium
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, which takes root and apt-get:" $wanted
else
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null 2>&1
    # One by one: what one distribution does not have must not keep the others away.
    for name in $wanted; do
        apt-get -qq install --no-install-recommends -y "$name" >/dev/null 2>&1 ||
            echo "apt-get could not install $name"
    done
fi
for name in $(missing); do
    echo "no $name: the tests in tests/readers that need it will skip"
done
exit 0
