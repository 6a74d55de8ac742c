#!/usr/bin/env bash
# The public image's contract: on an empty PGDATA make the cluster, the user, the database, then run what lies in
# /docker-entrypoint-initdb.d against a server that only its socket reaches; in the end become the given command.
set -euo pipefail
shopt -s nullglob

# NAME, or the content of the file named by NAME_FILE (a secret), or the default.
setting() {
    local file=${1}_FILE
    if [[ -n ${!1-} && -n ${!file-} ]]; then echo "$1 and $file are both set: set one" >&2 && exit 1; fi
    if [[ -n ${!file-} ]]; then printf -v "$1" '%s' "$(<"${!file}")"; else printf -v "$1" '%s' "${!1-${2-}}"; fi
    export "${1?}" && unset "$file"
}

make_cluster() {
    local arguments=()
    # initdb takes the password from a file that nobody else can open, never from a command line.
    eval "arguments=(${POSTGRES_INITDB_ARGS-})"
    [[ -z ${POSTGRES_INITDB_WALDIR-} ]] || arguments+=(--waldir "$POSTGRES_INITDB_WALDIR")
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") "${arguments[@]}"
    local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        echo "$0: running $file"
        case $file in
            *.sh) if [[ -x $file ]]; then "$file"; else
                # shellcheck source=/dev/null
                . "$file"
            fi ;;
            *.sql) ask -f "$file" ;;
            *.sql.gz) gunzip -c "$file" | ask ;;
            *.sql.xz) xzcat "$file" | ask ;;
            *.sql.zst) zstd -dc "$file" | ask ;;
            *) echo "$0: ignored, neither .sh nor .sql" ;;
        esac
    done
}
ask() { psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"; }

[[ ${1-} != -* ]] || set -- postgres "$@"
case " $* " in *' --help '* | *' -? '* | *' --version '* | *' -V '* | *' --describe-config '*) exec "$@" ;; esac
if [[ ${1-} == postgres && $(id -u) == 0 ]]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    find "$PGDATA" /run/postgresql \! -user postgres -exec chown postgres {} +
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [[ ${1-} == postgres && ! -s $PGDATA/PG_VERSION ]]; then
    mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
    setting POSTGRES_PASSWORD
    setting POSTGRES_USER postgres
    setting POSTGRES_DB "$POSTGRES_USER"
    setting POSTGRES_INITDB_ARGS
    if [[ -z $POSTGRES_PASSWORD && ${POSTGRES_HOST_AUTH_METHOD-} != trust ]]; then
        echo 'Error: no POSTGRES_PASSWORD, and POSTGRES_HOST_AUTH_METHOD is not "trust": nobody could log in safely' >&2
        exit 1
    fi
    make_cluster
    export PGHOST=/var/run/postgresql PGPASSWORD=${PGPASSWORD-$POSTGRES_PASSWORD}
    # Same settings as the real start; on the socket alone, so that no client meets a half-made database.
    pg_ctl -w -D "$PGDATA" -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")" start
    if [[ $POSTGRES_DB != postgres ]]; then
        ask --dbname postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name"'
    fi
    run_init_files
    pg_ctl -w -m fast -D "$PGDATA" stop
    unset PGHOST PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
fi
exec "$@"
