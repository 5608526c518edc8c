"""Dashboards as code: `python -m grafana` writes what Grafana reads and what the console draws.

model        the measurements, tags and fields that boards may name, written down once
queries      InfluxQL as text, from small builders
limits       where a value turns amber and red
objectives   the service level objectives that ship, read from rules/
panels       one function a panel kind: plain dicts in Grafana's classic schema
states       state timelines, and words that stand for values
heat         heat maps
transformations   changes of rows and columns between query and panel
links        links from a value to the board that says more
variables    the drop-downs of a board
render       places panels, numbers them, makes the JSON; stale files
boards/      one file a board, and catalog.py
provisioning/   what Grafana reads; dashboards/json is generated, committed and freshness-tested
"""
