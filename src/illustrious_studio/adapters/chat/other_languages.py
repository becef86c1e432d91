"""The fixed answers in nine other languages: what it is, what it can do, how to have something drawn, and greetings.

The embedded model knows hardly anything but English; asked these in another language it would make something up.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

Question = Literal["greeting", "who", "can", "draw"]

_ASKED: Final[Mapping[str, Mapping[Question, str]]] = {
    "de": {
        "greeting": r"hallo|hi du|guten (?:tag|morgen|abend)|moin|servus|grüß gott",
        "who": r"wer bist du|was bist du|wie hei(?:ß|ss)t du|welches modell bist du",
        "can": r"was kannst du(?: \w+){0,3}|was kann man hier machen|wo(?:bei|mit) kannst du(?: mir)? helfen|hilfe"
        r"|wie kannst du mir helfen",
        "draw": r"wie (?:kann|soll) (?:ich|man)\b.*\b(?:zeichne\w*|male\w*|bild\w*|erstelle\w*)\b.*"
        r"|wie (?:zeichne|male|mache|erstelle|bekomme) (?:ich|man)\b.*"
        r"|kannst du (?:\w+ ){0,4}(?:zeichnen|malen)|(?:zeichne|mal|male) (?:mir|uns|bitte|ein|eine|einen)\b.*",
    },
    "fr": {
        "greeting": r"bonjour|salut|bonsoir|coucou",
        "who": r"qui es[- ]tu|qui (?:ê|e)tes[- ]vous|tu es qui|comment (?:t'appelles[- ]tu|tu t'appelles)",
        "can": r"(?:que|qu'est[- ]ce que) (?:peux[- ]tu|pouvez[- ]vous|tu peux|tu sais) faire(?: \w+){0,3}"
        r"|que sais[- ]tu faire|aide(?:[- ]moi)?|comment peux[- ]tu m'aider",
        "draw": r"comment (?:puis[- ]je|je peux|est[- ]ce que je|on peut|faire pour)\b.*\b(?:dessin\w*|image\w*"
        r"|peindre)\b.*"
        r"|comment (?:dessiner|créer|générer|faire)\b.*|(?:peux[- ]tu|tu peux|sais[- ]tu) (?:me )?dessiner\b.*"
        r"|dessine(?:[- ]moi)?\b.*",
    },
    "es": {
        "greeting": r"hola|buen(?:os|as) (?:días|dias|tardes|noches)",
        "who": r"qui(?:é|e)n eres|qu(?:é|e) eres|c(?:ó|o)mo te llamas",
        "can": r"qu(?:é|e) (?:puedes|sabes|pod(?:é|e)s) hacer(?: \w+){0,3}|en qu(?:é"
        r"|e) (?:me )?puedes ayudar(?:me)?|ayuda"
        r"|c(?:ó|o)mo puedes ayudarme",
        "draw": r"c(?:ó|o)mo (?:puedo|se puede|hago para|hago)\b.*\b(?:dibuj\w*|imagen\w*|im(?:á|a)genes|pint\w*)\b.*"
        r"|c(?:ó|o)mo (?:dibujo|creo|genero|dibujar|crear)\b.*|(?:puedes|sabes) dibujar\b.*|dib(?:u|ú)ja(?:me)?\b.*",
    },
    "pt": {
        "greeting": r"ol(?:á|a)|oi|bom dia|boa (?:tarde|noite)",
        "who": r"quem (?:é|e) voc(?:ê|e)|quem (?:é|e)s tu|qual (?:é|e) o (?:seu|teu) nome",
        "can": r"o que (?:é que )?(?:voc(?:ê|e) |tu )?(?:pode|podes|sabe|sabes|consegue)(?: voc(?:ê"
        r"|e))? fazer(?: \w+){0,3}"
        r"|ajuda|como (?:voc(?:ê|e) )?pode(?:s)? me ajudar",
        "draw": r"como (?:eu )?(?:posso|fa(?:ç|c)o para|fa(?:ç|c)o)\b.*\b(?:desenh\w*|imagem|imagens|pint\w*)\b.*"
        r"|como (?:desenho|desenhar|criar|gerar)\b.*|(?:voc(?:ê|e) )?(?:pode|podes|sabe) desenhar\b.*|desenh[ae]\b.*",
    },
    "it": {
        "greeting": r"ciao|salve|buon(?:giorno|asera)",
        "who": r"chi sei|cosa sei|come ti chiami",
        "can": r"(?:che )?cosa (?:puoi|sai) fare(?: \w+){0,3}|che (?:puoi|sai) fare|aiuto|come puoi aiutarmi",
        "draw": r"come (?:posso|si può|faccio a|faccio)\b.*\b(?:disegn\w*|immagin\w*|dipin\w*)\b.*"
        r"|come (?:disegno|disegnare|creo|creare)\b.*|(?:puoi|sai) disegnar\w*\b.*|disegna(?:mi)?\b.*",
    },
    "ru": {
        "greeting": r"привет|здравствуй(?:те)?|добр(?:ый|ое|ого) (?:день|вечер|утро)",
        "who": r"кто (?:ты|вы)(?: такой| такая)?|как тебя зовут|что ты такое",
        "can": r"что (?:ты|вы) (?:уме(?:ешь|ете)|мо(?:жешь|жете))(?: делать)?|чем (?:ты )?можешь помочь|помощь|помоги",
        "draw": r"как\b.*\b(?:нарисовать|рисовать|картин\w*|изображени\w*)\b.*"
        r"|(?:ты )?(?:можешь|умеешь) (?:на)?рисовать\b.*|нарисуй\b.*",
    },
    "ja": {
        "greeting": r"こんにちは|こんばんは|おはよう(?:ございます)?|はじめまして|やあ",
        "who": r"(?:あなた|君|きみ)は(?:誰|だれ|何|なに).*|誰ですか|名前は(?:何|なん).*",
        "can": r"(?:あなた(?:は|に|には)?)?(?:何|なに)が(?:できる|出来る|できます|出来ます).*|使い方.*|ヘルプ|助けて",
        "draw": r".*(?:絵|イラスト|画像).*(?:描|かけ|作|生成|どう|方法).*|.*(?:描いて|描けます|描ける|描くには).*",
    },
    "zh": {
        "greeting": r"你好|您好|早上好|晚上好|嗨|哈囉|哈喽",
        "who": r"(?:你|您)是(?:谁|誰|什么|什麼).*|(?:你|您)叫什(?:么|麼).*",
        "can": r"(?:你|您)(?:能|可以|会|會)(?:做|干|幹)?(?:些)?(?:什么|什麼|啥).*|(?:能|可以)做(?:些)?什(?:么"
        r"|麼).*|帮助|幫助|帮帮我",
        "draw": r".*(?:怎么|怎麼|如何|怎样|怎樣).*(?:画|畫|图|圖|绘|繪).*|.*(?:能|可以|会|會|帮我|幫我|请"
        r"|請)(?:画|畫|绘|繪).*",
    },
    "ko": {
        "greeting": r"안녕(?:하세요|하십니까)?|반가워요?",
        "who": r"(?:너는?|넌|당신은) (?:누구|뭐|무엇)(?! ?할).*|이름이 뭐.*|누구세요",
        "can": r"(?:(?:너는?|넌|당신은) )?(?:뭐|뭘|무엇을|무얼) ?(?:를 )?할 수 (?:있|있나).*|도움말?|도와줘(?:요)?",
        "draw": r".*(?:그림|이미지).*(?:어떻게|그려|그리|만들|생성).*|.*어떻게.*(?:그려|그리|그림|이미지).*"
        r"|.*그려 ?(?:줘|주세요).*",
    },
}  # fmt: skip
"""What people ask, whole, by language. Marks around it do not count."""

_ABOUT: Final = {
    "de": "Ich bin {name}: das kleine Sprachmodell, das zum Studio gehört und auf deinem Rechner läuft. Ich "
    "kann fast nur "
    "Englisch und irre mich oft. Für richtige Gespräche installiere ein Modell in Ollama.",
    "fr": "Je suis {name}, le petit modèle de langue fourni avec le studio ; je tourne sur ta machine. Je ne sai"
    r"s presque que "
    "l'anglais et je me trompe souvent. Pour de vraies conversations, installe un modèle dans Ollama.",
    "es": "Soy {name}, el pequeño modelo de lenguaje que viene con el estudio y funciona en tu equipo. Casi "
    "solo sé inglés y "
    "me equivoco a menudo. Para conversar de verdad, instala un modelo en Ollama.",
    "pt": "Sou {name}, o pequeno modelo de linguagem que vem com o estúdio e roda na sua máquina. Quase só sei "
    "inglês e erro "
    "muito. Para conversas de verdade, instale um modelo no Ollama.",
    "it": "Sono {name}, il piccolo modello linguistico fornito con lo studio, e giro sul tuo computer. So quasi solo "
    "l'inglese e sbaglio spesso. Per vere conversazioni installa un modello in Ollama.",
    "ru": "Я {name}, маленькая языковая модель, которая идёт вместе со студией и работает на вашем компьютере. "
    "Я знаю почти "
    "только английский и часто ошибаюсь. Для настоящих бесед установите модель в Ollama.",
    "ja": "私は {name}、このスタジオに付属する小さな言語モデルで、あなたのコンピューターの中で動いています。ほと"
    "んど英語しか分からず、よく間違えます。"
    "本格的な会話には、Ollama にモデルを入れてください。",
    "zh": "我是 {name}，工作室自带的小型语言模型，在您的电脑上运行。我几乎只懂英语，而且经常出错。想真正聊天，请"
    "在 Ollama 中安装一个模型。",
    "ko": "저는 {name}, 스튜디오에 포함된 작은 언어 모델이며 당신의 컴퓨터에서 실행됩니다. 영어 말고는 거의 "
    "모르고 자주 틀립니다. "
    "제대로 대화하려면 Ollama에 모델을 설치하세요.",
}  # fmt: skip
_CAN: Final = {
    "de": "Auf Englisch kann ich ein wenig plaudern und kurze Texte schreiben, und ich irre mich oft. Bilder "
    "sehen oder etwas "
    "nachschlagen kann ich nicht.",
    "fr": "En anglais, je peux bavarder un peu et écrire de courts textes, et je me trompe souvent. Je ne vois p"
    r"as les images "
    "et je ne peux rien rechercher.",
    "es": "En inglés puedo charlar un poco y escribir textos cortos, y me equivoco a menudo. No veo imágenes ni puedo "
    "consultar nada.",
    "pt": "Em inglês posso conversar um pouco e escrever textos curtos, e erro muito. Não vejo imagens nem "
    "posso pesquisar "
    "nada.",
    "it": "In inglese so chiacchierare un po' e scrivere brevi testi, e sbaglio spesso. Non vedo le immagini e "
    "non posso "
    "cercare nulla.",
    "ru": "По-английски я могу немного поболтать и написать короткий текст, и я часто ошибаюсь. Я не вижу "
    "картинок и ничего "
    "не могу искать.",
    "ja": "英語なら少しおしゃべりしたり短い文を書いたりできますが、よく間違えます。画像を見ることも、調べものも"
    "できません。",
    "zh": "我可以用英语简单聊天、写短文，但经常出错。我看不到图片，也不能查资料。",
    "ko": "영어로 조금 대화하고 짧은 글을 쓸 수 있지만 자주 틀립니다. 그림을 보거나 무언가를 검색할 수는 없습니다.",
}  # fmt: skip
_DRAW: Final = {
    "de": "Zeichnen tut das Studio: Schreib `#generate` und was du sehen möchtest, zum Beispiel "
    "`#generate eine Katze auf einem Sofa`.",
    "fr": "C'est le studio qui dessine : écris `#generate` et ce que tu voudrais voir, par exemple "
    "`#generate un chat sur un canapé`.",
    "es": "Quien dibuja es el estudio: escribe `#generate` y lo que quieres ver, por ejemplo `#generate un gato "
    "en un sofá`.",
    "pt": "Quem desenha é o estúdio: escreva `#generate` e o que você quer ver, por exemplo `#generate um gato "
    "no sofá`.",
    "it": "A disegnare è lo studio: scrivi `#generate` e quello che vuoi vedere, per esempio `#generate un "
    "gatto sul divano`.",
    "ru": "Рисует студия: напишите `#generate` и то, что хотите увидеть, например `#generate кошка на диване`.",
    "ja": "絵を描くのはスタジオです。`#generate` に続けて見たいものを書いてください。例：`#generate ソファの上の猫`",
    "zh": "画图的是工作室：请输入 `#generate` 和您想看到的内容，例如 `#generate 沙发上的猫`。",
    "ko": "그림은 스튜디오가 그립니다. `#generate` 뒤에 보고 싶은 것을 쓰세요. 예: `#generate 소파 위의 고양이`",
}  # fmt: skip
_GREETING: Final = {
    "de": "Hallo!", "fr": "Bonjour !", "es": "¡Hola!", "pt": "Olá!", "it": "Ciao!", "ru": "Здравствуйте!",
    "ja": "こんにちは！", "zh": "您好！", "ko": "안녕하세요!",
}  # fmt: skip
_UNSPACED: Final = frozenset({"ja", "zh"})
_MARKS: Final = r"[\W_]*"


def answered_in_its_language(question: str, name: str) -> str:
    """The answer to one of these questions, in its language, by the model of that name; empty for any other."""
    for code, asked in _ASKED.items():
        for kind, pattern in asked.items():
            hello = asked["greeting"]
            if re.fullmatch(rf"{_MARKS}(?:(?:{hello}){_MARKS})?(?:{pattern}){_MARKS}", question, re.IGNORECASE):
                return _answer(code, kind, name)
    return ""


def _answer(code: str, kind: Question, name: str) -> str:
    if kind == "who":
        return _ABOUT[code].format(name=name)
    if kind == "draw":
        return _DRAW[code]
    first = _GREETING[code] if kind == "greeting" else _CAN[code]
    return f"{first}{'' if code in _UNSPACED else ' '}{_DRAW[code]}"
