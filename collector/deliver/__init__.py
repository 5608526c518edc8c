"""Out of the buffer and into every destination: what was acknowledged is stored or a dead letter, sooner or later.

    destinations  what is written to beside the store, and under which names; their part of tocsin.yml
    delivery      all destinations as one: a deliverer each
    deliverer     one task for each bucket of a destination
    lane          one bucket on its way: read, write, settle; and the search for the bad lines of a refused body
    attempts      the only retry loop: what failed is tried again, for ever
    passage       one bucket's parcels in their order: while one is written, the next is read and the last is settled
    outlet        writes to one destination, when and how much it lets us; made of the three below
    places        how many buckets write to one destination at once; fewer while it says that it has too much to do
    rest          a destination that failed is left alone, then asked by one write and not by all
    pace          how much one write carries: less after it was too much, more again while answers are quick
    isolation     which lines of a refused body are the bad ones
    setbacks      lines that a store had confirmed and lacks: told and counted
    letters       refused lines as dead letters, each with its source
    ages          for how long what waits has waited, whatever the clock does meanwhile

`pace`, `isolation` and `ages` are pure. No destination knows of another: each has a deliverer, cursors, places and a
rest of its own, so that one that is slow or gone holds up nobody else.
"""
