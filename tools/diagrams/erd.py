"""Entity-relationship diagrams of the live schema: columns, types, keys and references."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from onboarding.storage.database import Connection
from tools.diagrams.draw import Picture, Point

# The tables of each diagram, column by column. A referenced table is placed beside those that refer to it. A table that
# is in an earlier diagram has only the columns that refer to tables of this one.
LAYOUT: dict[str, tuple[tuple[str, ...], ...]] = {
    "erd": (
        (
            "products",
            "product_categories",
            "product_blocks",
            "product_events",
            "product_search",
            "product_search_position",
        ),
        ("vendors", "quarantined_objects", "read_attempts", "sweep_cursor", "schema_migrations"),
        ("upload_history",),
        (
            "validation_errors",
            "upload_warnings",
            "corrections",
            "row_corrections",
            "product_changes",
            "held_rows",
            "undo_skipped",
        ),
    ),
    "erd-mappings": (
        ("vendors",),
        ("mappings", "value_mappings"),
        ("mapping_versions",),
        ("upload_history",),
    ),
    "erd-access": (
        ("api_keys", "upload_sessions", "webhooks", "marketplace_webhook", "dry_runs", "exports"),
        ("vendors", "operators"),
        ("sign_in_links", "sessions", "sign_in_requests"),
        ("audit_log", "report_link_clicks", "revoked_report_links"),
    ),
}
TITLES = {
    "erd": "Uploads and the catalog",
    "erd-mappings": "Mappings",
    "erd-access": "Authentication and requests",
}

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
order by c.relname, a.attnum
"""
KEYS = """
select c.conrelid::regclass::text, c.contype::text, nullif(c.confrelid, 0)::regclass::text,
    array(
        select a.attname::text from unnest(c.conkey) k join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k
    )
from pg_constraint c
where c.connamespace = 'public'::regnamespace and c.contype in ('p', 'u', 'f')
order by c.conname
"""
MARKS = {"p": "PK", "u": "UK", "f": "FK"}
SHORT = {"character varying": "varchar", "timestamp with time zone": "timestamptz", "character": "char"}

WIDTH, GUTTER, LINE, TOP = 292, 74, 18, 74


@dataclass
class Table:
    """A table: columns with types (`?`: nullable), keys by column, and references (columns, table, whether unique)."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    marks: dict[str, list[str]] = field(default_factory=dict)
    refers: list[tuple[Sequence[str], str, bool]] = field(default_factory=list)


def tables(connection: Connection) -> dict[str, Table]:
    """Read the tables of the schema."""
    result: dict[str, Table] = {}
    for name, column, kind, required in connection.execute(COLUMNS):
        result.setdefault(name, Table()).columns.append((column, _short(kind) if required else f"{_short(kind)} ?"))
    keys = connection.execute(KEYS).fetchall()
    for name, kind, _, columns in sorted(keys, key=lambda key: "puf".index(key[1])):
        for column in columns:
            marks = result[name].marks.setdefault(column, [])
            if MARKS[kind] not in marks:
                marks.append(MARKS[kind])
    for name, kind, target, columns in keys:
        if kind == "f":
            is_unique = any(other == name and how != "f" and them == columns for other, how, _, them in keys)
            result[name].refers.append((columns, target, is_unique))
    return result


def _short(kind: str) -> str:
    for long, short in SHORT.items():
        kind = kind.replace(long, short)
    return kind


def pictures(connection: Connection) -> Iterator[tuple[str, Picture]]:
    """Yield the diagrams. Raises ValueError for a table missing from LAYOUT, KeyError for an unknown one in it."""
    schema = tables(connection)
    placed = {name for columns in LAYOUT.values() for column in columns for name in column}
    if schema.keys() - placed:
        raise ValueError(f"LAYOUT lacks {', '.join(sorted(schema.keys() - placed))}")
    drawn: set[str] = set()
    for name, columns in LAYOUT.items():
        names = {table for column in columns for table in column}
        diagram_tables = {
            table: _abridge(schema[table], names - drawn)
            if table in drawn
            else _select_references(schema[table], names)
            for column in columns
            for table in column
        }
        drawn |= names
        yield name, _picture(TITLES[name], columns, diagram_tables)


def _select_references(table: Table, targets: Collection[str]) -> Table:
    return replace(table, refers=[reference for reference in table.refers if reference[1] in targets])


def _abridge(table: Table, targets: Collection[str]) -> Table:
    """Return a table with only the columns that refer to these tables."""
    table = _select_references(table, targets)
    names = {name for columns, _, _ in table.refers for name in columns}
    columns = [column for column in table.columns if column[0] in names]
    return Table([*columns, ("see the first diagram", "")], table.marks, table.refers)


def _picture(title: str, columns: Sequence[Sequence[str]], diagram_tables: Mapping[str, Table]) -> Picture:
    corners: dict[str, Point] = {}
    bottom = 0.0
    for number, column in enumerate(columns):
        y: float = TOP
        for name in column:
            corners[name] = (24 + number * (WIDTH + GUTTER), y)
            y += LINE * (len(diagram_tables[name].columns) + 1) + 40
        bottom = max(bottom, y)
    names = ", ".join(diagram_tables)
    picture = Picture(
        title,
        f"Tables with columns, types, keys and relations: {names}.",
        len(columns) * (WIDTH + GUTTER) - GUTTER + 48,
        round(bottom),
    )
    picture.words(24, 34, title, "large", anchor="start")
    legend = "PK primary key, UK unique (alone or with others), FK refers to another table, ? may be null"
    picture.words(len(columns) * (WIDTH + GUTTER) - GUTTER + 24, 34, legend, "small soft", anchor="end")
    # Lines to the same table share a lane; lines to different tables do not.
    lanes = {name: 14 * (number % 3) - 14 for number, name in enumerate(diagram_tables)}
    for name, table in diagram_tables.items():
        for references, target, is_unique in table.refers:
            number = [name for name, _ in table.columns].index(references[0]) + 1
            _relate(picture, corners[name], number, corners[target], shift=lanes[target], is_unique=is_unique)
    for name, table in diagram_tables.items():
        _draw(picture, name, table, *corners[name])
    return picture


def _draw(picture: Picture, name: str, table: Table, x: float, y: float) -> None:
    height = LINE * (len(table.columns) + 1) + 14
    picture.group(x, y, WIDTH, height, "")
    picture.box(x, y, WIDTH, 24, "store", name)
    for number, (column, kind) in enumerate(table.columns, 1):
        line = y + 20 + LINE * number
        picture.words(x + 10, line, column, "small", anchor="start")
        picture.words(x + 160, line, kind, "small soft", anchor="start")
        picture.words(x + WIDTH - 10, line, " ".join(table.marks.get(column, ())), "small strong", anchor="end")


def _relate(picture: Picture, corner: Point, number: int, target: Point, *, shift: float, is_unique: bool) -> None:
    """Draw a line from column `number` to the head of the referenced table: through the gap or over other tables."""
    y, head = corner[1] + 16 + LINE * number, target[1] + 12
    if corner[0] > target[0]:
        start, end, side = corner[0], target[0] + WIDTH, 1
    else:
        start, end, side = corner[0] + WIDTH, target[0], -1
    lane = end + side * GUTTER / 2 + shift
    if abs(start - end) <= GUTTER:
        points = [(start, y), (lane, y), (lane, head), (end, head)]
    else:
        above, first = TOP - 18, start - side * (GUTTER / 2 - 12)
        points = [(start, y), (first, y), (first, above), (lane, above), (lane, head), (end, head)]
    picture.line(*points)
    fork, bar = start - side * 10, end + side * 8
    if is_unique:
        picture.line((fork, y - 5), (fork, y + 5))
    else:
        picture.line((start, y - 5), (fork, y), (start, y + 5))
    picture.line((bar, head - 5), (bar, head + 5))
