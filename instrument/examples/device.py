"""A device of 64 kB of memory: plain sockets and JSON, as MicroPython has them. Runs there and on any Python 3.

Readings wait in a short list while the collector is away, and keep the time at which they were taken. On a board, set
its clock first (ntptime), and read a sensor where `measure` makes numbers up.
"""

import json
import socket
import sys
import time

HOST, PORT, TOKEN, DEVICE, FIRMWARE = "127.0.0.1", 8186, "", "greenhouse-1", "1.0"
MOST_WAITING = 60
EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0  # some boards count from 2000
STARTED_S = time.time()
waiting = []


def measure(turn):
    """What a sensor would say."""
    return {"temperature_c": 20.0 + turn % 5, "humidity_pct": 40.0 + turn % 7}


def status(turn):
    """The sign of life: how full the battery is, how well the radio is heard (dBm), and since when the device runs."""
    return {"battery_pct": 100.0 - turn % 50, "rssi_dbm": -60.0 - turn % 9, "uptime_s": int(time.time() - STARTED_S)}


def keep(turn):
    """Take a reading and a sign of life; the oldest go when too many wait."""
    tags = {"device": DEVICE, "site": "greenhouse"}
    add("device_reading", dict(tags, kind="climate"), measure(turn))
    add("device_status", dict(tags, firmware=FIRMWARE), status(turn))
    while len(waiting) > MOST_WAITING:
        waiting.pop(0)


def add(measurement, tags, fields):
    """A point of now, in milliseconds since 1970."""
    at = (int(time.time()) + EPOCH_S) * 1000
    waiting.append({"measurement": measurement, "tags": tags, "fields": fields, "time": at})


def post(body):
    """The status of one POST; OSError where nobody answers."""
    token = "Authorization: Token %s\r\n" % TOKEN if TOKEN else ""
    head = "POST /v1/telemetry?precision=ms HTTP/1.0\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    link = socket.socket()
    try:
        link.settimeout(10)
        link.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
        link.sendall((head % (HOST, token, len(body))).encode() + body)
        return int(link.recv(12).split()[1])
    finally:
        link.close()


def push():
    """Send what waits; it goes from the list when it was taken, or can never be."""
    try:
        status = post(json.dumps(waiting).encode())
    except OSError:
        return
    if status < 500 and status not in (401, 403, 404, 429):
        del waiting[:]


def run(turns, every_s):
    """Measure and push so many times."""
    for turn in range(turns):
        keep(turn)
        push()
        if turn < turns - 1:
            time.sleep(every_s)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        HOST, PORT = sys.argv[1].rsplit(":", 1)
        PORT = int(PORT)
    run(int(sys.argv[2]) if len(sys.argv) > 2 else 10**9, 10)
