#!/bin/sh
# The public image's contract: before nginx starts, run /docker-entrypoint.d in order; .envsh files may set variables.
set -e

if [ "$1" = nginx ]; then
    for file in /docker-entrypoint.d/*; do
        case $file in
        *.envsh)
            # shellcheck source=/dev/null
            [ ! -x "$file" ] || . "$file"
            ;;
        *.sh) [ ! -x "$file" ] || "$file" ;;
        esac
    done
fi
exec "$@"
