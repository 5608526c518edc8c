"""The newest rows of what is asked again and again, as columns in memory: rules ask for the same minutes each second.

    contract    what it needs of whoever asks
    demand      who asks how often, and how far back: which rows are worth keeping
    kept        what is kept of one table
    question    what of a SELECT can be answered from memory, told by its plan
    condition   what a condition says of tags, and what of single rows
    texts       the texts of a field as numbers
    room        which fields there is room for
    series      the tags of rows as numbers, and the groups of a question
    since       which rows of a table are read: from a moment on, of all series or of some
    rows        rows read from the file, as columns
    tail        the columns of one table, complete from a moment on, in order of time
    blocks      what whole blocks of rows come to, series by series
    stable      sorts
    chosen      where the rows of a few series stand
    order       the same rows in order of their values, for percentiles
    window      the rows of a tail within a question's bounds: counted, added up, picked
    distinct    how many different values there are
    panes       what each window of time comes to, group by group, kept until rows change
    stretch     the rows of windows that follow each other: the same for each of them
    changes     what a transaction touches, so that memory reads it again
    memory      the tails, kept true to the file, within a size, for as long as they are asked
    view        the windows of a question: whole ones that are kept, and those that its bounds cut
    grouping    which group of a question each series belongs to
    carried     what else is shown of a row that is picked
    answer      the rows of an answer out of a tail
    raw         a few raw points, as they are
    grid        the same by windows of time
    settled     windows that are over, as they were answered, of tables that do not fit

The file stays the truth: a row comes into memory by being read from it, never from a shipment. Invariants: an answer
is what DuckDB would have answered at some moment since the question came; no answer sees half a shipment; whatever
memory is not sure of is left to DuckDB.
"""
