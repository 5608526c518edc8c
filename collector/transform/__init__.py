"""What is made of a line before it is checked and stored.

    contract      Transform and its Transforming, one body's passage
    selection     which lines a transform is for; what all of them share
    rename        another name for a measurement, tags or fields
    catalog       kind -> transform

A new transform is one file here and one line in the catalog. Lines of shapes that no transform names stay on the fast
path and are never shown to one.
"""
