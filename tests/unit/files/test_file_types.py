"""Detection of unsupported file types, without rejection of any table."""

from __future__ import annotations

import struct

import pytest

from onboarding.files.file_types import reject_unsupported_type

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
HEADER = "vendor_product_id,product_name,category,sku,price,stock_quantity\n"

FILE_TYPES: dict[str, tuple[bytes, str]] = {
    "sylk": (b'ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"sku"\r\nE\r\n', "SYLK"),
    "sylk-of-libreoffice": (b'ID;PSCALC3\nX;Y2;X3\nC;X1;Y1;K"a"\nE\n', "SYLK"),
    "dif": (b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n', "DIF"),
    "mhtml": (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related\r\n\r\n--x", "MHTML"),
    "mhtml-of-chrome": (b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: a;\r\n\ttype=b\r\n\r\nx",
        "MHTML"),
    "email": (b"Received: from x\r\n by y\r\nFrom: a@b\r\nSubject: prices\r\n\r\nhello", "e-mail"),
    "biff2": (b"\x09\x00\x04\x00\x02\x00\x10\x00", ".xls"),
    "biff3": (b"\x09\x02\x06\x00\x00\x00\x10\x00", ".xls"),
    "biff4": (b"\x09\x04\x06\x00\x00\x04\x10\x00", ".xls"),
    "biff5": (b"\x09\x08\x08\x00\x00\x05\x10\x00", ".xls"),
    "biff8": (b"\x09\x08\x10\x00\x00\x06\x05\x00", ".xls"),
    "lotus": (b"\x00\x00\x1a\x00\x00\x10\x04\x00", "Lotus"),
    "dbase-3": (b"\x03\x7c\x03\x01" + struct.pack("<IHH", 1, 97, 31) + bytes(20) + b"SKU".ljust(11, b"\0") + b"C",
        "dBase"),
    "foxpro": (b"\x30\x18\x0c\x1f" + struct.pack("<IHH", 9, 296, 33) + bytes(20) + b"PRICE".ljust(11, b"\0") + b"N",
        "dBase"),
    "mysql-dump": (b"-- MySQL dump 10.13\nINSERT INTO `products` (`sku`) VALUES ('S-1');\n", "SQL"),
    "mysql-dump-of-tables": (b"/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;\n", "SQL"),
    "postgresql-dump": (b"--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n", "SQL"),
    "postgresql-copy": (b"COPY public.products (sku, price) FROM stdin;\na\t1\n", "SQL"),
    "sqlite-dump": (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "SQL"),
    "sql-server-dump": (b"USE [shop];\nGO\n", "SQL"),
    "sql-by-hand": (b"insert into products (sku) values (1);\n", "SQL"),
    "query": (b"SELECT *\nFROM products\n", "SQL"),
    "sql-server-rows": (b"INSERT [dbo].[products] ([sku]) VALUES (N'S-1')\nGO\n", "SQL"),
    "oracle-rows": (b"REM INSERTING into PRODUCTS\nSET DEFINE OFF;\nInsert into PRODUCTS (SKU)\n", "SQL"),
    "spss": (b"$FL2@(#) SPSS DATA FILE MS Windows", "statistics"),
    "r-data": (b"RDX3\nX\n\0\0", "statistics"),
    "error-page": (b"<b>Error</b>: please sign in<br>", "HTML"),
    "php-warning": (b"<br />\n<b>Warning</b>: fopen", "HTML"),
    "web-page-behind-blank-lines": (b"\n" * 5000 + b"<!DOCTYPE html><html>", "HTML"),
    "web-page-in-shift-jis": ("<html><title>商品</title>".encode("shift-jis"), "HTML"),
    "web-page-in-utf16": ("<table border=1><tr>".encode("utf-16"), "HTML"),
    "web-page-in-utf16-without-mark": ("\n <table><tr>".encode("utf-16-le"), "HTML"),
    "xml-in-utf16": ('<?xml version="1.0"?><a/>'.encode("utf-16"), "XML"),
    "xml-of-any-name": (b'<catalog xmlns="x">\n<item/></catalog>\n', "XML"),
    "spreadsheet-xml": (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook',
        "Excel workbook as XML"),
    "json-in-utf16": ('[\n {"sku": 1}'.encode("utf-16-be"), "JSON"),
    "json-lines": (b'{"sku":1}\n{"sku":2}\n', "JSON"),
    "vcard": (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "vCard"),
    "calendar": (b"BEGIN:VCALENDAR\r\n", "iCalendar"),
    "latex": (b"% prices\n\\documentclass{article}\n", "LaTeX"),
    "yaml": (b"---\n- sku: A\n  price: 1\n", "YAML"),
    "yaml-without-mark": (b"- sku: A\n  price: 1\n", "YAML"),
    "postscript": (b"%!PS-Adobe-3.0\n", "PostScript"),
    "rtf": (b"{\\rtf1\\ansi", "RTF"),
    "link": (b"[InternetShortcut]\nURL=https://example.com\n", "link"),
    "edi": (b"UNA:+.? '\nUNB+UNOC:3+a+b'", "EDI"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "image"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0", "image"),
    "webp": (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image"),
    "tiff": (b"II*\0\x08\0\0\0", "image"),
    "bmp": (b"BM\x36\x0c\0\0\0\0\0\0\x36\0\0\0", "image"),
    "mp4": (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
    "parquet": (b"PAR1\x15\x04", "Parquet"),
    "avro": (b"Obj\x01\x04\x16", "Avro"),
    "orc": (b"ORC\x08\x03", "ORC"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "zstd"),
    "tar": (b"prices.csv".ljust(257, b"\0") + b"ustar\0", "TAR"),
    "word": (OLE + "WordDocument".encode("utf-16-le"), "Word"),
    "outlook": (OLE + "__nameid_version1.0".encode("utf-16-le"), "Outlook"),
}  # fmt: skip

TABLES = [
    "ID;Price;Name\n1;2;3\n", "ID;P;Q\n1;2;3\n", "ID;PRICE;STOCK\nA;1;2\nC;2;3\n", "ID;PREIS\nABC;2.5\n",
    "TABLE,price\n0,1\n", f"TABLE\n{HEADER}", "BM,price\nx,1\n", "BMW,price\n", "Update,Price\n", "Set,Price\n",
    f"From: Acme\nDate: 2024\n\n{HEADER}", f"Date: 2024-01-01\n{HEADER}", "Content-Type,sku\n", "<sku>,<price>\n1,2\n",
    "[sku],[price]\n1,2\n", "MZ-1,price\n", "ID3,sku\n", "Object,sku\n", "ORC,price\n", "ORCHID,price\n", "Rar!,sku\n",
    f"--- Products ---\n{HEADER}", f"---\n{HEADER}", f"# all\n{HEADER}", f"-- Price list --\n{HEADER}",
    "Select Brand from list,price\n", "Use,price\n", "Begin,price\n", f"Copy of products\n{HEADER}",
    f"Create table lamp\n{HEADER}", "Drop,price\n", "- sku: A,price\n", "%,price\n", "<i>,sku\n", "<b>,x\n",
    "2,name,sku\n",
    "\tsku\tprice\n", f"0123{'A' * 60}\n", "P;Name\n", "{".join(["a", "b"]), "HTTP,price\n", f"\n\n{HEADER}", HEADER,
]  # fmt: skip


@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_reject_unsupported_type_other_type_is_named(file_type: str) -> None:
    content, name = FILE_TYPES[file_type]
    rejection = reject_unsupported_type(content)
    assert rejection is not None
    assert rejection.code == "NOT_A_TABLE"
    assert name in rejection.reason
    assert "save the table as 'CSV UTF-8'" in rejection.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", TABLES)
def test_reject_unsupported_type_table_is_none(text: str, encoding: str) -> None:
    assert reject_unsupported_type(text.encode(encoding)) is None
