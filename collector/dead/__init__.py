"""Lines that were refused for good, by a store after the acknowledgement or by intake instead of one.

letter   what a letter is, which ones are wanted
file     one SQLite database: its format, and reading it
box      keeps letters: durable before they are counted on, bounded, accounted for
"""
