"""The store without a server: DuckDB in this process, one file, `telemetry.duckdb`.

    store       owns the threads, keeps the store contract
    file        the file while it is open: connections, catalog, writer and reader, made and closed together
    schema      what a bucket holds, as values: tables, columns, physical names, types
    catalog     those values in the file: read at open, grown within the writer's transaction
    migration   a file of an older format made one of the present
    damage      what is said about a file that cannot be opened or read
    copying     a copy of the file as of one moment, beside running writes
    export      points out of such a copy, as line protocol and as Parquet
    parquet     what a Parquet file says of its columns, and lines out of such files
    upkeep      what the store does with its points by itself: puts together the following
    retention   how long a bucket keeps its points
    expiry      deletes those that are older
    belief      which time it is for that: a clock that is wrong by years must not delete everything
    quota       how much of the disk it may take, and what happens at the end of it
    compaction  points put where they belong: those that came late, and those of few series together
    sizes       `512MB` in bytes
    rollups     continuous queries: aggregates by window in measurements of their own, kept right as lines arrive

Writing, in the order in which lines walk:

    writer      one shipment, one transaction: new columns, rows, and the position behind them
    intake      one body on its way from bytes to Arrow tables
    cutting     a body cut into lines, and each line into its head and the rest
    heads       what stands before a line's first blank: measurement and tags, each read once
    sorting     a body of lines, sorted by measurement and shape; every line goes to exactly one place
    shapes      fields of one shape (typed keys, in order) into whole Arrow columns
    index       which series there are, in memory
    numbering   the number of each series in the file
    fallback    lines that no shape takes, one at a time: escapes, newlines in strings, everything wrong
    deleting    DELETE and DROP MEASUREMENT, by the writer
    widening    new columns of large tables, ahead of the rows
    rows        columns into a table: one row for each series and time, merged field by field
    clustering  in which order they stand there: by time in the large, series behind series in the small

Reading, in the order in which a question walks:

    answerers   the threads in which questions are answered
    ahead       what is read before anybody asks for it
    query       statements in, results out, within a deadline
    deadline    stops what takes too long, or that nobody waits for
    crowd       who lacks memory beside others is answered again
    reserve     the memory that it has besides, set back behind it
    session     what one question holds on to: its cursor, its database, its moment
    instant     questions that are answered without a thread
    quick       which SELECTs those are
    statements  SQL that comes again, parsed once
    plans       plans of SELECTs that come again, made once
    prepared    those that are quick: all but their bounds of time is known
    ready       what is known of a plan over one source whatever the bounds
    show        SHOW statements
    cardinality SHOW ... CARDINALITY
    select      SELECT: its sources' points filled, transformed, merged by time, cut to its limits
    sources     measurements by name or regex, and inner SELECTs
    inner       the answers of those as columns, for the query around them
    told        such an answer in memory
    around      the query around it, answered from that
    folds       windows of which nothing is left out, told whole ones at a time
    choice      which series a condition on tags means, told in memory
    source      what a SELECT reads: a measurement, or the answer of an inner one
    scan        one pass over a source: FROM and WHERE, and what its rows are grouped by
    points      raw rows and the points of each call, group by group
    latest      last() out of the newest rows alone
    newest      the last value of each of many series, as columns
    spans       from when to when a table's points lie, about
    edge        a few raw points out of the end of the time range at which they stand
    percentiles percentile(), in two looks
    selection   percentile() of values that nothing groups
    narrowing   percentile() of very many values, in little memory
    raw         the points of one field, for transformations of raw points
    calls       rows of a SELECT with calls
    transform   derivative, difference, moving_average and their kin
    integral    areas under points
    fill        empty windows
    totals      counts and sums of whole ranges out of windows that are over
    columns     windows that memory knows, filled and calculated as columns
    calculation what is to be calculated of them, told once by a plan
    steps       transformations of such windows
    series      SLIMIT and SOFFSET
    recent      the newest rows of what is asked again and again, in memory

Invariant: a table has at most one row for each (time, tags); rows and position are committed together or not at all.
"""
