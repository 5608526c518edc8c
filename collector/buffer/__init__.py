"""The durable log between acknowledgement and delivery. One log per bucket.

Looked at from outside:
    contract    Buffer and its errors
    catalog     kind -> buffer
    disk        the buffer on the local disk: group commit, a cursor per destination and bucket

What `disk` is made of, from the queue to the platter (docs/buffer-format.md describes the files):
    grouping    which waiting batches share a sync, which share a frame; pure
    commit      what the commit thread does with a group
    writer      appends frames to the segments of one log
    frames      the format of a frame: CRC, counts, time, source and one gzip member; pure
    files       every operation on the disk, and no other
    log         the books of one log: segments, end, cursors; pure
    walk        frames of a segment one by one, past whatever is broken; pure
    reading     a stretch of frames for a destination
    recovery    the folder at the start becomes books again
    layout      names of folders and the small files beside the segments
    cursor_file how far a destination is, on disk
    lock        one process at a time
"""
