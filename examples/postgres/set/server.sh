# A server of the set, by its ordinal: the first is the primary, the others are copies of it that follow it and can be read.
set -eu
data=${TROUPE_PATH_PGDATA:-/pgdata}/$POD_NAME
# Made beside, so that it is whole when it is there.
draft=$data.draft
if [ "${POD_NAME##*-}" = 0 ]; then
  if [ ! -d "$data" ]; then
    rm -rf "$draft"
    printf %s "$POSTGRES_PASSWORD" >"$draft.password"
    initdb --pgdata "$draft" --username postgres --pwfile "$draft.password" --auth scram-sha-256 --encoding UTF8 --locale C
    rm "$draft.password"
    echo "create role replicator replication login password '$REPLICATION_PASSWORD'" | postgres --single -D "$draft" postgres
    printf 'host all all all scram-sha-256\nhost replication replicator all scram-sha-256\n' >>"$draft/pg_hba.conf"
    mv "$draft" "$data"
  fi
else
  # For the copy now, and for what is followed later.
  export PGPASSWORD="$REPLICATION_PASSWORD"
  until [ -d "$data" ]; do
    rm -rf "$draft"
    if pg_basebackup --pgdata "$draft" --host "$PRIMARY" --username replicator --no-password --checkpoint fast; then
      touch "$draft/standby.signal"
      mv "$draft" "$data"
    else
      sleep 1
    fi
  done
fi
exec postgres -D "$data" -c listen_addresses="$POD_IP" -c unix_socket_directories= -c cluster_name="$POD_NAME" \
  -c wal_keep_size=256MB -c primary_conninfo="host=$PRIMARY user=replicator"
