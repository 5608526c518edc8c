"""The durable log between acknowledgement and delivery. One log per bucket.

    contract    Buffer and its errors
    disk        segments of CRC-framed gzip members, group commit by fdatasync, a cursor per destination and bucket
    frames      the format of a frame, pure
    catalog     kind -> buffer
"""
