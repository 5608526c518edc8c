"""The built-in web pages: they draw the boards of grafana/provisioning without Grafana, and show what is on fire.

The console speaks HTTP to the collector's /query and to the alerting API, and imports the foundation only.

    app          the role: wires the rest, starts and stops
    config       where it listens, which boards it draws
    boards       the board files, read when they change
    statements   which queries may pass: SELECT and SHOW
    entrance     who may come in: a password, a proxy's word, or loopback
    sessions     who has signed in, kept by the browser and signed
    attempts     how often somebody may guess a password
    gateway      requests on to the collector and the alerting API
    changes      who may change something: the console's own pages, and off loopback only where that was allowed
    assets       the files of static/, kept in memory and packed once
    headers      what every answer says to the browser about safety
    static/      the pages: plain ES modules, no build step (static/main.js is their map)
"""
