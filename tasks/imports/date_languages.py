"""Dates in the languages of Todoist, translated into the English that `date_parser` reads.

Text with a word that the tables do not know is not guessed: `translate` returns None, and the caller keeps the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from tasks.imports import date_parser
from tasks.imports.date_parser import MAX_LENGTH

MONTHS = [name.lower() for name in ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
RELATIVE_DAYS = ["today", "tomorrow", "day after tomorrow", "yesterday"]
UNITS = ["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Language:
    """Words of one language: a space between the twelve months and so on, a bar between spellings of one.

    Months and weekdays are known by their first letters too, from the third and the second on. An underscore stands for a
    space. `after` means a span of time from now ("in"), `fillers` are words without a meaning of their own.
    """

    months: str
    weekdays: str
    days: str
    units: str = ""
    at: str = ""
    after: str = ""
    next: str = ""
    fillers: str = ""
    recurring: str = ""


NORDIC_DAYS = "idag|i_dag imorgen|i_morgen overmorgen|i_overmorgen igår|i_går"
LANGUAGES = {
    "da": Language(
        months="januar februar marts april maj juni juli august september oktober november december",
        weekdays="mandag tirsdag onsdag torsdag fredag lørdag søndag",
        days=NORDIC_DAYS, units="dag|dage uge|uger måned|måneder år",
        at="kl|klokken", after="om", next="næste", fillers="den d på",
        recurring="hver hvert dagligt ugentligt månedligt årligt",
    ),
    "de": Language(
        months="januar|jänner februar|feber märz|mrz april mai juni juli august september oktober november dezember",
        weekdays="montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag",
        days="heute morgen übermorgen gestern",
        units="tag|tage|tagen woche|wochen monat|monate|monaten jahr|jahre|jahren",
        at="um", after="in", next="nächster|nächsten|nächste", fillers="am den der uhr",
        recurring="jeder jeden jede jedes alle täglich wöchentlich monatlich jährlich werktags",
    ),
    "es": Language(
        months="enero febrero marzo abril mayo junio julio agosto septiembre|setiembre octubre noviembre diciembre",
        weekdays="lunes martes miércoles jueves viernes sábado domingo",
        days="hoy mañana pasado_mañana ayer",
        units="día|días semana|semanas mes|meses año|años",
        at="a_las|a_la", after="en|dentro_de", fillers="de del el", recurring="cada todos todas diario diariamente",
    ),
    "fi": Language(
        months="tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
        " marraskuuta joulukuuta",
        weekdays="maanantaina tiistaina keskiviikkona|keskiviikko torstaina perjantaina lauantaina sunnuntaina",
        days="tänään huomenna ylihuomenna eilen", at="klo|kello",
        recurring="joka päivittäin viikoittain kuukausittain vuosittain",
    ),
    "fr": Language(
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        weekdays="lundi mardi mercredi jeudi vendredi samedi dimanche",
        days="aujourd'hui|aujourd’hui demain après-demain|après_demain hier",
        units="jour|jours semaine|semaines mois an|ans|année|années",
        at="à", after="dans", fillers="le de", recurring="chaque tous toutes quotidien quotidiennement",
    ),
    "it": Language(
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        weekdays="lunedì martedì mercoledì giovedì venerdì sabato domenica",
        days="oggi domani dopodomani ieri",
        units="giorno|giorni settimana|settimane mese|mesi anno|anni",
        at="alle_ore|alle|ore", after="tra|fra", fillers="il di del", recurring="ogni tutti tutte quotidianamente",
    ),
    "ja": Language(
        months="1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
        weekdays="月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
        days="今日|きょう|本日 明日|あした|あす 明後日|あさって 昨日|きのう", recurring="毎",
    ),
    "ko": Language(
        months="1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월",
        weekdays="월요일 화요일 수요일 목요일 금요일 토요일 일요일",
        days="오늘 내일 모레 어제", recurring="매 마다",
    ),
    "nb": Language(
        months="januar februar mars april mai juni juli august september oktober november desember",
        weekdays="mandag tirsdag onsdag torsdag fredag lørdag søndag",
        days=NORDIC_DAYS, units="dag|dager uke|uker måned|måneder år",
        at="kl|klokken", after="om", next="neste", fillers="den på",
        recurring="hver hvert daglig ukentlig månedlig årlig",
    ),
    "nl": Language(
        months="januari februari maart|mrt april mei juni juli augustus september oktober november december",
        weekdays="maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        days="vandaag morgen overmorgen gisteren",
        units="dag|dagen week|weken maand|maanden jaar|jaren",
        at="om", after="over", next="volgende", fillers="op uur",
        recurring="elke elk iedere ieder dagelijks wekelijks maandelijks jaarlijks",
    ),
    "pl": Language(
        months="stycznia|styczeń lutego|luty marca|marzec kwietnia|kwiecień maja|maj czerwca|czerwiec lipca|lipiec"
        " sierpnia|sierpień września|wrzesień października|październik listopada|listopad grudnia|grudzień",
        weekdays="poniedziałek wtorek środa|środę czwartek piątek|pt sobota|sobotę niedziela|niedzielę|ndz",
        days="dzisiaj|dziś|dzis jutro pojutrze wczoraj",
        units="dzień|dni tydzień|tygodnie|tygodni miesiąc|miesiące|miesięcy rok|lata|lat",
        at="o|o_godz", after="za", fillers="w we r", recurring="co każdy każda każde każdą codziennie",
    ),
    "pt": Language(
        months="janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        weekdays="segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        days="hoje amanhã depois_de_amanhã ontem",
        units="dia|dias semana|semanas mês|meses ano|anos",
        at="às|à", after="em|daqui_a", fillers="de do no na", recurring="cada todo toda todos todas diariamente",
    ),
    "ru": Language(
        months="января|январь февраля|февраль марта|март апреля|апрель мая|май июня|июнь июля|июль августа|август"
        " сентября|сентябрь октября|октябрь ноября|ноябрь декабря|декабрь",
        weekdays="понедельник|пн вторник среда|среду четверг|чт пятница|пятницу|пт суббота|субботу|сб воскресенье",
        days="сегодня завтра послезавтра вчера",
        units="день|дня|дней неделю|недели|недель месяц|месяца|месяцев год|года|лет",
        at="в", after="через", fillers="во г",
        recurring="каждый каждую каждое каждые ежедневно еженедельно ежемесячно ежегодно",
    ),
    "sv": Language(
        months="januari februari mars april maj juni juli augusti september oktober november december",
        weekdays="måndag tisdag onsdag torsdag fredag lördag söndag",
        days="idag|i_dag imorgon|i_morgon övermorgon|i_övermorgon igår|i_går",
        units="dag|dagar vecka|veckor månad|månader år",
        at="kl|klockan", after="om", next="nästa", fillers="den på", recurring="varje var varannan dagligen",
    ),
    "tr": Language(
        months="ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
        weekdays="pazartesi|pzt salı çarşamba perşembe cuma cumartesi|cmt pazar",
        days="bugün yarın öbür_gün dün", at="saat", recurring="her",
    ),
    "zh": Language(
        months="1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
        weekdays="周一|星期一|週一 周二|星期二|週二 周三|星期三|週三 周四|星期四|週四 周五|星期五|週五 周六|星期六|週六"
        " 周日|星期日|週日|星期天",
        days="今天 明天 后天|後天 昨天", recurring="每",
    ),
}  # fmt: skip
ALIASES = {"no": "nb", "nn": "nb", "cn": "zh", "tw": "zh"}
EAST_ASIAN = {"ja", "ko", "zh"}
MAX_PHRASE = 3


def find_language(code: str) -> str | None:
    """Return the key in LANGUAGES of a code such as "pt_BR"; "en" for English and for no code, None if unknown."""
    base = re.split("[-_]", code.strip().lower())[0] or "en"
    base = ALIASES.get(base, base)
    return base if base == "en" or base in LANGUAGES else None


def is_recurring(text: str, language: str) -> bool:
    """Return whether a text describes a repetition in this language or in English."""
    if date_parser.is_recurring(text):
        return True
    if language not in LANGUAGES or len(text) > MAX_LENGTH:
        return False
    words = fold(LANGUAGES[language].recurring).split()
    if language in EAST_ASIAN:
        return any(word in fold(text) for word in words)
    return not set(words).isdisjoint(re.findall(r"\w+", fold(text)))


def translate(text: str, language: str) -> str | None:
    """Return a date in English; None when it is too long or holds a word that the language's table does not."""
    if len(text) > MAX_LENGTH:
        return None
    text = fold(text)
    for pattern, replacement in NUMERIC_FORMS:
        text = pattern.sub(replacement, text)
    tokens = TOKEN.findall(text)
    words = _meanings(language)
    result: list[str] = []
    place = 0
    # At most MAX_LENGTH tokens, each looked up at most MAX_PHRASE times.
    while place < len(tokens):
        token, length = tokens[place], 1
        if token[0].isdigit() or token in LITERALS:
            result.append(LITERALS.get(token, token))
            place += 1
            continue
        for length in range(MAX_PHRASE, 0, -1):
            meanings = words.get(" ".join(tokens[place : place + length]))
            if meanings:
                break
        else:
            return None
        following = tokens[place + length : place + length + 1]
        meaning = _choose(meanings, beside_number=any(part.isdigit() for part in [*result[-1:], *following]))
        if meaning is None:
            return None
        result.append(meaning)
        place += length
    if not set(result).isdisjoint(MONTHS):
        # A weekday beside a date adds nothing to it.
        result = [token for token in result if token not in WEEKDAYS]
    english = " ".join(filter(None, result))
    return re.sub(r"\bat (\d{1,2})\.(\d{2})$", r"at \1:\2", english)


def _choose(meanings: frozenset[str], *, beside_number: bool) -> str | None:
    """Return the meaning of a word: in French "mar" is March beside a number and Tuesday without one."""
    if len(meanings) > 1:
        group = meanings.intersection(MONTHS) if beside_number else meanings.intersection(WEEKDAYS)
        meanings = frozenset(group) or meanings
    return next(iter(meanings)) if len(meanings) == 1 else None


def fold(text: str) -> str:
    """Return the text in lower case, without accents and without differences of width."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


@cache
def _meanings(language: str) -> dict[str, frozenset[str]]:
    """Return the English meanings of each word, phrase and beginning of a month or weekday."""
    table = LANGUAGES[language]
    meanings: dict[str, set[str]] = defaultdict(set)
    groups: list[tuple[str, list[str], int]] = [
        (table.months, MONTHS, 3),
        (table.weekdays, WEEKDAYS, 2),
        (table.days, RELATIVE_DAYS, MAX_LENGTH),
        (table.units, UNITS, MAX_LENGTH),
        *((words, [english] * len(words.split()), MAX_LENGTH) for words, english in (
            (table.at, "at"), (table.after, "in"), (table.next, "next"), (table.fillers, ""),
        )),
    ]  # fmt: skip
    exact = {spelling for text in (table.days, table.units, table.fillers) for spelling in re.split("[ |]", fold(text))}
    for spellings, english, shortest in groups:
        for alternatives, meaning in zip(spellings.split(), english, strict=False):
            for spelling in fold(alternatives).replace("_", " ").split("|"):
                meanings[spelling].add(meaning)
                for length in range(shortest, len(spelling)):
                    # "dom" is no Sunday where a word of its own is written like that.
                    if spelling[:length] not in exact:
                        meanings[spelling[:length]].add(meaning)
    return {word: frozenset(english) for word, english in meanings.items()}


# What NUMERIC_FORMS write, in the words of `date_parser`.
LITERALS = {
    **{f"month{number}": name for number, name in enumerate(MONTHS, start=1)},
    **{f"x{word}": word for word in ("next", "day", "week", "month", "year", "noon")},
    "xend": "end of month",
}
TOKEN = re.compile(r"month\d{1,2}\b|\d[\d:./-]*(?:[ap]m\b|th\b)?|[^\W\d]+(?:['’-][^\W\d]+)*|[^\s\w.,]")
# Forms in digits, whatever the language: 2027年4月9日(金), 午後5時15分, 3日後, 9.4.2027, 17h15, and ordinals such as 9. and 1er;
# and words that scripts without spaces run together, such as 来週の月曜日.
NUMERIC_FORMS = [
    (re.compile(fold(pattern)), replacement)
    for pattern, replacement in (
        (r"[(]\s*(?:月|火|水|木|金|土|日)(?:曜日?)?\s*[)]", " "),
        (
            r"(?:来週|다음\s*주)(?=[の\s]*(?:月曜|火曜|水曜|木曜|金曜|土曜|日曜|월요|화요|수요|목요|금요|토요|일요))",
            " xnext ",
        ),
        (r"下(?:个|個)?(?=(?:周|週|星期)[一二三四五六日天])", " xnext "),
        (r"来週|下(?:个|個)?(?:周|週|星期)|다음\s*주", " xnext xweek "),
        (r"来月|下(?:个|個)?月|다음\s*달", " xnext xmonth "),
        (r"来年|明年|내년", " xnext xyear "),
        (r"今?月末|月底|월말", " xend "),
        (r"正午|中午|정오", " xnoon "),
        (r"の", " "),
        (r"(\d{1,4})\s*(?:日|天|일)\s*(?:後|后|후)", r"\1 xday "),
        (r"(\d{1,4})\s*(?:週間|週|周|주)\s*(?:後|后|후)", r"\1 xweek "),
        (r"(\d{1,4})\s*(?:[かカヶヵケ箇个個]\s*月|개월)\s*(?:後|后|후)", r"\1 xmonth "),
        (r"(\d{1,4})\s*(?:年|년)\s*(?:後|后|후)", r"\1 xyear "),
        (r"^(\d{1,2})\s*(?:日|号|號|일)$", r"\1th"),
        (r"(?<![\d:])(\d{1,2})\s+(\d{1,2})\s*(?:月|월)(?!\s*\d{1,2}(?![\d:]))", r"\1 month\2 "),
        (r"(\d{1,2})\s*(?:時|时|點|点|시)\s*(?:半|반)", r"\1:30"),
        (r"(\d{4})\s*(?:年|년)\s*(\d{1,2})\s*(?:月|월)\s*(\d{1,2})\s*(?:日|일|号|號)?", r"\1-\2-\3 "),
        (r"(\d{1,2})\s*(?:月|월)\s*(\d{1,2})(?!\d)\s*(?:日|일|号|號)?", r"\2 month\1 "),
        (r"(\d{1,2})\s*(?:時|时|點|点|시)\s*(\d{1,2})\s*(?:分|분)", r"\1:\2"),
        (r"(\d{1,2})\s*(?:時|时|點|点|시)", r"\1:00"),
        (r"(?:午前|上午|오전)\s*(\d{1,2}:\d{2})", r" \1am"),
        (r"(?:午後|下午|오후)\s*(\d{1,2}:\d{2})", r" \1pm"),
        (r"(?<![\d.:])(\d{1,2})\.\s?(\d{1,2})\.\s?(?=\d{4}\b|\s|$)", r"\1 month\2 "),
        (r"\b(\d{1,2})\s?h\s?(\d{2})\b", r"\1:\2"),
        (r"\b(\d{1,2})\s?h\b", r"\1:00"),
        (r"(?<![\d.:])(\d{1,2})(?:\.|er|re|o|a|e)(?=\s|$)", r"\1"),
    )
]
