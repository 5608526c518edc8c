"""Where the lines rest and where questions are answered: one contract, three stores. Usable on its own.

contract    Reader, Writer, Store, and the values that pass through them
errors      what a store says when it cannot: unavailable, bucket missing, refused, query wrong
embedded    DuckDB in this process; no server at all
influxdb    InfluxDB 2 over HTTP
remote      a collector's /query: for processes that may not open the embedded file themselves (reads only)
catalog     kind -> store
metered     any store, counted and timed
standing    how a store that keeps its points itself stands, as metrics
wire        what an answer of /query over HTTP means, for influxdb and remote
column      a column of numbers in an answer, as numpy has them
windowed    series that have the same times, as such columns
render      results in InfluxDB's own JSON (and CSV), epoch or RFC 3339
splice      long rows of numbers as JSON, without an object for each
"""
