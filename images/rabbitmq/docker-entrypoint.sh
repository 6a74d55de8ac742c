#!/bin/sh
# The public image's contract: root gives its rights away; the RABBITMQ_ variables are read by the server itself.
set -e

case $1 in
rabbitmq*)
    if [ "$(id -u)" = 0 ]; then
        chown -R rabbitmq /var/lib/rabbitmq
        exec setpriv --reuid rabbitmq --regid rabbitmq --init-groups "$0" "$@"
    fi
    ;;
esac
exec "$@"
