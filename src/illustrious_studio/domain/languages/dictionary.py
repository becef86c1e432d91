"""The words of one language and what they are in English: phrases are looked up as they stand, or by their stems."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from illustrious_studio.domain.languages.stems import STEMS

WordKind = Literal[
    "noun", "people", "body", "clothes", "place", "adjective", "number", "article", "relation", "side", "verb", "and",
    "negation", "time", "position", "style", "nothing",
]  # fmt: skip
"""`side` is a relation that comes after its noun: "on" in Japanese, Chinese and Korean."""
NOUNS: Final = frozenset({"noun", "people", "body", "clothes", "place"})
CODES: Final = ("de", "fr", "es", "pt", "it", "ru", "ja", "zh", "ko")
UNSPACED: Final = frozenset({"ja", "zh"})
LONGEST_PHRASE: Final = 6

_TRADITIONAL = (
    "蘋貓馬鳥魚獅雞鴨頭龍鯨鯊豬熱氣車飛機電腦視髮藍綠紅黃銀長裡裏邊後麵麥樹葉華蓮雲陽見門開關書畫寫筆買賣錢貝殼響聲聽說話語讀請"
    "認識詩誰調談證兩個隻雙對對條張輛顆棵匹幾許數萬衛場園園島嶼塊壞壓廠應廣廟庫廚戲戰掃掛換據擊擋擔擁擺攝攜敵斷顏題"
    "願風養餐餅館駕驚騎駱驢騾鬆鬥魔鮮鯉鴿鵝鷹鷄鷗鹽麗點齒齡龜裙褲襪襯觀覺觸訂記許設計詢該詳誌誤課論諾謝護變讓豎"
    "貨質費資賞賽趕跡踐躍軍軟輕載輪轉農迴這連進遊運過達遠適選遲還郵鄉醫釀釘針鈴鉛鋼錄鍋鍵鎖鏡鐘鐵鑰閃閉間陣陰陸隊"
    "階際險隨雖難雜離霧靈靜韓頂項順須預領頻額類顯飄飯飲飾餓駛髒鬍鳳鳴鴉鴛鷺傘備傳傷債傾僅償優儀億儲兒內劍劇劉動勝"
    "勢勞區協卻厲參吳員問啟單嘆嘗噴噸國圍圓圖團執堅報塵墊夢夠奪奮婦媽嬌嬰學孫寧實寫寬寶將專尋導屆屋層崗嶺巖帥師帶"
    "帳幣幫庭廳張強彈彎彙恆惡惱愛態慘慶憂憐憑懷懶戀戶拋挾捨捲採搖損搶撥擠攔敗斬時晝暈暫曆曉曬會東枴柵條棄棗楊楓業"
    "極榮構槍樂樓標樣橋橫檔檢櫃櫻櫥欄權歐歡歲歷歸殘殺殼氈溝沖涼淚淨淺渦測湯滅滾滿漁漢漲潑潔潤濃濕濟瀏灑灘灣炮為烏"
    "無煙煩燈燒營燭爐爛爭爺牆牀狀狹猶獎獨獲獸珍現瑪環瓊產畢異療瘋發盜盞盡監盤盧眾睏瞭矯礦碼確碗磚禮禿種稱穀積穩窩窮"
    "競筍節範築簡籃籠籬糧糰糾紀約紋納純紙級紛細終結絕給統絲經綁維網緊線締編練緣縣縫總績織繩繪續纖罐羅羊義習聖聞聯職"
    "肅腎脹腳腫膚膠臉臟臘臨舉舊艦艙藝節蔥薑蘆蘭處虛號蛋蝦蝸螞蟻蠟蠅蠶衝袋補裝製複規親訓訪評詞誕講譜譯豐貍貓販責貴貿賀"
    "賓賬賭購贈贊趙跳輛輩輸辦辭邁鄰醜釋鈕鈔銅銷鋁鋒鋪鋸錘錦錯鍊鐮鑼鑽鑄長閱閣闊陳雛雪電霜韻頸顧顫颱飼饅駝駐騙髏麼齊"
)
_SIMPLIFIED = (
    "苹猫马鸟鱼狮鸡鸭头龙鲸鲨猪热气车飞机电脑视发蓝绿红黄银长里里边后面麦树叶华莲云阳见门开关书画写笔买卖钱贝壳响声听说话语读请"
    "认识诗谁调谈证两个只双对对条张辆颗棵匹几许数万卫场园园岛屿块坏压厂应广庙库厨戏战扫挂换据击挡担拥摆摄携敌断颜题"
    "愿风养餐饼馆驾惊骑骆驴骡松斗魔鲜鲤鸽鹅鹰鸡鸥盐丽点齿龄龟裙裤袜衬观觉触订记许设计询该详志误课论诺谢护变让竖"
    "货质费资赏赛赶迹践跃军软轻载轮转农回这连进游运过达远适选迟还邮乡医酿钉针铃铅钢录锅键锁镜钟铁钥闪闭间阵阴陆队"
    "阶际险随虽难杂离雾灵静韩顶项顺须预领频额类显飘饭饮饰饿驶脏胡凤鸣鸦鸳鹭伞备传伤债倾仅偿优仪亿储儿内剑剧刘动胜"
    "势劳区协却厉参吴员问启单叹尝喷吨国围圆图团执坚报尘垫梦够夺奋妇妈娇婴学孙宁实写宽宝将专寻导届屋层岗岭岩帅师带"
    "帐币帮庭厅张强弹弯汇恒恶恼爱态惨庆忧怜凭怀懒恋户抛挟舍卷采摇损抢拨挤拦败斩时昼晕暂历晓晒会东拐栅条弃枣杨枫业"
    "极荣构枪乐楼标样桥横档检柜樱橱栏权欧欢岁历归残杀壳毡沟冲凉泪净浅涡测汤灭滚满渔汉涨泼洁润浓湿济浏洒滩湾炮为乌"
    "无烟烦灯烧营烛炉烂争爷墙床状狭犹奖独获兽珍现玛环琼产毕异疗疯发盗盏尽监盘卢众困了矫矿码确碗砖礼秃种称谷积稳窝穷"
    "竞笋节范筑简篮笼篱粮团纠纪约纹纳纯纸级纷细终结绝给统丝经绑维网紧线缔编练缘县缝总绩织绳绘续纤罐罗羊义习圣闻联职"
    "肃肾胀脚肿肤胶脸脏腊临举旧舰舱艺节葱姜芦兰处虚号蛋虾蜗蚂蚁蜡蝇蚕冲袋补装制复规亲训访评词诞讲谱译丰狸猫贩责贵贸贺"
    "宾账赌购赠赞赵跳辆辈输办辞迈邻丑释钮钞铜销铝锋铺锯锤锦错链镰锣钻铸长阅阁阔陈雏雪电霜韵颈顾颤台饲馒驼驻骗髅么齐"
)
_TO_SIMPLIFIED = str.maketrans(dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True)))


def in_simplified(text: str) -> str:
    """Chinese in simplified characters, as far as the dictionary needs them."""
    return text.translate(_TO_SIMPLIFIED)


def folded(text: str, code: str) -> str:
    """The text in the form that words are compared in."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if code == "zh":
        return in_simplified(text)
    if code in ("ja", "ko"):
        return text
    if code == "ru":
        return text.replace("ё", "е")
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in text if not unicodedata.combining(letter))


_TOKEN = re.compile(r"\d+\+?\w*|[^\W\d_]+'?|[,.;:!?\n、。「」・…]")


def tokens(text: str) -> list[str]:
    """Words, numbers and pauses. An elided article keeps its apostrophe ("l'", "dell'")."""
    return ["," if not token[0].isalnum() else token for token in _TOKEN.findall(text)]


@dataclass(frozen=True)
class Entry:
    """What a phrase is in English. `length` counts what it took of the text: words, or characters without spaces."""

    kind: WordKind
    english: str
    length: int = 1
    plural: bool = False


class Dictionary:
    """Knows phrases of one language; of several that begin at a word, the longest counts."""

    def __init__(self, code: str, words: Mapping[str, Mapping[str, str]]) -> None:
        self.code = code
        self._stem = STEMS.get(code)
        self._exact: dict[tuple[str, ...], list[Entry]] = {}
        self._stems: dict[tuple[str, ...], list[tuple[str, Entry]]] = {}
        self.longest = 1
        for kind in get_args(WordKind):
            for phrase, english in words.get(kind, {}).items():
                self._learn(kind, phrase, english)

    def _learn(self, kind: WordKind, phrase: str, english: str) -> None:
        key = self.split(phrase)
        entry = Entry(kind, english, len(key))
        self.longest = max(self.longest, len(key))
        self._exact.setdefault(key, []).append(entry)
        if self._stem is not None and kind not in ("article", "and", "nothing", "relation"):
            self._stems.setdefault(tuple(map(self._stem, key)), []).append((phrase, entry))

    def split(self, text: str) -> tuple[str, ...]:
        """What a phrase is a sequence of: characters where words are not parted by spaces."""
        plain = folded(text, self.code)
        return tuple(plain) if self.code in UNSPACED else tuple(tokens(plain))

    def at(self, words: Sequence[str], said: Sequence[str] = ()) -> list[Entry]:
        """The readings of the longest phrase that these (folded) words begin with; nouns last. `said` is how they were
        written, with their accents, which tells some plurals."""
        for length in range(min(self.longest, len(words)), 0, -1):
            key = tuple(words[:length])
            entries = list(self._exact.get(key, ()))
            if entries and said:
                entries = [replace(one, plural=self._changed_vowel(key, said[:length])) for one in entries]
            elif not entries and self._stem is not None:
                stems = tuple(map(self._stem, key))
                entries = [
                    replace(entry, plural=self._is_plural(" ".join(key), folded(phrase, self.code)))
                    for phrase, entry in self._stems.get(stems, ())
                ]
            if entries:
                return sorted(entries, key=lambda entry: entry.kind in NOUNS)
        return []

    def _changed_vowel(self, key: tuple[str, ...], said: Sequence[str]) -> bool:
        """German says some plurals by a vowel alone: Apfel, Äpfel. The dictionary has the singular."""
        if self.code != "de" or len(key) != 1:
            return False
        phrase = next((phrase for phrase, _ in self._stems.get((german_stem(key[0]),), ())), said[0])
        return sum(map(said[0].lower().count, "äöü")) > sum(map(phrase.lower().count, "äöü"))

    def _is_plural(self, word: str, base: str) -> bool:
        """Whether a form of a noun that is not its dictionary form says several."""
        if word == base:
            return False
        match self.code:
            case "fr":
                return word.endswith(("s", "x")) and not base.endswith(("s", "x"))
            case "es" | "pt":
                return word.endswith("s") and not base.endswith("s")
            case "it":
                return word.endswith(("i", "e")) and base[-1:] != word[-1:]
            case "de":
                return word.endswith(("en", "er", "ern", "e", "eln")) or (word.endswith("s") and base[-1:] in "aiou")
            case "ru":
                return word.endswith(("ы", "и", "ами", "ями", "ах", "ях", "ов", "ев", "ья", "ьями", "ек", "ок"))
        return False


def german_stem(word: str) -> str:
    return STEMS["de"](word)


@dataclass(frozen=True)
class Lexicon:
    """The dictionaries of all languages, and the words in them that an English prompt may hold as well: no sign of
    either."""

    dictionaries: tuple[Dictionary, ...] = ()
    also_english: frozenset[str] = frozenset()


def lexicon(words: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Lexicon:
    """That of the packaged file."""
    known = tuple(Dictionary(code, words[code]) for code in CODES if code in words)
    return Lexicon(known, frozenset(words.get("en", {}).get("nothing", {})))
