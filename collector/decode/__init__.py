"""Bytes of one protocol to line protocol with ns timestamps, and a verdict for every line.

    contract        Decoder: what arrives, what comes out, and the Examiner that judges what is a line
    line_protocol   InfluxDB's own: v1 and v2 write API
    json_telemetry  readings as JSON, one object or an array
    forms           how readings of a form seen before are written without looking at their names again
    walk            the one pass over line protocol: whole runs of known lines, single lines otherwise
    tally           rejections counted, and the first of them kept
    limits          how large one line may be
    catalog         name -> decoder

A new protocol is one file here and one line in the catalog.
"""
