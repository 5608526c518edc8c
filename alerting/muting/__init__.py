"""Why an alert is held back from people although it is open: a silence, another alert, or the hour.

silence      a silence that somebody set: matchers, author, comment, from when to when
inhibition   an alert that others make superfluous, as in Alertmanager's inhibit_rules
calendar     named time intervals, as in Alertmanager, and events of an iCal file
mutes        all three asked at once: why is this alert muted now, and for how long

Everything here is pure. The dispatcher asks when a group is due; memory keeps the silences.
"""
