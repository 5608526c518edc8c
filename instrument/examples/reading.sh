#!/bin/sh
# One reading of a device, with nothing but curl: ./reading.sh DEVICE TEMPERATURE
# Exits with an error when it was not taken, so that cron tells; curl tries again where that helps.
set -eu
: "${TOCSIN_URL:=http://127.0.0.1:8186}"
curl --fail-with-body --silent --show-error --retry 3 --max-time 10 \
  ${TOCSIN_TOKEN:+--header "Authorization: Token $TOCSIN_TOKEN"} \
  --header 'Content-Type: text/plain; charset=utf-8' \
  --data-binary "device_reading,device=$1,site=here,kind=climate temperature_c=$2" \
  "$TOCSIN_URL/api/v2/write?bucket=telemetry"
