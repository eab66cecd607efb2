"""Presets: mappings for the exports of known systems, proposed when a file has the signature of one of them.

Each file in `presets/` describes the exports of one system:

- `name`: the name of the system.
- `signatures`: lists of headers; a file with all headers of one list is an export of the system. There is one list for
  each format of its exports.
- `columns`: headers, each with the columns that it feeds (none: the header is ignored) and the format of its numbers.
  If several headers feed one column, the first one that the file has feeds it.
- `values`: for columns with a closed list, our value by the value of the system. Other values are left to the vendor.
- `first_address`: headers whose cells may list several web addresses, of which the first is used.
- `fill_down`: group headers, each with the headers to fill down and, if there is one, the header of the groups' keys;
  the first group header that the file has counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import MAX_HEADER_LENGTH, FillDown, HeaderMapping, MappingDocument, normalize_key
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.files.models import MAX_COLUMNS


@dataclass(frozen=True, slots=True)
class PresetHeader:
    """A header of a system's exports, and its target."""

    header: str
    target: HeaderMapping


@dataclass(frozen=True, slots=True)
class Preset:
    """Mapping for the exports of a system.

    `signatures` are lists of headers in their normalized form, `headers` are in order of preference.
    """

    name: str
    signatures: tuple[frozenset[str], ...]
    headers: tuple[PresetHeader, ...]
    fill_downs: tuple[FillDown, ...] = ()
    first_address: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def count_headers(self, keys: frozenset[str]) -> int:
        """Return the number of the preset's headers among normalized headers that complete a signature, otherwise 0."""
        if not self.count_signature_headers(keys):
            return 0
        return sum(1 for header in self.headers if normalize_key(header.header) in keys)

    def count_signature_headers(self, keys: frozenset[str]) -> int:
        """Return the number of headers of the largest complete signature in normalized headers, or 0."""
        return max((len(signature) for signature in self.signatures if signature <= keys), default=0)

    def build_document(self, names: Iterable[str]) -> MappingDocument:
        """Return the mapping of a file's headers; a header whose columns are all fed by preferred headers is ignored.

        Headers that the preset does not have are not in the document.
        """
        names_by_key: dict[str, str] = {}
        for name in names:
            names_by_key.setdefault(normalize_key(name), name)
        columns: dict[str, HeaderMapping] = {}
        fed_columns: set[str] = set()
        for preset_header in self.headers:
            name = names_by_key.get(normalize_key(preset_header.header), "")
            if name:
                target = preset_header.target
                unfed_columns = tuple(column for column in target.columns if column not in fed_columns)
                is_number = not NUMBER_COLUMNS.keys().isdisjoint(unfed_columns)
                columns[name] = HeaderMapping(unfed_columns, target.number_format if is_number else None)
                fed_columns.update(unfed_columns)
        first_address = [names_by_key[key] for key in map(normalize_key, self.first_address) if key in names_by_key]
        fill_down = self._build_fill_down(names_by_key)
        values = {column: targets for column, targets in self.values.items() if column in fed_columns}
        return MappingDocument(columns, fill_down=fill_down, values=values, first_address=tuple(first_address))

    def _build_fill_down(self, names_by_key: Mapping[str, str]) -> FillDown | None:
        for fill_down in self.fill_downs:
            group_header = names_by_key.get(normalize_key(fill_down.group_header))
            keys = map(normalize_key, fill_down.headers)
            headers = tuple(names_by_key[key] for key in keys if key in names_by_key)
            if group_header and headers:
                return FillDown(group_header, headers, names_by_key.get(normalize_key(fill_down.key_header), ""))
        return None


@cache
def list_presets() -> tuple[Preset, ...]:
    """Return the presets, ordered by file name."""
    folder = files(__package__) / "presets"
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    return tuple(_parse_preset(tomllib.loads(path.read_text(encoding="utf-8"))) for path in paths)


def find_preset(names: Iterable[str]) -> Preset | None:
    """Return the preset with the largest signature that a file's headers complete, or None."""
    keys = frozenset(map(normalize_key, names))
    best = max(list_presets(), key=lambda preset: preset.count_signature_headers(keys))
    return best if best.count_signature_headers(keys) else None


def count_preset_headers(values: Sequence[str]) -> int:
    """Return the number of headers of a preset in a line that completes a signature of it, or 0."""
    keys = frozenset(normalize_key(value) for value in values[:MAX_COLUMNS] if len(value) <= MAX_HEADER_LENGTH)
    return max(preset.count_headers(keys) for preset in list_presets())


def _parse_preset(fields: Mapping[str, Any]) -> Preset:
    return Preset(
        fields["name"],
        tuple(frozenset(map(normalize_key, signature)) for signature in fields["signatures"]),
        tuple(_parse_header(header) for header in fields["columns"]),
        tuple(
            FillDown(fill_down["group_header"], tuple(fill_down["headers"]), fill_down.get("key_header", ""))
            for fill_down in fields.get("fill_down", ())
        ),
        tuple(fields.get("first_address", ())),
        fields.get("values", {}),
    )


def _parse_header(fields: Mapping[str, Any]) -> PresetHeader:
    number_format = MappedNumberFormat(**fields["number_format"]) if "number_format" in fields else None
    return PresetHeader(fields["header"], HeaderMapping(tuple(fields["columns"]), number_format))
