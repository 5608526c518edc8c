"""The same lines and the same queries to the embedded store and to a real influxd: the answers must be equal.

    schema    a random schema and lines over it: odd names, types, gaps, late and overwritten points
    queries   random queries over a schema, from the whole grammar that is supported
    test_writes  lines that are easily got wrong
    pair      both stores filled with the same lines, asked the same, answers compared
    known     where InfluxDB does not agree with itself: each case with its reason, held to differ still
    __main__  `make differential`: as many as the time allows, from a seed that is printed

One seed always makes the same lines and queries. Every series has times of its own: InfluxDB's order of points of
several series at one moment hangs on its heap.
"""
