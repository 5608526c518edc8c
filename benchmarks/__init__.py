"""Numbers, measured: `python -m benchmarks [NAME ...] [--json] [--quick]`.

What runs: `catalog` names the benchmarks, each a module with one function `measure` (`contract`).
    intake      lines and requests acknowledged durably, and how long that takes
    delivery    from the buffer into each store
    pipeline    decoding and checking alone, in memory
    store       each store alone, without a buffer
    page        from an event to the pager, and how many pages a second

What they share: `figures` (what is printed), `lines` (what is sent), `load` (who sends it), `process` and `sink` (what
runs beside).
"""
