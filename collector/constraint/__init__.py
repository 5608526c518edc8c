"""What keeps a token's lines to its allowance (`collector.allowance`).

    measurement_scope  a check at the gate: no other measurement
    forced_tags        a check at the gate: tags that every line carries, with no other value
    series_quota       a check: a budget of series
    line_rate          lines per second, by the body
    binding            all of it for one token, built once and remembered

At the gate lines are judged as they came, before any transform: what a token may say is about what its holder sends.
"""
