"""Continuous queries: rows of aggregates by window, kept up to date as lines arrive, however late.

    definition  what a rollup is, read from the configuration and checked: source, window, target
    spans       which windows are to be rolled, as a set of spans of time (pure)
    marks       those sets in the file, changed in the very transaction of the rows that touch them
    starting    what the file knows of rollups brought in line with the configuration when it is opened
    reading     one slice of windows, aggregated beside running writes
    replacing   the slice's rows put in the place of those that the target had
    rolling     the task that rolls what is due, newest first, and knows how far each rollup is

Invariant: a window that has ended is marked, or its rows in the target are what its points give now, or part of its
points was deleted for their age and its rows are what they gave before.
"""
