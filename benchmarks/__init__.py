"""Numbers, measured: `python -m benchmarks [NAME ...] [--json] [--quick] ...`.

What runs: `catalog` names the benchmarks, each a module with one function `measure` (`contract`).
    intake      lines and requests acknowledged durably, and how long that takes
    memory      what the collector keeps in memory at full rate, for as long as is asked
    outage      into a real InfluxDB while lines come in, and catching up when it was away
    delivery    from the buffer into each store, nothing else running
    pipeline    decoding and checking alone, in memory
    store       each store alone, without a buffer
    boards      what the shipped boards ask, by each store, over the same points
    boards-memory  what a collector with its store keeps in memory while lines come in and ten boards are open
    first-load  from the click to the last panel of each board, in a browser that was never there
    life        last values, the last hour of a long past, bytes for each point
    page        from an event to the pager, and how many pages a second
    instances   100 000 alerts firing at once: memory, and a restart with them
    instrument  what the instrumentation of an app takes of a request
    rules       many rules on many series, evaluated each second while lines come in

What they share: `figures` (what is printed), `lines` and `traffic` (what is sent), `load` (who sends it), `process`,
`sink` and `trivial` (what runs beside), `watch` (what a collector says of itself), `profiles` (where its time goes);
for queries `boards` (what is asked), `store_points` (of what) and `store_pair` (both stores, filled).
"""
