"""What a line must satisfy beyond its grammar.

    contract        Check and its Checking, one body's examination
    memoryless      what checks without a file, and those that judge by shape alone, share
    run             what can be seen of many lines of known shape at once
    clock_skew      how far a source's clock may be off
    required_tags   tags that a measurement has to carry
    value_range     no value outside its field's range
    string_size     no string longer than InfluxDB keeps
    cardinality     a budget of series, per measurement and source (sketch: which tag has how many values)
    field_types     a field keeps the type of its first value, per bucket and measurement, for all time
    conversion      a value as another type, where that says the same
    pins            field types on disk
    forgetting      a measurement that was deleted may come again with other types
    catalog         name -> check

A new check is one file here and one line in the catalog.
"""
