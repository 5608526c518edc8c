"""The same lines and the same queries to the embedded store and to a real influxd: the answers must be equal.

    schema    a random schema and lines over it: odd names, types, gaps, late and overwritten points
    words     what queries are put together from: names, conditions, ranges, windows
    calls     aggregates, selectors and what is reckoned with them
    selects   SELECTs over measurements
    nested    SELECTs over SELECTs
    shows     SHOW statements, and those that take points away
    bracketed  queries with parentheses that nobody needs
    wrong     statements that are refused, and mutations of right ones
    queries   random queries over a schema, from all of these
    constructs  the parts of the grammar that the seeded queries have to hold
    test_writes  lines that are easily got wrong
    pair      both stores filled with the same lines, asked the same, answers compared
    known     where InfluxDB does not agree with itself: each case with its reason, held to differ still
    __main__  `make differential`: as many as the time allows, from a seed that is printed

One seed always makes the same lines and queries. Every series has times of its own: InfluxDB's order of points of
several series at one moment hangs on its heap.
"""
