"""The durable log between acknowledgement and delivery. One log per bucket.

Looked at from outside:
    contract    Buffer and its errors
    catalog     kind -> buffer
    disk        the buffer on the local disk: group commit, a cursor per destination and bucket

What `disk` is made of, from the queue to the platter (docs/buffer-format.md describes the files):
    group_commit  what waits for the disk, and the one task that commits it together
    grouping      which waiting batches share a sync, which share a frame; pure
    commit        what the commit thread does with a group
    writer        appends frames to the segments of one log
    frames        the format of a frame: CRC, counts, time, source, account and one gzip member; pure
    files         every operation on the disk, and no other
    threads       where they run
    log           the books of one log: segments, end, cursors; pure
    walk          frames of a segment one by one, past whatever is broken; pure
    reading       a stretch of frames for a destination
    stock         what stands in a part of a log: lines by source
    cursors       moves cursors, skips ahead, deletes what everybody is past
    accounting    what all that means for the ledger; pure
    checkpoint    the ledger as it stood, on disk
    recovery      the folder at the start becomes books and ledger again
    layout        names of folders and the small files beside the segments
    cursor_file   how far a destination is, on disk
    lock          one process at a time
"""
