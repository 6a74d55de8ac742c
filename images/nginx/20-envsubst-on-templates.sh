#!/bin/sh
# /etc/nginx/templates/NAME.template → /etc/nginx/conf.d/NAME, with the variables that are set put in; nginx's own
# $variables stay, because only names of set variables are replaced.
set -eu

from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}

[ -d "$from" ] || exit 0
if [ ! -w "$to" ]; then
    echo "$0: $from exists, but $to is not writable: templates are not used" >&2
    exit 0
fi
# shellcheck disable=SC2016 # envsubst wants the names with their $, not the values
names=$(env -0 | tr '\n\0' ' \n' | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E "${NGINX_ENVSUBST_FILTER:-}" |
    sed 's/.*/${&}/' | tr '\n' ' ')
find "$from" -follow -type f -name "*$suffix" | while read -r template; do
    target=$to/${template#"$from/"}
    target=${target%"$suffix"}
    mkdir -p "$(dirname "$target")"
    envsubst "$names" <"$template" >"$target"
done
