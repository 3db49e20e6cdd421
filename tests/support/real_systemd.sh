# The first process of a machine of a test's own: gives it folders that are not this computer's, and
# becomes systemd. Started by real_systemd.py, in namespaces of its own, with
#   $1 the machine's folder   $2 a Python for its /opt/python, or ""
#   $3 the packages of its .venv, and $4 their place below its root   $5 systemd's LD_PRELOAD, or ""
#   $6 the clone that these tests are of, which the machine is not to see
set -eu

mount --make-rprivate /
# Shared inside: a child of systemd's mounts the credentials, and the services are to see them.
mount --make-rshared /
# What systemd would set for the whole computer stays as it is.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /dev/null /dev/console
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# All that is needed from this computer gets a place that is not covered below.
mount --bind "$1" /mnt
mount --bind "$3" "/mnt$4"
mount -o remount,bind,ro "/mnt$4"
for file in /mnt/paths/*; do
    mount --bind "$file" "/mnt$4/${file##*/}"
done
[ -z "$2" ] || mount --bind "$2" /mnt/opt/python

for tree in /home /root /run /tmp /var/lib /var/log /var/tmp "$6"; do
    [ ! -d "$tree" ] || mount -t tmpfs -o mode=755 tmpfs "$tree"
done
chmod 1777 /tmp /var/tmp
mkdir -p /run/lock /run/systemd/system /var/lib/systemd
mount --rbind /mnt/opt /opt
mount --bind /mnt/etc /etc
[ -z "$2" ] || ldconfig

exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system:/mnt/units \
    SYSTEMD_GENERATOR_PATH=/mnt/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/mnt/none \
    ${5:+"LD_PRELOAD=$5" TEST_WALL_CLOCK=/mnt/clock/wall-clock} \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-sys_boot \
    /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no
