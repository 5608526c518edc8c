"""Who hands us bytes: HTTP, and this host itself.

http        the collector's paths on one bare aiohttp handler; IntakeConfig, Intake
connection  one client's connection: aiohttp's, less what is not used; shows lane and shortcut what may be theirs
lane        plain writes of known lines, judged, kept and answered together
shortcut    questions whose answer is at hand, answered where they arrive
head        the heads that these read themselves
write       /api/v2/write, /write, /v1/telemetry
query       /query
question    what a request to it asks
sharing     equal questions at once are answered by one run
results     its answers: JSON or CSV, packed, long ones in pieces
chunks      answers to chunked=true
health      /ping, /health, /ready
body        reading and inflating within limits
access      which token, and whether it suffices
slowdown    wrong tokens wait for their answer
buckets     whether a bucket exists
turns       a body of many unknown lines, judged in turns
door        pipeline, then buffer: the one way in, for HTTP and for our own inputs
refusals    lines that were not taken, on their way to the dead letters
replay      dead letters back through the door
letters     /api/v1/dead
explain     /explain: what every room makes of one line
witness     the pipeline, watched
accounts    /api/v1/ledger
waiting     work that is given up when its client goes
copies      /api/v1/copy
standing    /api/v1/store
tail        /api/v1/tail, a WebSocket
rejections  what is said about lines that were not taken
answers     statuses, headers and bodies as InfluxDB's clients expect them
limits      what one sender, or all together, may ask
metrics     what intake counts
contract    Input: what hands lines in by itself
host        this machine's CPU, memory, disk and network
catalog     name -> input
"""
