"""Alarms out. The line, in the order in which a decision walks.

    rules -> evaluate -> state -> route -> group -> mute -> outbox -> notify

rules/      a rule as a value, and the reading of rule files; threshold -> level
contract    the seams around the evaluator: Recorder, Lag
lag         how far the store is behind the collector
evaluator   asks the store for every rule when it is due
concluding  what the answers mean for the rules: decided, recorded together, accepted
gate        many at a time, or one alone
inquiry     asks the store: one recipe for the rehearsal, rounds of recipes by few scans for the evaluator
roster      which rules are watched, and which alerts have lost their rule
watch       one rule at work: its alerts, and what an answer of the store means for them
recent      the newest datapoints of an alert, packed; pure
resting     the alerts of a rule, of which those that are well cost next to nothing; pure
state       THE table of alert states, pure: (alert, datapoint, now) -> (alert, transition)
looking_back  M of N datapoints, as CloudWatch evaluates them; pure
alert       an alert and its transitions as values
steps       steps of the clock, and for how long windows are in doubt after one
sight       the one alert that says that rules are blind
reach       the alerts that say that notifiers fail; self_watch asks for them and records them
rehearse    unit tests of rules, through the path that pages
preview     the messages that an alert of a rule would come to
findings    what `tocsin check` finds about rules: those that can never fire or never end; pure
untold      the same about notify.yml: matchers that no alert meets, receivers nobody routes to; pure
diagram     docs/alert-states.md, drawn from the table
routing/    which receiver hears of an alert, and with whom it is grouped; pure
memory/     alert states, groups, incidents and the outbox in one SQLite file, one transaction a decision
dispatcher  routes and records evaluations, flushes groups that are due
recording   evaluations on their way into memory: those that come together share a transaction
portion     how much of what waits is taken on at once; pure
flush       what a group says, as one message; pure
muting/     why an alert is held back: silences, inhibition, calendars; pure
quiet       who is not to be told: muting, as the dispatcher keeps it
taking      what follows when somebody has an alert in hand; pure
acknowledgement  who that is, as a value
fallback    who hears of an incident when its own receiver cannot be reached; passing looks for such incidents
detour      who hears of notifiers that fail: everybody but those that it is about; pure
send        drains the outbox through the notifiers
lane        what waits to be sent, in which order, and who may be busy with it
notify/     one file for each way to reach a person
chronicle   what stands in the history: transitions, and who had an alert in hand; pure
events      every transition as a line of `alert_event`
front_door  the collector's intake, from outside
api         what it all looks like over HTTP; silencing, acknowledging and account_route are parts of it
admission   who may change something over HTTP
account     why an alert is as it is, and who is told of it or why nobody; pure
heartbeat   a sign of life to an outside address, for as long as alarms would get out
shapes      the JSON of the API; openapi and schemas describe it
config      what tocsin.yml says under `alerting:`, and notify.yml
files       the files that alerting follows
equipping   from notify.yml to notifiers at work
app         composition root
metrics     every self-metric of alerting, by name
"""
