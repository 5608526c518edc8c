"""Points put where they belong, by time and then by series, so that questions about the past stay quick.

A question skips what lies outside its time by whole row groups, of which DuckDB keeps the first and last time. A point
that comes late stands in one group with those of its day of arrival, so that group spans all the time in between, and
no question about it skips the group. Compaction takes some groups that lie across one moment and orders their rows.
What comes in small shipments has all series mixed, so that a question about one reads everything; such groups are moved
once, and their rows put series behind series.

    disorder    which groups are worth it: values alone
    groups      the row groups of a table, as the file has them
    mixture     in which of them all series stand mixed
    slicing     how the rows of a move are put
    touched     what the writer does to a table meanwhile
    moving      one move: rows of some groups to the table's end, in their order, in one transaction
    room        whether the disk and the quota have room for it
    compaction  the task that looks through all tables, move after move

Invariant: a move changes no answer. Its transaction takes rows away and puts the same rows in; whatever kills the
process leaves them in one of both places, and nothing about it is remembered: what is left to do shows in the file.
"""
