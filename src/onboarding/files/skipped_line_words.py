"""Words in several languages that identify lines which are not products."""

from __future__ import annotations

import re

from onboarding.files.header_names import normalize_name

TOTALS = (
    "total", "totals", "sum", "summe", "summa", "suma", "zwischensumme", "gesamt", "gesamtsumme", "insgesamt", "totale",
    "totaal", "totalt", "razem", "celkem", "spolu", "yhteensä", "összesen", "toplam", "subtotal", "grand total",
    "totales", "totali", "totaux", "totais", "somme", "somma", "soma", "totalsumme", "genel toplam", "ara toplam",
    "ukupno", "skupaj", "kokku", "kopā", "iš viso", "viso", "итого", "всего", "всього", "разом", "общо", "σύνολο",
    "\N{GREEK SMALL LETTER SIGMA}", "合计", "合計", "总计", "總計", "小计", "小計",
    "average", "durchschnitt", "mittelwert", "moyenne", "promedio", "gemiddelde",
)  # fmt: skip
"""Words for totals and averages, in lower case."""

COMMENT_SIGNS = ("#", "//", "--", ";", "%", "/*", "<!--")

END_MARKERS = frozenset({"end", "eof", "ende", "fin", "fine", "einde", "koniec", "slut"})

COLUMN_REQUIREMENTS = frozenset(
    map(normalize_name, (
        "mandatory", "optional", "required", "not required", "conditional mandatory", "conditionally mandatory",
        "conditionally required", "conditional", "recommended", "preferred", "desired", "pflicht", "pflichtfeld",
        "obligatoire", "facultatif", "obligatorio", "opcional", "obrigatório", "obbligatorio", "facoltativo",
        "verplicht", "optioneel", "wymagane", "opcjonalne", "text", "string", "number", "numeric", "integer", "decimal",
        "float", "date", "url", "boolean", "currency", "varchar", "int", "nvarchar", "char", "double", "bigint",
    ))
)  # fmt: skip
"""Requirements and types of columns, which templates have in a line below the header."""

EXAMPLE_VALUE = re.compile(
    r"(?:e\.? ?g\.|z\. ?b\.|p\. ?ex\.|ex\.|ej\.|bijv\.|np\.|example:|exemple|ejemplo|beispiel)[ :].*", re.IGNORECASE
)
TYPE_LENGTH = re.compile(r"\([0-9 ,]*\)")
"""The length after a type, as in `varchar(50)`."""

ROW_COUNT = re.compile(
    r"\(?[0-9][0-9.,]* (?:rows?|records?|lines?|products?|items?|zeilen|lignes?|filas|righe|rader)\b.{0,60}",
    re.IGNORECASE,
)
