"""Alarms out. The line, in the order in which a decision walks:

    rules -> evaluate -> state -> route -> group -> mute -> outbox -> notify

    rules/      a rule as a value, and the reading of rule files; threshold -> level
    state       THE table of alert states, pure: (alert, datapoint, now) -> (alert, transition)
    evaluator   asks the store for every rule when it is due and feeds the table
    routing/    which receiver hears of an alert, and with whom it is grouped; pure
    memory/     alert states, groups, incidents and the outbox in one SQLite file, one transaction a decision
    dispatcher  flushes groups into the outbox and drains the outbox through the notifiers
    notify/     one file for each way to reach a person
    api         what it all looks like over HTTP
    app         composition root
    config      what tocsin.yml says under `alerting:`, and notify.yml
    metrics     every self-metric of alerting, by name
"""
