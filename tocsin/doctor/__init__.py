"""`tocsin doctor`: walks the line as a person would and says for each step: fine, or what is wrong and what mends it.

A new check is one class and one line in the catalog. Only the probe changes anything: it writes one reading. Only
loopback and configured addresses are asked, and each has a time-out; no secret is shown.

contract   what a check is
finding    what a check finds
catalog    every check, in order
command    runs them and prints
patient    what they may look at: the configuration, and how to ask the roles under it
machine    this machine: disk, ports, processes, Python
web        asking over HTTP, within bounds
files      what a start would read; who is told, and the sign of life
certificates  what our roles listen with: until when, for which names
limits     what the operating system allows
folder     the state folder and its disk
running    processes and ports
tokens     tokens of the collector
clocks     clocks of all who answer
servers    every InfluxDB that is configured
upkeep     what the store does by itself: rollups, quota, ages
intake     the collector: accepting, waiting, dead letters, and the probe
boards     what the boards ask, and whether there is something to show
apps       what instrumented apps lost
alarms     alerting: rules, receivers, silences, who may change them
reach      connections to those who are told
versions   Python, platform, packages
"""
