"""Chat: streaming, stopping, sessions, pictures, and what stands there after a refresh."""

import re

import pytest
from playwright.async_api import expect

from illustrious_studio.domain.errors import Unavailable
from running_web import WebWithFakes, draw, say, tab
from waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LAST = "#messages article.answer >> nth=-1"


async def test_an_answer_streams_and_says_which_model_spoke(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["A **bold** start, ", "and the end."]]
    page = await web.open("chat")
    await say(page, "Tell me something")
    await page.wait_for_selector("#messages strong:has-text('bold')")
    await expect(page.locator("#messages")).not_to_contain_text("and the end")
    await expect(page.locator("#chat-box textarea")).to_have_value("")
    web.chat.go_on.set()
    await page.wait_for_selector("#messages .byline:has-text('fake-chat')")
    await expect(page.locator(LAST)).to_contain_text("A bold start, and the end.")


async def test_what_a_model_writes_cannot_add_html_or_load_a_picture(web: WebWithFakes) -> None:
    web.chat.scripts = [["<button name='delete' value='x'>Press</button> ![x](http://elsewhere.test/x.png) `<b>`"]]
    page = await web.open("chat")
    await say(page, "<img src=x onerror=alert(1)>")
    await page.wait_for_selector("#messages .byline")
    await expect(page.locator("#messages article.asked")).to_contain_text("<img src=x")
    await expect(page.locator("#messages article img")).to_have_count(0)
    await expect(page.locator("#messages article [name=delete]")).to_have_count(0)


async def test_thoughts_are_folded_beside_the_answer(web: WebWithFakes) -> None:
    web.chat.scripts = [["<think>Two and two", " make four.</think>", "Four."]]
    page = await web.open("chat")
    await say(page, "What is two and two?")
    await page.wait_for_selector("#messages .byline")
    thought = page.locator("#messages .thought .md")
    await expect(thought).to_be_hidden()
    await page.click("#messages .thought summary")
    await expect(thought).to_be_visible()
    await expect(thought).to_have_text("Two and two make four.")
    await expect(page.locator(LAST + " >> .md >> nth=-1")).to_have_text("Four.")


async def test_send_turns_into_stop_and_what_was_said_so_far_stays(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["One, two, ", "three."]]
    page = await web.open("chat")
    await say(page, "Count")
    await page.wait_for_selector("#messages:has-text('One, two')")
    await page.click("#chat-box .stop-button")
    await page.wait_for_selector("#messages .byline:has-text('stopped early')")
    await page.wait_for_selector("#chat-box .submit-button")
    await web.chat.closed.wait()
    await expect(page.locator("#messages")).not_to_contain_text("three")


async def test_a_refresh_during_an_answer_goes_on_where_it_was(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["The beginning, ", "the end."]]
    page = await web.open("chat")
    await say(page, "Tell me")
    await page.wait_for_selector("#messages:has-text('The beginning')")
    await page.fill("#chat-box textarea", "half a thought")
    await page.reload()
    await page.wait_for_selector("#messages:has-text('The beginning')")
    await page.wait_for_selector("#chat-box .stop-button")
    await expect(page.locator("#chat-box textarea")).to_have_value("half a thought")
    await expect(page.locator("#messages article.asked")).to_have_count(1)
    web.chat.go_on.set()
    await page.wait_for_selector("#messages .byline")
    await expect(page.locator(LAST)).to_contain_text("The beginning, the end.")
    await expect(page.locator("#messages")).not_to_contain_text("stopped early")


async def test_an_answer_stays_in_its_chat_while_another_is_shown(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["The beginning, ", "the end."]]
    page = await web.open("chat")
    await say(page, "First")
    await page.wait_for_selector(".sessions .chosen:has-text('First')")
    await page.click("[name=new_chat]")
    await page.wait_for_selector("#messages:has-text('Ask anything')")
    web.chat.go_on.set()
    await page.wait_for_selector("#chat-box .submit-button")
    await page.click(".sessions .session:has-text('First')")
    await expect(page.locator(LAST)).to_contain_text("The beginning, the end.")
    await page.click("[name=new_chat]")
    await page.wait_for_selector("#messages:has-text('Ask anything')")


async def test_an_answer_that_goes_on_stays_out_of_a_chat_that_was_opened_since(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["The beginning, ", "the end."]]
    page = await web.open("chat")
    await page.route("**/cancel", lambda route: None)  # whatever the page says of it comes too late
    await say(page, "First")
    await expect(page.locator(LAST)).to_contain_text("The beginning")
    await page.click("[name=new_chat]")
    await expect(page.locator("#messages")).to_contain_text("Ask anything")
    web.chat.go_on.set()
    await until(lambda: _last_message(web, "First"), "The beginning, the end.".__eq__)
    await page.fill("#chat-search textarea, #chat-search input", "First")  # what the page heard before, it has shown
    await expect(page.locator(".sessions li")).to_have_count(1)
    await expect(page.locator("#messages article")).to_have_count(0)
    await expect(page.locator("#messages")).to_contain_text("Ask anything")


async def test_of_two_chats_pressed_one_after_the_other_the_last_goes_on_alone(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["Cats purr ", "softly."], ["Dogs bark ", "loudly."]]
    page = await web.open("chat")
    for words, beginning in (("About cats", "Cats purr"), ("About dogs", "Dogs bark")):
        await page.click("[name=new_chat]")
        await say(page, words)  # at once: it is in the new session all the same
        await expect(page.locator(LAST)).to_contain_text(beginning)
        await expect(page.locator(".sessions .chosen")).to_contain_text(words)
    for words in ("About cats", "About dogs"):
        await page.click(f".sessions .session:has-text('{words}')")
    await expect(page.locator(".sessions .chosen")).to_contain_text("About dogs")
    await expect(page.locator(LAST)).to_contain_text("Dogs bark")
    web.chat.go_on.set()
    await expect(page.locator("#messages .byline")).to_have_count(1)
    await expect(page.locator(LAST)).to_contain_text("Dogs bark loudly.")
    await until(lambda: _last_message(web, "About cats"), "Cats purr softly.".__eq__)
    await page.fill("#chat-search textarea, #chat-search input", "dogs")  # what the page heard before, it has shown
    await expect(page.locator(".sessions li")).to_have_count(1)
    await expect(page.locator("#messages article")).to_have_count(2)
    await expect(page.locator(LAST)).to_contain_text("Dogs bark loudly.")


async def _last_message(web: WebWithFakes, title: str) -> str:
    session = next(one for one in await web.studio.chat.sessions() if one.title == title)
    return (await web.studio.chat.messages(session.id))[-1].content


async def test_a_model_that_is_gone_is_told_in_a_sentence(web: WebWithFakes) -> None:
    web.chat.scripts = [[Unavailable("Nobody can answer now. Start Ollama.")]]
    page = await web.open("chat")
    await say(page, "Hello?")
    await page.wait_for_selector("#messages .failed:has-text('Start Ollama.')")
    await expect(page.locator("#messages article.asked")).to_contain_text("Hello?")


async def test_generate_draws_in_the_chat_and_the_picture_stands_in_three_places(web: WebWithFakes) -> None:
    web.engine.go_on.clear()
    web.chat.scripts = [["Sorry, no."]]
    page = await web.open("chat")
    await say(page, "#generate a red fox in the snow")
    await page.wait_for_selector("#messages .chat-drawing:has-text('Step 2 of')")
    await page.reload()
    await page.wait_for_selector("#messages .chat-drawing:has-text('Step 2 of')")
    web.engine.go_on.set()
    picture = page.locator("#messages .chat-picture img")
    await picture.wait_for()
    item = (await web.studio.gallery.page()).items[0]
    assert item.id in str(await picture.get_attribute("src"))
    assert item.metadata.origin.words == "a red fox in the snow"
    await tab(page, "create")
    await page.wait_for_selector(f'#picture [name=zoom][value*="{item.id}"]')
    await tab(page, "gallery")
    await page.click(f'#gallery-grid .thumb[value="{item.id}"]')
    await page.click("#viewer >> text=Its chat")
    await page.wait_for_selector("#messages .chat-picture img")


async def test_a_picture_drawn_in_the_chat_can_be_cancelled_there(web: WebWithFakes) -> None:
    web.engine.go_on.clear()
    page = await web.open("chat")
    await say(page, "#generate a blue house")
    await page.wait_for_selector("#messages .chat-drawing:has-text('Step 2 of')")
    await page.click("#messages .chat-drawing [name=cancel]")
    await page.wait_for_selector("#messages:has-text('The picture was not drawn. The picture was cancelled.')")
    await expect(page.locator("#messages .failed")).to_have_count(0)


async def test_chats_can_be_found_renamed_deleted_and_brought_back(web: WebWithFakes) -> None:
    page = await web.open("chat")
    for words in ("About cats", "About dogs"):
        await page.click("[name=new_chat]")
        await page.wait_for_selector("#messages:has-text('Ask anything')")
        await say(page, words)
        await page.wait_for_selector(f".sessions .chosen:has-text('{words}')")
    await page.fill("#chat-search textarea, #chat-search input", "cats")
    await expect(page.locator(".sessions li")).to_have_count(1)
    await page.click(".sessions .session")
    await page.wait_for_selector(".sessions li.chosen:has-text('About cats')")
    row = page.locator(".sessions li.chosen")
    await row.get_by_role("button", name="Rename").click()
    await page.wait_for_selector(".sessions .title-box")
    await page.keyboard.type("Felines & co")
    await page.keyboard.press("Enter")
    await until(lambda: _titles(web), {"Felines & co", "About dogs"}.__eq__)
    await page.fill("#chat-search textarea, #chat-search input", "")
    await expect(page.locator(".sessions li")).to_have_count(2)
    row = page.locator(".sessions li", has_text="Felines & co")
    await row.hover()
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await page.wait_for_selector("#snack:has-text('Chat deleted.')")
    await row.wait_for(state="detached")
    await page.click("#snack >> text=Undo")
    await page.wait_for_selector("#messages article.asked:has-text('About cats')")
    await until(lambda: _titles(web), {"Felines & co", "About dogs"}.__eq__)


async def _titles(web: WebWithFakes) -> set[str]:
    return {session.title for session in await web.studio.chat.sessions()}


async def test_it_is_said_under_the_box_when_the_small_built_in_model_answers(web: WebWithFakes) -> None:
    page = await web.open("chat")
    note = page.locator("[data-live=chat_note]")
    await expect(note).to_be_empty()
    web.chat.backend = "embedded"
    try:
        await expect(note).to_contain_text("often wrong")
    finally:
        web.chat.backend = "ollama"


async def test_a_picture_can_be_sent_to_the_chat(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a cat")
    await page.click("#picture [name=to_chat]")
    await page.wait_for_selector("#attached img")
    await say(page, "What is this?")
    await page.wait_for_selector("#messages article.answer:has-text('What is this?: ')")
    await page.wait_for_selector("#messages .byline:has-text('fake-eyes')")
    await expect(page.locator("#messages .notice")).to_have_count(0)
    await expect(page.locator("#attached img")).to_have_count(0)


async def test_a_picture_can_be_attached_and_words_that_cannot_be_drawn_are_named(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a catt and a dog")
    png = await web.studio.gallery.png((await web.studio.gallery.page()).items[0].id)
    await tab(page, "chat")
    await page.set_input_files(
        "#chat-box input[type=file]", {"name": "cat.png", "mimeType": "image/png", "buffer": png}
    )
    await page.wait_for_selector("#chat-box .thumbnails, #chat-box img")
    await say(page, "Do you like it?")
    await page.wait_for_selector("#messages .byline:has-text('fake-eyes')")
    await page.fill("#chat-box textarea", "a catt and a dog")
    await page.click(".hint [name=say]")
    await expect(page.locator("#chat-box textarea")).to_have_value("#generate a catt and a dog")
    await page.press("#chat-box textarea", "Enter")
    await page.wait_for_selector("#messages .notice:has-text('catt')")


async def test_a_page_shows_the_chat_that_it_showed_before(web: WebWithFakes) -> None:
    page = await web.open("chat")
    await say(page, "First chat")
    await page.wait_for_selector(".sessions li:has-text('First chat')")
    await page.reload()
    await page.wait_for_selector("#tab-chat-button[aria-selected=true]")
    await page.wait_for_selector("#messages article.asked:has-text('First chat')")
