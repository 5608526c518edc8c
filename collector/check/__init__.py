"""What a line must satisfy beyond its grammar.

    contract      Check and its Checking, one body's examination
    field_types   a field keeps the type of its first value, per bucket and measurement, for all time
    string_size   no string longer than InfluxDB keeps
    pins          field types on disk
    catalog       name -> check

A new check is one file here and one line in the catalog.
"""
