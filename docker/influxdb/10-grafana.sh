#!/bin/bash
# Runs once, on the first start of an empty volume: Grafana gets a user that can read one bucket and nothing else.
set -eu
bucket_id=$(influx bucket list --name "$DOCKER_INFLUXDB_INIT_BUCKET" --hide-headers | cut -f 1)
influx v1 auth create --username grafana --password "$(cat /run/secrets/grafana_read_password)" \
  --read-bucket "$bucket_id" --org "$DOCKER_INFLUXDB_INIT_ORG" >/dev/null
