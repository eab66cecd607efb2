"""Detection of Windows-1252 by the letters of the text; other code pages are rejected."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection
from onboarding.files.code_pages import find_code_page_doubt
from onboarding.files.encoding import Decoded, decode

HEADER = "vendor_product_id,product_name,category,sku,price,stock_quantity\r\n"

# Product names by language; the names of one language also form one file.
WESTERN = {
    "german": "Kühlschrank|Möbel|Wärmflasche|Spülmaschine|Gürtel|Größe XL|Straßenlampe|Weiß|Fußball|Süßstoff|Ölkanne|"
    "Überzug|Ärmel|KÜCHE|Bügeleisen|Nähmaschine|Käsereibe|„Groß“ und klein|Rührgerät 5 °C|Tür 20 €",
    "french": "Café moulu|Crème brûlée|Théière|Épicerie|Clé USB|Forêt|Fenêtre|L’eau de toilette|Œuvre|Cœur|Rôti|Pâtes|"
    "Château|BÉBÉ|Étagère|Crêpe|Gâteau|Boîte à thé|Leçon|Français|Noël|Maïs|Goût|Canapé|Réfrigérateur|« Été »",
    "spanish": "Niño|Año nuevo|Cámara|Teléfono|Colchón|Sillón|Lámpara|Pantalón|Baño|Jabón|Azúcar|Ratón|DECORACIÓN|"
    "Champú|Pingüino|¿Qué?|Muñeca|Tamaño|Sofá|Ordenador portátil|Batería",
    "italian": "Caffè|Tè verde|Perché|Qualità|Più luci|Così|Tazza da tè|Macchina da caffè|Ragù|Tiramisù|CAFFÈ",
    "portuguese": "São Paulo|Coração|Pão|Mãe|Açúcar|Lâmpada|Relógio|Maçã|Calças|Avô|Colchões|Algodão|Câmara|Telemóvel|"
    "Máquina de café|Frigorífico|Óculos|Chá|EDREDÃO|Sabão",
    "dutch": "Één stuk|Coëfficiënt|Reünie|Geïsoleerd|Categorieën|Crème|België|Financiële",
    "danish": "Køkken|Stol blå|Rød|Grøn|Æble|Håndklæde|Bælte|Tæppe|Sølv|Køleskab|Brød|KØKKEN|Børn|Tørretumbler",
    "swedish": "Kök|Stövlar|Bänk|Låda|Mössa|Tröja|Skåp|Ljusstake mässing|Kaffebryggare på|KÖK|Ängel|Fåtölj",
    "norwegian": "Sykkel blå|Lås|Støvsuger|Hårføner|Tørkle|Skjøtekabel|Bærepose",
    "finnish": "Pöytä|Työkalu|Sähkö|Lämpömittari|Kynttilä|Leipä|Päiväpeite",
    "english": "20 €|€20|GORE™|Lego®|25 °C|5 m²|½ kg|10–12 cm|“Pro”|Women’s|MEN’S|Don’t|and more…|© 2024|±5|3×4|£10|"
    "Pro²|"
    "Jalapeño|Pokémon|Häagen-Dazs|Nestlé|Kids’ mug|Ø 20 cm|A\xa0B|Beyoncé",
}

OTHER = {
    "cp1250": "Hűtőszekrény|Főzőlap|Sütő|Mosógép fűzött|Bögre kék, ős|Törölköző|Ágynemű|Cipő|Serpenyő|Lepedő|Gyűrű|"
    "Świecznik|"
    "Książka|Łyżka|Żółty|Stół|Kubek biały|Mąka|Ręcznik|Piłka|Łóżko|Nóż|Kołdra|Zegar ścienny|Cană mare|Faţă de masă|"
    "Lingură|Pernă|Covor roşu|Oală|Ţuică|Čaša|Nož|Žlica|Ručnik|Košulja|Škarje|Židle|Stůl|Talíř|Šálek|Kávovar černý|"
    "Kůže|"
    "Uterák ružový|Ľan|Dĺžka",
    "cp1254": "Kalın Altın Tepsi|Bıçak|Kaşık|Yastık|Şişe|Buzdolabı|Çamaşır|Halı|Işık|Yağlık|Kırmızı|Sarı|İpek|Kış|Ağaç",
    "cp1257": "Krūze lielā|Šķīvis|Dvielis mazgāšanai|Krēsls|Tējkanna|Lėkštė|Šaukštas|Kėdė|Rankšluostis|Žvakė|"
    "Šviestuvas",
    "cp1251": "Чай Earl Grey|Чай|Кофе|Нож|Mug и Cup|5 кг|10 шт.|Мёд|Сок|Ёж|ЧАЙ|Футболка XL|Хляб|Їжа|Ніж",
    "koi8-r": "Чай|Кофе|Нож|Мёд|СТОЛ|Лампа",
    "cp866": "Чай|Кофе|Нож|Мёд|СТОЛ|Лампа",
    "cp1253": "Βιβλίο|Καφές|Τσάι|Νερό|Φως|και|Άλφα|ΚΑΦΕΣ",
    "cp1255": "ספר|כוס|תה|שולחן|לבן|מנורה",
    "cp1256": "كتاب|شاي|كوب|طاولة|مصباح",
    "mac-roman": "Möbel|Küche|Wärme|Größe|Weiß|Café|Crème brûlée|Öl|Ärmel|Über|Niño|España|Muñeca|Año|Lámpara|Jamón|"
    "Maíz|Città|"
    "Caffè|São|Maçã|Køkken|Blå|Kök|Bänk|Forêt|Cœur|L’eau|€ 20|KÜCHE|CAFÉ|Garçon|Noël|Avô|NIÑO|Straße|Æble",
    "cp850": "Möbel|Küche|Wärme|Größe|Café|Crème brûlée|Öl|Ärmel|Niño|España|Año|Lámpara|Máquina|Maíz|Caffè|São|"
    "Maçã|Køkken|"
    "Blå|Forêt|voilà|MALMÖ|KÜCHE|Garçon|Noël|Straße|Pão|Æble|25 °C|Nº 5",
    "cp437": "Möbel|Küche|Café|Niño|Máquina|Año|Straße|5 m²|Öl|für",
    "iso8859-15": "Gutschein 10 €|Œufs|œufs|Cœur|bœuf|Škoda|€5",
    "iso8859-2": "Świecznik|Książka|Łyżka|Żółty|Mąka|Hűtő|Šálek|Žehlička|Čaša|Nož|Cană|Židle|Talíř|Ľan",
    "cp852": "Książka|Łyżka|Hűtő|Šálek|Nóż|Żółty|Čaša",
    "gbk": "无线鼠标|茶|杯|红|大|键盘|红色|Mug 杯|大号 XL",
    "big5": "滑鼠|茶|杯|紅|大|鍵盤|Mug 杯|無線",
    "shift-jis": "日本語|マウス|ワイヤレス|カップ|お茶|赤|Mug 赤|大|キー",
    "euc-jp": "日本語|茶|マウス|お茶|赤|大",
    "euc-kr": "무선|컵|차|마우스|키보드|대",
    "cp1258": "Đèn bàn|Cơm trưa|Đen và đăng ten",
    "cp874": "ชา|แก้ว|หนังสือ|กาแฟ",
}  # fmt: skip


def rows_of(*names: str) -> str:
    return HEADER + "".join(f"P-{n},{name},Kitchen,S-{n},{n}.50,{n}\r\n" for n, name in enumerate(names, 1))


@pytest.mark.parametrize(
    ("language", "name"), [(language, name) for language, names in WESTERN.items() for name in names.split("|")]
)
def test_decode_one_western_value_is_read_as_windows_1252(language: str, name: str) -> None:
    text = rows_of(name, "Plain article")
    result = decode(text.encode("cp1252"))
    assert isinstance(result, Decoded), (language, result)
    assert "".join(result.lines()) == text
    assert [warning.code for warning in result.warnings] == ["READ_AS_WINDOWS_1252"]


@pytest.mark.parametrize("language", WESTERN)
def test_decode_western_file_is_read_as_windows_1252(language: str) -> None:
    text = rows_of(*WESTERN[language].split("|"))
    result = decode(text.encode("cp1252"))
    assert isinstance(result, Decoded), result
    assert "".join(result.lines()) == text


@given(st.lists(st.sampled_from([n for names in WESTERN.values() for n in names.split("|")]), min_size=5, max_size=30))
@settings(deadline=None)
def test_decode_western_values_of_several_countries_are_read(names: list[str]) -> None:
    result = decode(rows_of(*names).encode("cp1252"))
    assert isinstance(result, Decoded), result


@pytest.mark.parametrize(
    ("codec", "name"), [(codec, name) for codec, names in OTHER.items() for name in names.split("|")]
)
def test_decode_one_value_in_another_code_page_is_rejected(codec: str, name: str) -> None:
    result = decode(rows_of(name, "Plain article").encode(codec))
    assert isinstance(result, FileRejection), list(result.lines())
    assert result.code == "UNKNOWN_ENCODING"
    assert "in line 2" in result.reason
    assert "byte 0x" in result.reason
    assert "save it as 'CSV UTF-8'" in result.reason


@given(st.data())
@settings(deadline=None)
def test_decode_file_in_another_code_page_is_rejected(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(sorted(OTHER)))
    names = data.draw(st.lists(st.sampled_from(OTHER[codec].split("|")), min_size=1, max_size=20))
    assert isinstance(decode(rows_of("Plain article", *names).encode(codec)), FileRejection)


def test_decode_german_words_are_no_evidence_for_hungarian_ones() -> None:
    # Umlauts are the same bytes in both code pages, so they are no evidence for either.
    names = [*(name for name in WESTERN["german"].split("|") if "„" not in name), "Hűtő"]
    result = decode(rows_of(*names).encode("cp1250"))
    assert isinstance(result, FileRejection)
    assert "'Hûtõ' as Windows-1252 and 'Hűtő' as Windows-1250" in result.reason


def test_decode_french_words_with_shared_letters_are_evidence_for_another_one() -> None:
    names = ["Décence", "Éduqués", "Démesure", "Révélateurs", "Spéculatif", "Prêchant"]
    assert isinstance(decode(rows_of("Prêchant").encode("cp1252")), FileRejection)
    assert isinstance(decode(rows_of(*names).encode("cp1252")), Decoded)


@pytest.mark.parametrize("name", ["Tray 30 × 40 cm", "Plan §", "Divide ÷"])
def test_find_code_page_doubt_single_sign_is_not_another_alphabet(name: str) -> None:
    result = find_code_page_doubt(rows_of(name, "Plain article").encode("cp1252"))
    assert result is None or result.codec not in {"cp1251", "koi8-r", "cp866", "mac-cyrillic", "cp1253", "cp737"}


def test_decode_single_multiplication_sign_is_windows_1252() -> None:
    assert not isinstance(decode(rows_of("Tray 30 × 40 cm", "Plain article").encode("cp1252")), FileRejection)


def test_find_code_page_doubt_ascii_is_none() -> None:
    assert find_code_page_doubt(rows_of("Plain article").encode()) is None


def test_decode_utf8_line_in_western_text_is_rejected() -> None:
    text = rows_of(*WESTERN["french"].split("|")).encode("cp1252") + "P-99,Thé à la crème,Kitchen,S-99,1,1\r\n".encode()
    result = decode(text)
    assert isinstance(result, FileRejection)
    assert "UTF-8 in part" in result.reason
