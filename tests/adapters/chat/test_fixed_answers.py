"""What the embedded model is not asked at all, and what still goes to it."""

import pytest

from illustrious_studio.adapters.chat.fixed_answers import (
    CANNOT_KNOW,
    CANNOT_SEE,
    CANNOT_TRANSLATE,
    claims_to_see,
    fixed_answer,
    may_claim_to_see,
)
from illustrious_studio.domain.chat import ChatTurn

NAME = "SmolLM2-135M-Instruct"


def answered(question: str) -> str:
    return fixed_answer([ChatTurn("user", question)], NAME)


@pytest.mark.parametrize(
    "question",
    [
        "Can you see pictures?", "What do you see in this picture?", "Describe the image I just uploaded.",
        "Is there a cat in the photo?", "what does this image show", "I attached a drawing. Do you see it?",
        "Describe my picture",
    ],
)  # fmt: skip
def test_it_never_describes_what_it_cannot_see(question: str) -> None:
    assert answered(question) == CANNOT_SEE


@pytest.mark.parametrize("question", ["Who are you?", "What's your name?", "Are you ChatGPT?", "Are you an AI?"])
def test_it_says_what_it_is(question: str) -> None:
    assert NAME in answered(question)
    assert "Ollama" in answered(question)


def test_it_says_yes_to_what_it_is_and_no_to_what_it_is_not() -> None:
    assert answered("Are you a language model?").startswith("Yes.")
    assert answered("are you a real person?").startswith("No.")


@pytest.mark.parametrize(
    "question",
    ["What time is it?", "What's the weather like today?", "Will it rain tomorrow?", "What is today's date?",
     "What happened in the news this morning?", "What is the price of bitcoin right now?"],
)  # fmt: skip
def test_it_makes_up_nothing_that_nobody_told_it(question: str) -> None:
    assert answered(question) == CANNOT_KNOW


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 12 times 12?", "12 times 12 is 144."),
        ("25 * 4 =", "25 * 4 is 100."),
        ("0.1 + 0.2", "0.1 + 0.2 is 0.3."),
        ("How much is 10 divided by 3?", "10 divided by 3 is about 3.333333."),
        ("7 / 0", "Nothing can be divided by zero."),
        ("what's 100 - 1", "100 - 1 is 99."),
    ],
)  # fmt: skip
def test_sums_of_two_numbers_are_calculated(question: str, answer: str) -> None:
    assert answered(question) == answer


@pytest.mark.parametrize(
    "question", ["What is a LoRA?", "what does clip skip mean?", "Explain the VAE", "What are samplers?"]
)
def test_the_fields_words_are_explained(question: str) -> None:
    assert answered(question).startswith(("A LoRA", "Clip skip", "The VAE", "The sampler"))


@pytest.mark.parametrize("question", ['Translate "good morning" into French.', "How do you say thank you in Spanish?"])
def test_it_does_not_pretend_to_know_other_languages(question: str) -> None:
    assert answered(question) == CANNOT_TRANSLATE


@pytest.mark.parametrize(
    "question",
    [
        "Can you draw me a cat?",
        "draw a cat",
        "Could you please make a picture of a dog?",
        "Paint the sea!",
        "create a picture of two cats",
        "show me a picture of a horse",
    ],
)
def test_it_says_how_the_studio_is_asked_to_draw(question: str) -> None:
    assert "`#generate" in answered(question)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("where are my pictures saved?", "Gallery tab"), ("How do I find my old pictures?", "Gallery tab"),
        ("how do I add a checkpoint?", "`models/checkpoints`"), ("How can I use my own model?", "`models/checkpoints`"),
        ("How do I change the model?", "System tab"), ("How do I switch the chat model?", "`ollama pull qwen3:4b`"),
        ("How do I use a LoRA?", "models/loras"), ("Can I use ControlNet here?", "are not done here"),
        ("how do I upscale an image?", "Press Upscale"), ("where do I put my vae", "`models/vae`"),
        ("how do I delete a picture", "seven days"), ("How do I remove the background?", "Remove background"),
        ("how do I inpaint?", "Image to image"), ("How do I set the seed?", "Advanced"),
        ("How can I draw the same picture again?", "Reuse settings"), ("How do I connect SillyTavern?", "Connect tab"),
        ("Is there an API?", "port 8000"), ("How do I make a picture?", "`#generate`"),
    ],
)  # fmt: skip
def test_it_says_how_things_are_done_here(question: str, said: str) -> None:
    assert said in answered(question)


def test_greetings_are_returned() -> None:
    assert answered("Hello!") == "Hello! How can I help you?"
    assert answered("thanks a lot") == "You are welcome."


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?", "Write a poem about the weather", "Describe a picture of a castle",
        "Write a story in which she asks what time is it", "The picture of Dorian Gray: who wrote it?",
        "Who are you to say so?", "How do I make a model airplane?", "How do I hang a picture?", "How do I save money?",
        "Where do birds go in winter?", "Can you name three models of cars?", "How do I seed a lawn?",
        "Write a poem about how I use a LoRA",
        "Tell me a joke about the photo of a cat", "Hello, can you write a haiku?", "What is love?", "",
        "What do you see in this picture? " + "It is a long text. " * 20,
    ],
)  # fmt: skip
def test_everything_else_goes_to_the_model(question: str) -> None:
    assert answered(question) == ""


def test_an_answer_that_claims_to_see_is_known_where_the_question_invites_one() -> None:
    assert may_claim_to_see([ChatTurn("user", "Do you like the look of it? It is a picture of mine.")])
    assert not may_claim_to_see([ChatTurn("user", "Write a story about a picture")])
    assert not may_claim_to_see([ChatTurn("user", "What is the capital of France?")])
    assert claims_to_see("The image shows a woman with dark hair.")
    assert claims_to_see("I can see a small island.")
    assert not claims_to_see("I see that you like islands.")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Was kannst du?", "Auf Englisch kann ich"), ("Hallo, was kannst du alles?", "Auf Englisch kann ich"),
        ("¿Qué puedes hacer?", "En inglés puedo"), ("que puedes hacer", "En inglés puedo"),
        ("何ができますか？", "英語なら"), ("Que peux-tu faire ?", "En anglais"),
        ("O que você pode fazer?", "Em inglês"),
        ("Cosa sai fare?", "In inglese"), ("Что ты умеешь?", "По-английски"), ("你能做什么？", "我可以用英语"),
        ("너는 뭐 할 수 있어?", "영어로"), ("뭘 할 수 있나요?", "영어로"),
    ],
)  # fmt: skip
def test_what_it_can_do_is_said_in_the_language_of_the_question(question: str, said: str) -> None:
    assert answered(question).startswith(said)
    assert "#generate" in answered(question)


@pytest.mark.parametrize(
    ("question", "example"),
    [
        ("Wie kann ich ein Bild malen?", "eine Katze"), ("Zeichne mir einen Hund", "eine Katze"),
        ("Comment dessiner un chat ?", "un chat"), ("¿Cómo puedo crear una imagen?", "un gato"),
        ("Como faço uma imagem?", "um gato"), ("Come posso disegnare un gatto?", "un gatto"),
        ("Как нарисовать картинку?", "кошка"),
        ("絵を描くにはどうすればいいですか？", "猫"),
        ("怎么画画？", "猫"), ("그림을 어떻게 그려요?", "고양이"),
    ],
)  # fmt: skip
def test_how_to_draw_is_said_in_the_language_of_the_question(question: str, example: str) -> None:
    assert "#generate" in answered(question)
    assert example in answered(question)


@pytest.mark.parametrize(
    "question", ["Wer bist du?", "Qui es-tu ?", "¿Quién eres?", "Quem é você?", "Chi sei?", "Кто ты?",
                 "あなたは誰ですか？",
                 "你是谁？", "넌 누구야?"],
)  # fmt: skip
def test_it_says_what_it_is_in_the_language_of_the_question(question: str) -> None:
    assert NAME in answered(question)
    assert "Ollama" in answered(question)


@pytest.mark.parametrize(
    "question",
    ["Was ist die Hauptstadt von Frankreich?", "¿Cuál es la capital de España?", "Male animals are called what?",
     "What is the aid budget?", "日本の首都はどこですか？", "Ciao is what language?"],
)  # fmt: skip
def test_other_questions_in_other_languages_still_go_to_the_model(question: str) -> None:
    assert answered(question) == ""


@pytest.mark.parametrize(
    "question", ["How do I draw something?", "How can I make a picture?", "how do I generate an image of a cat?"]
)
def test_how_to_draw_is_answered(question: str) -> None:
    assert "#generate" in answered(question)


def test_conclusions_are_not_drawn_by_the_studio() -> None:
    assert answered("How do I draw a conclusion from data?") == ""
