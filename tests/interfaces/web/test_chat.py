"""Chat: streaming, stopping, sessions, pictures, and what stands there after a refresh."""

import re

import pytest

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
    assert "and the end" not in await page.inner_text("#messages")
    assert await page.input_value("#chat-box textarea") == ""
    web.chat.go_on.set()
    await page.wait_for_selector("#messages .byline:has-text('fake-chat')")
    assert "A bold start, and the end." in await page.inner_text(LAST)


async def test_what_a_model_writes_cannot_add_html_or_load_a_picture(web: WebWithFakes) -> None:
    web.chat.scripts = [["<button name='delete' value='x'>Press</button> ![x](http://elsewhere.test/x.png) `<b>`"]]
    page = await web.open("chat")
    await say(page, "<img src=x onerror=alert(1)>")
    await page.wait_for_selector("#messages .byline")
    assert await page.locator("#messages article img").count() == 0
    assert await page.locator("#messages article [name=delete]").count() == 0
    assert "<img src=x" in await page.inner_text("#messages article.asked")


async def test_thoughts_are_folded_beside_the_answer(web: WebWithFakes) -> None:
    web.chat.scripts = [["<think>Two and two", " make four.</think>", "Four."]]
    page = await web.open("chat")
    await say(page, "What is two and two?")
    await page.wait_for_selector("#messages .byline")
    assert await page.locator("#messages .thought .md").is_hidden()
    await page.click("#messages .thought summary")
    assert await page.inner_text("#messages .thought .md") == "Two and two make four."
    assert (await page.inner_text(LAST + " >> .md >> nth=-1")).strip() == "Four."


async def test_send_turns_into_stop_and_what_was_said_so_far_stays(web: WebWithFakes) -> None:
    web.chat.go_on.clear()
    web.chat.scripts = [["One, two, ", "three."]]
    page = await web.open("chat")
    await say(page, "Count")
    await page.wait_for_selector("#messages:has-text('One, two')")
    await page.click("#chat-box .stop-button")
    await page.wait_for_selector("#messages .byline:has-text('stopped early')")
    await page.wait_for_selector("#chat-box .submit-button")
    assert web.chat.closed.is_set()
    assert "three" not in await page.inner_text("#messages")


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
    await page.wait_for_function("document.querySelector('#chat-box textarea')?.value === 'half a thought'")
    assert await page.locator("#messages article.asked").count() == 1
    web.chat.go_on.set()
    await page.wait_for_selector("#messages .byline")
    assert "The beginning, the end." in await page.inner_text(LAST)
    assert not web.chat.closed.is_set() or "stopped" not in await page.inner_text("#messages")


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
    await page.wait_for_selector("#messages .byline")
    assert "The beginning, the end." in await page.inner_text(LAST)
    await page.click("[name=new_chat]")
    await page.wait_for_selector("#messages:has-text('Ask anything')")


async def test_a_model_that_is_gone_is_told_in_a_sentence(web: WebWithFakes) -> None:
    web.chat.scripts = [[Unavailable("Nobody can answer now. Start Ollama.")]]
    page = await web.open("chat")
    await say(page, "Hello?")
    await page.wait_for_selector("#messages .failed:has-text('Start Ollama.')")
    assert "Hello?" in await page.inner_text("#messages article.asked")


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
    assert await page.locator("#messages .failed").count() == 0


async def test_chats_can_be_found_renamed_deleted_and_brought_back(web: WebWithFakes) -> None:
    page = await web.open("chat")
    for words in ("About cats", "About dogs"):
        await page.click("[name=new_chat]")
        await page.wait_for_selector("#messages:has-text('Ask anything')")
        await say(page, words)
        await page.wait_for_selector(f".sessions .chosen:has-text('{words}')")
    await page.fill("#chat-search textarea, #chat-search input", "cats")
    await page.wait_for_function("document.querySelectorAll('.sessions li').length === 1")
    await page.click(".sessions .session")
    await page.wait_for_selector(".sessions li.chosen:has-text('About cats')")
    row = page.locator(".sessions li.chosen")
    await row.get_by_role("button", name="Rename").click()
    await page.wait_for_selector(".sessions .title-box")
    await page.keyboard.type("Felines & co")
    await page.keyboard.press("Enter")
    await until(lambda: _titles(web), {"Felines & co", "About dogs"}.__eq__)
    await page.fill("#chat-search textarea, #chat-search input", "")
    await page.wait_for_function("document.querySelectorAll('.sessions li').length === 2")
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


async def test_a_picture_can_be_sent_to_the_chat(web: WebWithFakes) -> None:
    page = await web.open()
    await draw(page, "a cat")
    await page.click("#picture [name=to_chat]")
    await page.wait_for_selector("#attached img")
    await say(page, "What is this?")
    await page.wait_for_selector("#messages .notice:has-text('cannot see pictures')")
    assert await page.locator("#attached img").count() == 0


async def test_a_picture_can_be_attached_and_words_that_cannot_be_drawn_are_named(web: WebWithFakes) -> None:
    web.chat.scripts = [["Nice."]]
    page = await web.open()
    await draw(page, "a catt")
    png = await web.studio.gallery.png((await web.studio.gallery.page()).items[0].id)
    await tab(page, "chat")
    await page.set_input_files(
        "#chat-box input[type=file]", {"name": "cat.png", "mimeType": "image/png", "buffer": png}
    )
    await page.wait_for_selector("#chat-box .thumbnails, #chat-box img")
    await say(page, "Do you like it?")
    await page.wait_for_selector("#messages .notice:has-text('cannot see pictures')")
    await page.fill("#chat-box textarea", "a catt")
    await page.click(".hint [name=say]")
    await page.wait_for_function("document.querySelector('#chat-box textarea')?.value === '#generate a catt'")
    await page.press("#chat-box textarea", "Enter")
    await page.wait_for_selector("#messages .notice:has-text('catt')")


async def test_a_page_shows_the_chat_that_it_showed_before(web: WebWithFakes) -> None:
    page = await web.open("chat")
    await say(page, "First chat")
    await page.wait_for_selector(".sessions li:has-text('First chat')")
    await page.reload()
    await page.wait_for_selector("#tab-chat-button[aria-selected=true]")
    await page.wait_for_selector("#messages article.asked:has-text('First chat')")
