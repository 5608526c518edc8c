"""SHOW statements, and those that take points away."""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from __future__ import annotations

from typing import Final

from influxql.literals import quote_name, quote_string
from tests.differential.words import Words

_FORMS: Final = (
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS WITH MEASUREMENT = {m}",
    "SHOW MEASUREMENTS WITH MEASUREMENT =~ /[a-h]/ LIMIT 1",
    "SHOW MEASUREMENTS WHERE {t}",
    "SHOW MEASUREMENTS WHERE {t}",
    "SHOW MEASUREMENTS LIMIT 1 OFFSET 1",
    "SHOW FIELD KEYS",
    "SHOW FIELD KEYS FROM {m}",
    "SHOW FIELD KEYS FROM /./ LIMIT 2 OFFSET 1",
    "SHOW TAG KEYS",
    "SHOW TAG KEYS FROM {m}",
    "SHOW TAG KEYS FROM {m} WHERE {t}",
    "SHOW TAG KEYS FROM /./ LIMIT 1 OFFSET 1",
    "SHOW TAG KEYS FROM {m} WITH KEY = {k}",
    "SHOW TAG VALUES FROM {m} WITH KEY = {k}",
    "SHOW TAG VALUES FROM {m} WITH KEY != {k}",
    "SHOW TAG VALUES FROM {m} WITH KEY IN ({k}, host) LIMIT 2 OFFSET 1",
    "SHOW TAG VALUES WITH KEY =~ /./ LIMIT 3",
    "SHOW TAG VALUES WITH KEY !~ /o/",
    "SHOW TAG VALUES WITH KEY = {k} WHERE {t}",
    "SHOW TAG VALUES WITH KEY = {k} WHERE {t} OR {t2}",
    "SHOW TAG VALUES WITH KEY = {k} WHERE value = {v}",
    "SHOW SERIES",
    "SHOW SERIES FROM {m} WHERE {t}",
    "SHOW SERIES FROM {m} WHERE {t} AND {t2}",
    "SHOW SERIES FROM /[a-h]/ ORDER BY time LIMIT 2",
    "SHOW SERIES LIMIT 2 OFFSET 1",
    "SHOW SERIES EXACT CARDINALITY",
    "SHOW SERIES EXACT CARDINALITY FROM {m} WHERE {t}",
    "SHOW SERIES CARDINALITY",
    "SHOW MEASUREMENT EXACT CARDINALITY",
    "SHOW MEASUREMENT CARDINALITY FROM {m}",
    "SHOW TAG KEY EXACT CARDINALITY",
    "SHOW TAG KEY CARDINALITY FROM {m} LIMIT 1",
    "SHOW TAG VALUES EXACT CARDINALITY WITH KEY = {k}",
    "SHOW TAG VALUES EXACT CARDINALITY FROM {m} WITH KEY != {k}",
    "SHOW TAG VALUES CARDINALITY WITH KEY IN ({k}, host)",
    "SHOW FIELD KEY EXACT CARDINALITY FROM {m}",
    "SHOW FIELD KEY CARDINALITY",
    "SHOW RETENTION POLICIES",
    "SHOW RETENTION POLICIES ON nowhere",
    "SHOW TAG KEYS ON nowhere",
    "SHOW MEASUREMENTS ON nowhere",
    "SHOW FIELD KEYS ON nowhere",
    "SHOW SERIES ON nowhere",
)


def show(w: Words) -> str:
    """What a database holds."""
    m = w.measurement()
    key = w.random.choice(list(m.tags))
    return w.one(*_FORMS).format(
        m=quote_name(m.name),
        k=w.tag(m),
        t=w.equality(m),
        t2=w.equality(m),
        v=quote_string(w.random.choice(m.tags[key])),
    )


def change(w: Words) -> str:
    """A DELETE or DROP."""
    m = w.measurement()
    name, (key, values) = quote_name(m.name), w.random.choice(list(m.tags.items()))
    about = f"{quote_name(key)} = {quote_string(w.random.choice(values))}"
    return w.one(
        f"DELETE FROM {name} WHERE {w.range()}",
        f"DELETE FROM {name} WHERE {about}",
        f"DELETE FROM {name} WHERE {about} AND {w.range()}",
        f"DELETE WHERE {w.range()}",
        f"DELETE FROM /./ WHERE {about}",
        f"DELETE FROM {name}",
        f"DROP MEASUREMENT {name}",
        "DROP MEASUREMENT nosuch",
    )
