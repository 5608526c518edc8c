"""`make fuzz`: the long, seeded runs of what the tests check briefly. Each lane compares two judges of the same input.

__main__      arguments, lanes one after the other, and the report
lane          what a lane is, and what it found
influxd       our verdicts, stored lines and values beside a real influxd's
paths         the fast path beside the slow one
readings      JSON readings of known forms beside each decoded alone
smallest      a body that still shows a fault, with all taken out that it does not need
"""
