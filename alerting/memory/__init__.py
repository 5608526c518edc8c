"""What alerting must not forget: alert states, groups and their incidents, the outbox, what was sent.

    contract    Memory
    sqlite      one file, one writer thread, one transaction a decision
"""
