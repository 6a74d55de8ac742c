#!/bin/sh
# The public image's contract: options or a .conf file alone mean redis-server; root gives its rights away.
set -e

case ${1-} in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis {} +
    exec setpriv --reuid redis --regid redis --init-groups "$0" "$@"
fi
umask 0077
case "$*" in
*protected-mode*) ;;
redis-server*) set -- "$@" --protected-mode no ;; # the public image is compiled so
esac
exec "$@"
