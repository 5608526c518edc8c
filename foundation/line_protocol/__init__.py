"""InfluxDB's line protocol: what a line is, whether it is one, and how to write one.

    line        Line, its typed values, and LineError
    split       where a line ends in a body (a quoted string may hold a newline)
    parse       one line of bytes to a Line, or the reason why it is none
    diagnose    the reason for a line that does not parse, in influxd's words
    encode      measurement, tags, fields, time to one line that can be read back
    precision   units of timestamps, scaled exactly
    rfc3339     written times to nanoseconds
    grammar     RE2 patterns over whole bodies: the fast path for lines of known shape

The verdict on a line is influxd 2.9.1's, except that a line is refused here as well when influxd would store something
else than what was sent, could not read the name back, or would end its own process on it.
"""
