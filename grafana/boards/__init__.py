"""The boards, one file each: a module with `build() -> Board`, whose text is a function of the code alone.

catalog      uid -> build, one line a board
red          response times: rate, errors, duration (responder, developer)
business     orders, revenue, people, products, stock (product owner)
devices      who is up, who is silent, battery, signal, readings (operator)
host         CPU, memory, disk, load and network of the machines (operator)
pipeline     our own health: lines in, waiting, delivered, given up (operator)
"""
