"""Telemetry in. The rooms stand in the order in which the data walks.

    intake -> decode -> transform -> check -> buffer -> deliver -> store

    intake/     who hands us bytes: HTTP, this host
    decode/     bytes of one protocol -> line protocol with ns timestamps, and a verdict for every line
    transform/  what is made of a line before it is checked and stored: names, units, keys, what goes
    check/      what a line must satisfy beyond its grammar: the field types pinned for its bucket
    constraint/ what keeps the lines of one token to what it is held to
    pipeline    decode, transform and check in one pure call: request body in, Batch and verdict out
    examination one body's way through those rooms; rewriting and shapes spare it what is known of lines before
    buffer/     durable, group-committed log per bucket; an acknowledgement means it is in there
    deliver/    the only retry loop: buffer -> every destination, and refused lines to the dead letters
    dead/       the dead letters: lines that were refused for good, after the acknowledgement or instead of it
    ledger      what became of every line, by bucket, source and destination
    tail        the live tail: what followers see of the lines that come in
    tokens      who may write, read or administer; allowance is what a token's writing is held to
    health      our own metrics as lines, through the same door as everybody's
    app         composition root
    config      what tocsin.yml says under `collector:`
    metrics     every self-metric of the collector's back half, by name

Everything before the buffer is undone by a crash, nothing behind it is.
"""
