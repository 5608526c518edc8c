"""The front door: the command line. It wires roles together and holds no logic of its own.

__main__    arguments -> command -> exit code
arguments   the grammar of the command line
examples    what stands below each command's --help
config      what tocsin.yml holds: one section a room
sections    what each role is told of it: its section, with tokens and addresses filled in
roles       how each role is built from its section, and takes up another one
follow      follows the configuration file while roles run
keyring     the TLS of one process, and what is counted about it
lean        what it does without
inheriting  which sockets a process starts with
reaching    by which URL our own roles and commands reach a role
up          runs roles until a signal: up, collector, alerting, console, demo
greeting    what `up` says once all is ready
check       reads every file and says what is wrong, without starting anything
statements  reads the queries of boards
doctor      walks the whole line and says what is wrong (a room of its own)
query       asks the store and prints a table
secrets     makes the passwords and tokens of a compose stack, and hashes of passwords
health      asks a URL whether its role is well
dead        lists, shows, exports, replays and purges dead letters
letters     dead letters of the running collector, or of its file where none runs
explain     shows what the collector would make of a line
tail        follows the lines that the collector takes
transcript  how a followed line is written down
backup      copies the store and the state beside it
restore     puts a backup into an empty state folder
export      writes points as line protocol or Parquet
bringing    sends line protocol, or an export as Parquet, to the collector: tocsin import
instants    points in time as an operator types them
archive     what a backup is: a folder or a tar with a manifest
copying     a copy of the store, made by who has it open
fetching    brings such a copy here from another machine
status      shows what became of every line
accounts    shows why an alert is as it is, and who was told
rollups     shows how far a rollup is, and how the store stands
acknowledge says who has an alert in hand: tocsin ack
silences    makes, lists and ends silences
asking      asks a running role
tokens      makes, lists and revokes tokens
rules       tests rules
faults      breaks the demo on purpose
docs        generated pages of the documentation; commands_page is one of them
"""
