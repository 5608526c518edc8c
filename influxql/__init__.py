"""InfluxQL as values: text in, a syntax tree out, and what a tree means for a table of points. Usable on its own.

    errors      ParseError (position and what was expected) and QueryError (parsed, but cannot be answered)
    tokens      the words and signs of the language
    binding     values for `$name` in a text
    lexer       text -> tokens, on demand: whether `/` starts a regex is the parser's to say
    ast         the tree: frozen values
    literals    durations, quoted names and strings, as InfluxQL writes them
    parsing/    recursive descent: cursor, expressions, select, show
    parser      text -> statements
    standing    texts that come again with other bounds of time, parsed once
    printer     tree -> text
    names       what an expression names, and column names of an answer
    functions   the functions that are known: arity, what they read, what they answer
    check       is this SELECT allowed? InfluxDB's errors
    moments     timestamps as texts
    reduction   parentheses that nobody needs taken away, literals reckoned
    conditions  WHERE -> time range and the rest
    zones       time zones by name
    window      GROUP BY time(): which window a point falls into, in UTC or a zone
    arithmetic  expressions over values, as InfluxDB calculates
    infinities  floats beyond every number
    plan        a SELECT made ready to run
    typing      the type of an expression over fields
    expand      `*` and regexes -> fields and tags
    translate/  conditions and aggregates -> SQL with bound parameters

Everything here is pure: no clock, no I/O, no database; `now` is an argument.
"""
