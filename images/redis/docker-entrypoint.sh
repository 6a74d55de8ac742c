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
if [ "$1" = redis-server ]; then
    # The public image is compiled with protected mode off. A file comes first on redis' command line.
    shift
    case ${1-} in
    -* | '') set -- redis-server --protected-mode no "$@" ;;
    *) file=$1 && shift && set -- redis-server "$file" --protected-mode no "$@" ;;
    esac
fi
exec "$@"
