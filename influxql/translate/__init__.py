"""Trees to SQL (DuckDB's), with bound parameters. Nothing from a query's text ever stands in the SQL itself.

relation     what a translator knows of a measurement: its table, its columns
parameters   values bound by name
statement   a SELECT put together
predicate    conditions on fields and tags -> a WHERE clause
number       what a condition compares as a number -> an expression
scalar       a field or tag, cast -> an expression
timegroup    GROUP BY time() -> the start of a row's window
aggregate    a call -> columns of a grouped SELECT, and how to read them
percentile   percentile() -> the fractions of quantile_disc that hit its rank
ranking      top(), bottom(), sample() and distinct() -> a SELECT of their own
"""
