"""What stands below each command's `--help`: what to type, and what one has to know. A test types every example."""

TOP = """\
start here:
  tocsin up --demo                     everything in one process, with a simulated shop and devices
  tocsin demo fault latency --for 2m   break the shop: a shipped rule pages, then resolves
  tocsin query 'SELECT mean(duration_ms) FROM http_request WHERE time > now() - 5m GROUP BY endpoint'
  tocsin tail --rejected               lines as they come in, and why some are refused
  tocsin check                         read every file and say what is wrong, before anything starts

exit codes: 0 done; 1 it ran and the answer is no; 2 it could not run (usage, configuration)
"""

UP = """\
examples:
  tocsin up --demo                     what `make run` does; state in ./var beside the program
  tocsin up                            what ./tocsin.yml says; without that file, the defaults
  TOCSIN_STATE=/srv/tocsin tocsin up   every key of tocsin.yml is also a variable (docs/configuration.md)
  tocsin up --take-over                a new version replaces the running one; no device is refused meanwhile

Ctrl-C or SIGTERM stops it within seconds; SIGHUP takes up changed files. Where it listens stands in STATE/listen.json.
"""

ROLE = """\
Each role can run in a process of its own. It finds the others by the URLs in its section of tocsin.yml, else by
listen.json of the same state folder. Ctrl-C or SIGTERM stops it within seconds; SIGHUP takes up changed files.
"""

CHECK = """\
examples:
  tocsin check                         ./tocsin.yml, and the rules, receivers and boards that it names
  tocsin check --config /etc/tocsin/tocsin.yml --json

Each problem names file, line and path, what was expected, and the nearest valid name. Nothing is started or written.
"""

QUERY = """\
examples:
  tocsin query 'SHOW MEASUREMENTS'
  tocsin query "SELECT last(temperature_c) FROM device_reading WHERE time > now() - 1h GROUP BY device"
  tocsin query --json 'SELECT count(duration_ms) FROM http_request WHERE time > now() - 5m' | jq .
  tocsin query --url http://collector:8186 --token-file read.token 'SHOW TAG KEYS FROM http_request'

The language is described in docs/influxql.md.
"""

FAULTS = """\
examples:
  tocsin demo fault latency --for 2m   checkout gets slow: the alert FeatureSlow
  tocsin demo fault errors             the shop fails: ErrorRateHigh
  tocsin demo fault silence            devices stop reporting: DeviceSilent
  tocsin demo fault none               whole again, now
"""

RULES = """\
examples:
  tocsin rule test tests/rules/shop.yml
  tocsin rule test --json tests/rules/*.yml | jq .passed

The shape of a test file is described in docs/rules.md.
"""

SECRETS = """\
examples:
  tocsin secrets make --into /run/secrets --state /var/lib/tocsin
  tocsin secrets show --into /run/secrets
  tocsin secrets hash                    for console.password
"""

HEALTH = """\
examples:
  tocsin health http://127.0.0.1:8186/ready
"""

LETTERS = """\
examples:
  tocsin dead list --reason field_type --since 2h
  tocsin dead show 17
  tocsin dead summary                                what became of all there ever were, by bucket and source
  tocsin dead export --since 1d | jq -r .line        all of them, one JSON object a row
  tocsin dead replay --measurement device_reading    once the cause is mended: what is refused again stays
  tocsin dead purge --source token:old-gateway

A dead letter is a line that was refused for good, with its reason, source and time (docs/dead-letters.md). Where tokens
are required, it takes scope admin; on the collector's own machine the stack's own token is found by itself. Where no
collector runs, list, show, export and summary read what it left in the state folder.
"""

EXPLAIN = """\
examples:
  tocsin explain 'device_reading,device=d7 temperature_c=21.4'
  tocsin explain 'm f=1i 1700000000' --precision s --source token:gateway
  tocsin explain --json-item '{"device": "d7", "temperature_c": 21.4}' --json
  tocsin explain alert 9f2c4a            why it fires, who was told, and if nobody, which silence or calendar it was
  tocsin explain rollup requests_1m      what it writes where, until when it is complete, why it fails

A line is shown to the running collector, with its own pins, checks and transforms; nothing is stored, counted or
learnt.
"""

TAIL = """\
examples:
  tocsin tail                                           every line, as soon as it is acknowledged
  tocsin tail --measurement device_reading --tag device=d7 --rejected
  tocsin tail --field temperature_c --json | jq '.fields.temperature_c'
  tocsin tail --source token:gateway --count 100        of one sender, then end

Lines are shown as they are stored, refused ones with their reason. Intake never waits for it: what comes too fast to
be shown is skipped, and it is said how much (docs/tail.md). Ctrl-C ends it; it waits for a collector that restarts.
"""

ACKNOWLEDGE = """\
examples:
  tocsin ack                             what is open, and who has it
  tocsin ack 9f2c4a --comment 'looking at the database'
  tocsin ack 5d1c0f --by ann             every open alert of the incident
  tocsin ack 9f2c4a --undo

PagerDuty and Slack say who has it. It ends when the alert ends or gets worse, and then people are paged as ever; a new
alert of the incident pages, too (docs/acknowledging.md).
"""

SILENCES = """\
examples:
  tocsin silence add 'alertname="CheckoutSlow"' 'severity="warning"' --for 2h --comment 'moving the database'
  tocsin silence list
  tocsin silence expire 4f1c22a09b3e

An alert that meets all matchers pages nobody meanwhile; if it still fires when the silence ends, it does then. Whoever
was paged before hears of the end all the same (docs/notifications.md).
"""

DOCTOR = """\
examples:
  tocsin doctor
  tocsin doctor --json | jq '.findings[] | select(.level == "wrong")'

Files, disk, ports, tokens, clocks, the store, a reading that goes in and comes out, rules, receivers, silences: exit 0
where all is fine, 1 where something is wrong, 2 where the configuration cannot be read. Works without a running process
too. It writes one reading, tocsin_probe, and changes nothing else (docs/doctor.md).
"""

STATUS = """\
examples:
  tocsin status
  tocsin status --json | jq .closes

By bucket and source, since the collector started: received + carried = delivered + buffered + rejected + dead + taken
out (docs/ledger.md). Exit 1 where that does not add up. Below it, how far each rollup is (docs/rollups.md).
"""

BACKUP = """\
examples:
  tocsin backup /backups/monday        a folder; it has its name when it is whole and verified
  tocsin backup /backups/monday.tar    one file
  tocsin backup --json /backups/monday | jq .lines
  tocsin backup monday.tar --url https://collector:8186 --token-file backup.token --rate 20MB    from another machine

A running collector makes the copy of its store, and goes on. What a backup holds: docs/backup.md.
"""

RESTORE = """\
examples:
  tocsin restore /backups/monday                       into the state folder that is configured, if it is empty
  TOCSIN_STATE=/srv/tocsin tocsin restore monday.tar   into another one
  tocsin restore --store monday.tar                    the store alone, where a damaged one was moved away

Checksums and the points of every measurement are compared before anything gets its name.
"""

EXPORT = """\
examples:
  tocsin export shop.lp.gz --measurement shop_order --since 30d
  tocsin export /lake/telemetry --format parquet       what DuckDB, Spark and Superset read
  tocsin export all.lp --bucket archive --until 2026-01-01T00:00:00Z
  tocsin export all.lp.gz --url https://collector:8186 --token-file backup.token --rate 20MB     from another machine

A running collector makes a copy of its store, and goes on (docs/backup.md).
"""

IMPORT = """\
examples:
  tocsin import shop.lp.gz
  tocsin import /lake/telemetry                        what `tocsin export --format parquet` made, bucket by bucket
  tocsin import shop.lp.gz --bucket copy --url http://collector:8186 --token-file write.token

Lines pass the same checks as everybody's. Exit 1 when some were refused: they are dead letters, with their reasons. The
same file twice leaves one point each.
"""

CREDENTIALS = """\
examples:
  tocsin token create gateway                   writes to every bucket; printed once, kept as a hash only
  tocsin token create d7 --bucket home --measurement 'device_*' --tag device=d7 --expires 90d
  tocsin token create app --lines-per-second 500 --burst 5000 --series 10000
  tocsin token list --json | jq '.tokens[] | select(.expires != null)'
  tocsin token revoke gateway                   takes effect within a second, without a restart

Measurements, tags and quotas bind writing; reading is by bucket (docs/tokens.md).
"""
