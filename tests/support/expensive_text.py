"""Text files of any size that are expensive to parse.

`python -m tests.support.expensive_text` measures each kind at the maximum size.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import MAX_BYTES, parse

HEADER = ",".join(REQUIRED)
ROW = "P-1,Mug,Kitchen,S-1,1.50,1"
EXTRA_COLUMNS = 990
"""Number of additional columns: nearly as many as a file may have."""

UNKNOWN = ",".join(f"c{n}" for n in range(EXTRA_COLUMNS))


def _repeat(text: str) -> Callable[[int], str]:
    return lambda size: text * (size // len(text) + 1)


def _repeat_below(header: str, text: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """Return a generator of files with a header and repetitions of the text."""

    def make(size: int) -> str:
        remaining = max(size - len(header) - len(before) - len(after) - 1, 1)
        return f"{header}\n{before}{_repeat(text)(remaining)[:remaining]}{after}"

    return make


KINDS: dict[str, Callable[[int], str]] = {
    "quotes": _repeat('"'),
    "commas": _repeat(","),
    "blank lines": _repeat("\n"),
    "one line": _repeat("a"),
    "one line of words": _repeat("a "),
    "one line of names": _repeat("price,sku,"),
    "one line of carets": _repeat("price^sku^"),
    "one line of signs": _repeat("!a^b~c&d:"),
    "one line of quoted names": _repeat("'price',"),
    "lines of names": _repeat("price,sku,name,unit,brand," * 200 + "\n"),
    "lines of signs": _repeat("x^y^" * 20 + "\n"),
    "headers": _repeat(f"{HEADER}\n"),
    "titles": lambda size: (("!a^b~c&d:" * (size // 225)) + "\n") * 25 + f"{HEADER}\n{ROW}\n",
    "wide header": lambda size: f"{HEADER}{',' * size}\n{ROW}\n",
    "header with spaces": lambda size: f"{HEADER},{' ' * size}\n{ROW}\n",
    "header with a long name": lambda size: f"{HEADER},{'x' * size}\n{ROW}\n",
    "header with line breaks": lambda size: f'{HEADER},"' + "\n" * size + f'"\n{ROW}\n',
    "header of similar names": _repeat_below(",".join(f"pricee_{n}" * 5 for n in range(EXTRA_COLUMNS)), f"{ROW}\n"),
    "lines of commas": _repeat_below(HEADER, ",,,,,\n"),
    "lines of one comma": _repeat_below(HEADER, ",\n"),
    "lines of blanks": _repeat_below(HEADER, " \n"),
    "wide row": _repeat_below(HEADER, ",", ROW),
    "wide row of values": _repeat_below(HEADER, ",x", ROW),
    "many columns": _repeat_below(f"{HEADER},{UNKNOWN}", f"{ROW}{',' * EXTRA_COLUMNS}\n"),
    "many columns without names": _repeat_below(f"{HEADER}{',' * EXTRA_COLUMNS}", f"{ROW}{',x' * EXTRA_COLUMNS}\n"),
    "many columns, short rows": _repeat_below(f"{HEADER},{UNKNOWN}", f"{ROW}\n"),
    "line breaks": _repeat_below(HEADER, "\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "lines in a value": _repeat_below(HEADER, "a,b\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "rows in a value": _repeat_below(HEADER, "P,a,b,c,x,y\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "lines in every value": _repeat_below(f"{HEADER},{UNKNOWN}", ROW + ',"\n"' * EXTRA_COLUMNS + "\n"),
    "commas and lines in every value": _repeat_below(f"{HEADER},{UNKNOWN}", ROW + ',",,,\n,,,"' * EXTRA_COLUMNS + "\n"),
    "lines in many rows": _repeat_below(HEADER, 'P-1,"a,b,c,d\nb",Kitchen,S-1,x,y\n'),
    "spaces before quotes": _repeat_below(HEADER, ', "a"'),
    "spaces after quotes": _repeat_below(HEADER, '"a" ,'),
    "spaces after quotes in rows": _repeat_below(HEADER, '"P-1" ,"Mug" ,Kitchen,S-1,1.50,1\n'),
    "doubled quotes": _repeat_below(HEADER, '""', '"P-1" ,"', '" ,x\n'),
    "open quotes": _repeat_below(HEADER, '"a""', '"P-1" ,'),
    "spaces and quotes": _repeat_below(HEADER, '      "'),
    "spaces and a quote": _repeat_below(HEADER, " ", "", '"'),
    "comments": _repeat_below(HEADER, "# x\n"),
    "commented rows": _repeat_below(HEADER, f"#{ROW}\n"),
    "zeros": _repeat_below(HEADER, ",,,,0,0\n"),
    "other headers": _repeat_below(HEADER, f"S1,{HEADER}\n", f"{ROW}\n"),
    "totals": _repeat_below(HEADER, "Total total total total total" * 20 + ",,,,1,2\n"),
    "notes": _repeat_below(HEADER, "Thank you\n"),
    "long note": _repeat_below(HEADER, "Thank you "),
    "rulers": _repeat_below(HEADER, "---,---,---\n"),
    "gaps": _repeat_below(HEADER.replace(",", "\t"), "P-1    Mug  x "),
    "rows with gaps": _repeat_below(HEADER.replace(",", "\t"), "P-1    Mug  x y z  \n"),
    "rows of another delimiter": _repeat_below(HEADER, "P-1;a;b\n"),
    "rows in quotes": _repeat_below(HEADER, '"P-1,a,b,c,d"\n'),
    "row in quotes": _repeat_below(HEADER, "a,", '"', '"\n'),
    "fix file": _repeat_below(f"_row,_errors,_hint,{HEADER}", f'1,"x; y",,{ROW}\n'),
    "long numbers": _repeat_below(HEADER, f"P,M,K,S,{'9' * 5_000},{'9' * 5_000}\n"),
    "long decimal commas": _repeat_below(HEADER.replace(",", ";"), f"P;M;K;S;{'1.111' * 1_000},1;{'9' * 5_000}\n"),
    "values in unnamed columns": _repeat_below(f"{HEADER},,,", f"{ROW},x,,\n{ROW},,,\n"),
    "split decimals": _repeat_below(f"{HEADER},weight_kg,brand", f"{ROW},1,25\n"),
    "variants": _repeat_below(f"{HEADER},Handle", f"{ROW},mug\nP,,,S,1,1,mug\n"),
}  # fmt: skip


def make_content(kind: str, size: int) -> bytes:
    """Return a file of a kind with at most `size` bytes."""
    return KINDS[kind](size).encode()[:size]


def main() -> None:
    """Parse a file of each kind at the maximum size; print CPU seconds and MB of memory by kind as JSON."""
    measurements = {}
    for kind in KINDS:
        child = os.fork()
        if not child:
            parse(make_content(kind, MAX_BYTES), "UPLOAD_1", "VEND001")
            os._exit(0)
        _, status, usage = os.wait4(child, 0)
        assert status == 0, kind
        measurements[kind] = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    json.dump(measurements, sys.stdout)


if __name__ == "__main__":
    main()
