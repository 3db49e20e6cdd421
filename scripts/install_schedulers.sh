#!/bin/sh
# Installs what `make test-schedulers` runs the rendered schedules on: systemd (it is not started),
# cron and a clock that cron can be shown instead of the real one. As well as it can be done here:
# what is missing afterwards is said, and the tests that need it skip.
set -u

missing() {
    [ -x /lib/systemd/systemd ] || echo systemd
    command -v cron >/dev/null || echo cron
    command -v faketime >/dev/null || echo faketime
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, which takes root and apt-get:" $wanted
else
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 - several names
    { apt-get -qq update && apt-get -qq install --no-install-recommends -y $wanted; } \
        >/dev/null 2>&1 || echo "apt-get could not install all of:" $wanted
fi
for name in $(missing); do
    case $name in
    systemd) echo "no systemd: tests/schedulers/test_systemd_* will skip" ;;
    *) echo "no $name: tests/schedulers/test_cron_* will skip" ;;
    esac
done
exit 0
