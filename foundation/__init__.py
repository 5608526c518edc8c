"""What every room stands on, and nothing else: no room of the product is imported here.

errors      the tree of errors; each carries the decision whether to try again
batch       the currency between rooms: line protocol as bytes
line_protocol   grammar, verdicts and encoding of InfluxDB's line protocol
settings    YAML and environment in, frozen typed values out
description what a type expects, in words
secret      text that redacts itself
durations   "1m30s" to timedelta and back
clock       the only place that reads the time
backoff     how long to wait before the next attempt
lifecycle   named tasks, roles, signals, bounded shutdown
listen      listen.json: which role accepts where
web         addresses, sites, JSON answers, /metrics
tls         certificates to listen with and to trust, followed while they are renewed
handover    listening sockets from one process to the next
logs        one line an event, key=value or JSON
allocation  few heaps for all threads, so that freed memory is used again
"""
