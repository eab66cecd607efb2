"""Text files that are expensive to read, of any size: `python -m tests.support.expensive_text` measures each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import MAX_BYTES, parse

HEADER = ",".join(REQUIRED)
ROW = "P-1,Mug,Kitchen,S-1,1.50,1"
MANY = 990
"""Columns beside the required ones; with them there are nearly as many as a file may have."""

UNKNOWN = ",".join(f"c{n}" for n in range(MANY))


def _repeated(text: str) -> Callable[[int], str]:
    return lambda size: text * (size // len(text) + 1)


def _below(header: str, text: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """The header, and below it the text again and again."""

    def make(size: int) -> str:
        rest = max(size - len(header) - len(before) - len(after) - 1, 1)
        return f"{header}\n{before}{_repeated(text)(rest)[:rest]}{after}"

    return make


KINDS: dict[str, Callable[[int], str]] = {
    "quotes": _repeated('"'),
    "commas": _repeated(","),
    "blank lines": _repeated("\n"),
    "one line": _repeated("a"),
    "one line of words": _repeated("a "),
    "one line of names": _repeated("price,sku,"),
    "one line of carets": _repeated("price^sku^"),
    "one line of signs": _repeated("!a^b~c&d:"),
    "one line of quoted names": _repeated("'price',"),
    "lines of names": _repeated("price,sku,name,unit,brand," * 200 + "\n"),
    "lines of signs": _repeated("x^y^" * 20 + "\n"),
    "headers": _repeated(f"{HEADER}\n"),
    "titles": lambda size: (("!a^b~c&d:" * (size // 225)) + "\n") * 25 + f"{HEADER}\n{ROW}\n",
    "wide header": lambda size: f"{HEADER}{',' * size}\n{ROW}\n",
    "header with spaces": lambda size: f"{HEADER},{' ' * size}\n{ROW}\n",
    "header with a long name": lambda size: f"{HEADER},{'x' * size}\n{ROW}\n",
    "header with line breaks": lambda size: f'{HEADER},"' + "\n" * size + f'"\n{ROW}\n',
    "header of names like ours": _below(",".join(f"pricee_{n}" * 5 for n in range(MANY)), f"{ROW}\n"),
    "lines of commas": _below(HEADER, ",,,,,\n"),
    "lines of one comma": _below(HEADER, ",\n"),
    "lines of blanks": _below(HEADER, " \n"),
    "wide row": _below(HEADER, ",", ROW),
    "wide row of values": _below(HEADER, ",x", ROW),
    "many columns": _below(f"{HEADER},{UNKNOWN}", f"{ROW}{',' * MANY}\n"),
    "many columns without names": _below(f"{HEADER}{',' * MANY}", f"{ROW}{',x' * MANY}\n"),
    "many columns, short rows": _below(f"{HEADER},{UNKNOWN}", f"{ROW}\n"),
    "line breaks": _below(HEADER, "\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "lines in a value": _below(HEADER, "a,b\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "rows in a value": _below(HEADER, "P,a,b,c,x,y\n", 'P-1,"', '",Kitchen,S-1,1.50,1\n'),
    "lines in every value": _below(f"{HEADER},{UNKNOWN}", ROW + ',"\n"' * MANY + "\n"),
    "commas and lines in every value": _below(f"{HEADER},{UNKNOWN}", ROW + ',",,,\n,,,"' * MANY + "\n"),
    "lines in many rows": _below(HEADER, 'P-1,"a,b,c,d\nb",Kitchen,S-1,x,y\n'),
    "spaces before quotes": _below(HEADER, ', "a"'),
    "spaces after quotes": _below(HEADER, '"a" ,'),
    "spaces after quotes in rows": _below(HEADER, '"P-1" ,"Mug" ,Kitchen,S-1,1.50,1\n'),
    "doubled quotes": _below(HEADER, '""', '"P-1" ,"', '" ,x\n'),
    "open quotes": _below(HEADER, '"a""', '"P-1" ,'),
    "spaces and quotes": _below(HEADER, '      "'),
    "spaces and a quote": _below(HEADER, " ", "", '"'),
    "comments": _below(HEADER, "# x\n"),
    "commented rows": _below(HEADER, f"#{ROW}\n"),
    "zeros": _below(HEADER, ",,,,0,0\n"),
    "other headers": _below(HEADER, f"S1,{HEADER}\n", f"{ROW}\n"),
    "totals": _below(HEADER, "Total total total total total" * 20 + ",,,,1,2\n"),
    "notes": _below(HEADER, "Thank you\n"),
    "long note": _below(HEADER, "Thank you "),
    "rulers": _below(HEADER, "---,---,---\n"),
    "gaps": _below(HEADER.replace(",", "\t"), "P-1    Mug  x "),
    "rows with gaps": _below(HEADER.replace(",", "\t"), "P-1    Mug  x y z  \n"),
    "rows of another delimiter": _below(HEADER, "P-1;a;b\n"),
    "rows in quotes": _below(HEADER, '"P-1,a,b,c,d"\n'),
    "row in quotes": _below(HEADER, "a,", '"', '"\n'),
    "fix file": _below(f"_row,_errors,_hint,{HEADER}", f'1,"x; y",,{ROW}\n'),
    "long numbers": _below(HEADER, f"P,M,K,S,{'9' * 5_000},{'9' * 5_000}\n"),
    "long decimal commas": _below(HEADER.replace(",", ";"), f"P;M;K;S;{'1.111' * 1_000},1;{'9' * 5_000}\n"),
    "astray": _below(f"{HEADER},,,", f"{ROW},x,,\n{ROW},,,\n"),
    "shifted": _below(f"{HEADER},weight_kg,brand", f"{ROW},1,25\n"),
    "variants": _below(f"{HEADER},Handle", f"{ROW},mug\nP,,,S,1,1,mug\n"),
}  # fmt: skip


def content_of(kind: str, size: int) -> bytes:
    """The bytes of a file of a kind, at most `size` of them."""
    return KINDS[kind](size).encode()[:size]


def main() -> None:
    """Read a file of each kind, as large as a file may be; print seconds of CPU and MB of memory by kind."""
    figures = {}
    for kind in KINDS:
        child = os.fork()
        if not child:
            parse(content_of(kind, MAX_BYTES), "UPLOAD_1", "VEND001")
            os._exit(0)
        _, status, used = os.wait4(child, 0)
        assert status == 0, kind
        figures[kind] = (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main()
