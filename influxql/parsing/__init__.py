"""Recursive descent over tokens, one file for each part of the grammar.

cursor       where the parser stands; what it expected when it fails
expressions  operands, operators by precedence, calls, literals
clauses      sources, WHERE, LIMIT and its kin: what SELECT and SHOW share
select       SELECT and its own clauses
show         SHOW statements
change       DELETE, DROP MEASUREMENT and DROP SERIES
unimplemented  what InfluxDB 2 reads and does not run
"""
