"""The store without a server: DuckDB in this process, one file, `telemetry.duckdb`.

    schema      what a bucket holds, as values: tables, columns, physical names, types
    catalog     those values in the file: read at open, grown within the writer's transaction
    shapes      a body of lines, sorted by shape (measurement, tag keys, field keys), into whole Arrow columns
    fallback    the same for lines that no shape reads: escapes, strings, odd orders; one line at a time
    rows        columns of lines into rows of one table: one row per series and time, merged field by field
    writer      one shipment, one transaction: rows, new columns, and the position behind them
    query       InfluxQL answered from the file (reads only)
    store       opens the file, owns the threads, keeps the store contract

Invariant: a table has at most one row for each (time, tags); rows and position are committed together or not at all.
"""
