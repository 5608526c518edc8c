"""What alerting must not forget: alert states, groups and their incidents, the outbox, what was sent.

contract    Memory, and the values that go in and out
sqlite      Memory in one SQLite file
writer      the one thread that touches the file; decisions that wait together share a transaction
schema      tables, format number, migration
supersede   a newer message takes the place of an older one that still waits; pure
codec       values to JSON and back
"""
