"""What is made of a line before it is checked and stored.

    contract      Transform and its Transforming, one body's passage
    selection     which lines a transform is for; what all of them share
    rename        another name for a measurement, tags or fields
    drop          lines, tags or fields that are not wanted
    keep          nothing but the lines, tags or fields that are wanted
    add_tag       a tag that the sender does not know of
    convert_unit  a field in another unit
    hash          a keyed hash in place of personal data
    mask          a fixed text in place of personal data, or of all but its ends
    substitution  what hash and mask share
    derive        a new field by arithmetic (expression: how that is read)
    dedupe        repetitions within a span taken out
    catalog       kind -> transform

A new transform is one file here and one line in the catalog. Lines of shapes that no transform names stay on the fast
path and are never shown to one; those whose change hangs on measurement and tags are shown once (Transforming.effect).
"""
