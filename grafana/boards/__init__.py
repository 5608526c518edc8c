"""The boards, one file each: a module with `build() -> Board`, a function of code and rules alone.

catalog      uid -> build, one line a board
overview     what is wrong now, and where to go on (whoever is called first)
red          response times: rate, errors, duration (responder, developer)
endpoint     one endpoint, by status and release (developer)
slo          objectives: error budgets, burn rates (product owner, responder)
business     orders, revenue, people, products, stock (product owner)
devices      who is up, who is silent, battery, signal, firmware (operator)
device       one device (operator)
host         CPU, memory, disk, load and network of the machines (operator)
alerts       what fires, what fired, how long, which rules are noisy (responder)
pipeline     our own health: lines in, waiting, delivered, given up (operator)
requests     what the boards about requests share
"""
