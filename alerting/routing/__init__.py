"""Who hears of an alert, and with whom it is grouped. Pure.

matchers    Alertmanager's matchers: =, !=, =~, !~
tree        the routing tree: labels -> receivers with their group_by and timers
group       a group at a receiver: when to flush it, whether there is anything to say, and why
taken       what a group spares its receiver because somebody has its alerts in hand
book        all open groups, and which of them hold an alert
"""
