"""What people write into rule files, as values.

    threshold   `> 300`: which values reach it
    policy      thresholds, timers and gaps: what the state table needs to know of a rule
    query       the rule's InfluxQL: what is allowed, its bounds in time, the value of each series in an answer
    recipe      how a rule's value is made of answers: one question, a ratio of two, a comparison with before
    column      the values of many series side by side
    folding     the questions of many rules as few scans, exactly as if each was asked by itself
    reading     the values of each question out of the answers to those scans
    slo         an objective in a rule file: the rules that page by how fast its error budget burns
    when        conditions on other rules
    composite   rules that ask how other rules stand, not what the store holds
    template    summary, description and runbook_url: sandboxed Jinja2
    filters     ms, duration, percent, bytes, si: numbers as people read them
    rule        one rule of a file, validated as it is read
    ranges      which values a rule can have at all, as far as its query proves it
    load        rule files -> rules
    notation    promtool's notation for the samples of a series
    cases       a file of rule tests, as a value

All of it is pure but `load` and `cases`, which read files.
"""
