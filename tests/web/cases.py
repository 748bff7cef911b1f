"""What a person does with the page, and what others may not do to it."""

import http.client
import json
import os
import re
import shutil
import struct
import time
import zlib

from playwright.sync_api import expect

HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>&lt;b&gt; javascript:alert(1)'

expect.set_options(timeout=20_000)


class Browsers:
    """Windows of a browser, each with cookies of its own."""

    def __init__(self, browser, screenshots):
        self.browser, self.screenshots, self.errors = browser, screenshots, []

    def open(self, url, **options):
        options = {"viewport": {"width": 1200, "height": 760}, **options}
        page = self.browser.new_context(**options).new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        return page

    def enter(self, program, **options):
        """Opens the page and waits until the room is joined."""
        page = self.open(program.url, **options)
        expect(page.locator(".connection.online")).to_have_count(1)
        expect(page.locator(".room.joined")).to_have_count(1)
        return page

    def picture(self, page, name):
        page.screenshot(path=f"{self.screenshots}/{name}.png")

    def picture_of_readme(self, page):
        """The picture of the page in README.md, which KABAR_PICTURES=write writes."""
        self.picture(page, "page")
        if os.environ.get("KABAR_PICTURES") == "write":
            shutil.copy(f"{self.screenshots}/page.png", os.path.join(os.path.dirname(__file__), "../pictures"))


def line(page, text):
    return page.locator("#lines .line", has_text=text)


def post(page, text):
    page.locator("#input").fill(text)
    page.locator("#input").press("Enter")


def case_two_browsers_a_terminal_and_a_device_in_one_room(browsers, world):
    terminal, _ = world.pipe("carl"), world.device("probe")
    anna, bob = browsers.enter(world.web("anna")), browsers.enter(world.web("bob"))
    post(anna, "hello from a browser")
    expect(line(bob, "hello from a browser")).to_be_visible()
    terminal.expect("anna: hello from a browser")
    terminal.type("hello from a terminal\n")
    for page in (anna, bob):
        expect(line(page, "hello from a terminal")).to_be_visible()
        expect(page.locator("#member-list li")).to_have_count(4)
    post(bob, "> anna: hello from a browser\nanna, look at https://example.org/a?b=1.")
    expect(line(anna, "look at").locator(".body > mark")).to_have_text("anna")
    link = line(anna, "look at").locator("a")
    assert link.get_attribute("href") == "https://example.org/a?b=1", link.get_attribute("href")
    assert link.get_attribute("rel") == "noopener noreferrer"
    expect(line(anna, "look at").locator("q")).to_have_text("anna: hello from a browser")
    expect(anna.locator("#unsent")).to_be_hidden()
    # By the page to the device, and back.
    post(bob, "@probe status")
    expect(line(anna, "led is off")).to_be_visible()
    browsers.picture_of_readme(anna)
    assert not browsers.errors, browsers.errors


def case_server_killed_and_restarted(browsers, world):
    anna = browsers.enter(world.web("anna"))
    post(anna, "before")
    expect(line(anna, "before")).to_be_visible()
    world.server.kill()
    post(anna, "while it is away")
    expect(anna.locator("#unsent li")).to_have_count(1)
    world.restart_server()
    terminal = world.pipe("carl", "--last", "10")
    terminal.saw("anna: while it is away")
    expect(line(anna, "while it is away")).to_have_count(1)
    expect(anna.locator("#unsent li")).to_have_count(0)
    expect(anna.locator(".connection.online")).to_have_count(1)


def case_strangers_are_refused(browsers, world):
    program = world.web("anna")
    origin = program.origin
    host = origin.removeprefix("http://")
    stranger = browsers.open(program.url[:-1])
    expect(stranger.locator("h1")).to_have_text("Not allowed")
    assert stranger.url == f"{origin}/", stranger.url
    browsers.picture(stranger, "web-refused")
    stranger = browsers.open(origin)
    expect(stranger.locator("h1")).to_have_text("Not allowed")

    def status(method, path, headers, body=None):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request(method, path, body, headers)
        return connection.getresponse()

    token = program.url.split("#")[1]
    given = status("POST", "/session", {"Origin": origin}, token)
    assert given.status == 204, given.status
    cookie = given.headers["Set-Cookie"].split(";")[0]
    assert status("GET", "/", {"Cookie": cookie}).status == 200
    port = host.split(":")[1]
    for foreign in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}"):
        assert status("GET", "/", {"Cookie": cookie, "Host": foreign}).status == 403, foreign
        assert status("GET", "/enter", {"Host": foreign}).status == 403, foreign
    upgrade = {
        "Cookie": cookie, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for foreign in ("http://evil.example", "null", f"https://127.0.0.1:{port}"):
        assert status("POST", "/session", {"Origin": foreign}, token).status == 403, foreign
        assert status("GET", "/socket", {**upgrade, "Origin": foreign}).status == 403, foreign
    assert status("GET", "/socket", upgrade).status == 403
    assert status("GET", "/socket", {**upgrade, "Origin": origin}).status == 101

    # A page of another site, in a browser that is let in.
    anna = browsers.enter(program)
    attack = anna.context.new_page()
    attempt = """url => new Promise((done) => {
        const socket = new WebSocket(url);
        socket.onopen = () => done("open");
        socket.onerror = () => done("refused");
    })"""
    attack.goto("about:blank")
    assert attack.evaluate(attempt, f"ws://{host}/socket") == "refused"


def case_markup_stays_text(browsers, world):
    terminal = world.pipe("carl")
    anna = browsers.enter(world.web("anna"))
    world.server.type(f"/topic {HOSTILE}\n")
    terminal.type(f"{HOSTILE}\n")
    shown = line(anna, "onerror").and_(anna.locator(":not(.system)"))
    expect(shown).to_be_visible()
    expect(anna.locator("#topic")).to_contain_text("<script>")
    assert shown.locator(".body").text_content() == HOSTILE, shown.text_content()
    terminal.type("data:text/html,x javascript:x ftp://a/b http://[broken https://ok.example/<i>\n")
    expect(line(anna, "ok.example")).to_be_visible()
    assert line(anna, "ok.example").locator("a").evaluate_all("links => links.map((link) => link.href)") == [
        "https://ok.example/"
    ]
    assert anna.locator("#lines img, #lines script, #lines i, #lines b, #topic *").count() == 0
    assert anna.evaluate("window.broken") is None
    # Nothing of the page's own makes markup from a string.
    assert "trusted" in anna.evaluate(
        "() => { try { document.body.innerHTML = '<b>'; return 'written'; } catch (error) { return String(error); } }"
    ).lower()
    assert not browsers.errors, browsers.errors


def case_keyboard_only(browsers, world):
    terminal = world.pipe("carl")
    terminal.type("first\nsecond\n")
    terminal.expect("carl: second")
    anna = browsers.enter(world.web("anna"))
    keyboard = anna.keyboard
    expect(line(anna, "second")).to_be_visible()
    seen = []
    for _ in range(20):
        keyboard.press("Tab")
        focused = anna.evaluate(
            "() => { const it = document.activeElement; return [it.id || it.className, it.getAttribute('aria-label') "
            "|| it.textContent || (it.labels && it.labels[0] && it.labels[0].textContent) || '',"
            "getComputedStyle(it).outlineStyle]; }"
        )
        seen.append(focused[0])
        assert focused[0] == "" or (focused[1].strip() and focused[2] != "none"), focused
        if focused[0] == "input":
            break
    assert "join-button" in seen and "transcript" in seen and any("room" in name for name in seen), seen
    keyboard.type("one")
    keyboard.press("Shift+Enter")
    keyboard.type("two :wave")
    expect(anna.locator("#completions li").first).to_be_visible()
    keyboard.press("Tab")
    keyboard.press("Enter")
    sent = line(anna, "two")
    expect(sent).to_be_visible()
    assert sent.locator(".body").text_content() == "one\ntwo \U0001f44b ", repr(sent.text_content())
    keyboard.type("ca")
    keyboard.press("Tab")
    expect(anna.locator("#input")).to_have_value("carl: ")
    keyboard.press("Control+a")
    keyboard.press("Delete")
    # A reply to the last message of the other one.
    keyboard.press("Shift+Tab")
    while anna.evaluate("document.activeElement.id") != "transcript":
        keyboard.press("Shift+Tab")
    for _ in range(10):
        keyboard.press("ArrowUp")
        if "second" in (anna.locator(".selected .body").text_content() or ""):
            break
    keyboard.press("Enter")
    expect(anna.locator("#input")).to_have_value("> carl: second\n")
    keyboard.press("End")
    keyboard.type("yes")
    keyboard.press("Enter")
    expect(line(anna, "yes").locator("q")).to_have_text("carl: second")
    keyboard.press("F1")
    expect(anna.locator("dialog")).to_contain_text("/nick NAME")
    browsers.picture(anna, "web-help")
    keyboard.press("Escape")
    expect(anna.locator("dialog")).to_have_count(0)
    keyboard.press("Control+Shift+F")
    expect(anna.locator("dialog input[type=search]")).to_be_focused()


def case_small_window(browsers, world):
    terminal = world.pipe("carl")
    terminal.type(f"{'w' * 400} and a long text that has many words, so that it is wrapped\n")
    anna = browsers.enter(world.web("anna"), viewport={"width": 360, "height": 640}, color_scheme="dark")
    expect(line(anna, "many words")).to_be_visible()
    assert anna.evaluate("document.documentElement.scrollWidth") <= 360
    expect(anna.locator("#rooms")).to_be_hidden()
    browsers.picture(anna, "web-360")
    anna.locator("#open-rooms").click()
    expect(anna.locator("#rooms")).to_be_visible()
    expect(anna.locator("#close-rooms")).to_be_focused()
    browsers.picture(anna, "web-360-rooms")
    anna.keyboard.press("Escape")
    expect(anna.locator("#rooms")).to_be_hidden()
    anna.locator("#open-members").click()
    expect(anna.locator("#members")).to_be_visible()
    anna.locator("#close-members").click()
    post(anna, "sent from a small window")
    expect(line(anna, "sent from a small window")).to_be_visible()
    terminal.expect("sent from a small window")


def case_both_languages(browsers, world):
    chosen = browsers.enter(world.web("anna", "--lang", "id"), locale="en-GB")
    expect(chosen.locator("#send")).to_have_text("Kirim")
    assert chosen.evaluate("document.documentElement.lang") == "id"
    post(chosen, "/nonsense")
    expect(line(chosen, "Perintah /nonsense tidak dikenal")).to_be_visible()
    browsers.picture(chosen, "web-id")
    by_locale = browsers.enter(world.web("bob", environment={"LANG": "id_ID.UTF-8"}))
    expect(by_locale.locator("#send")).to_have_text("Kirim")
    program = world.web("carl")
    expect(browsers.enter(program, locale="id-ID").locator("#send")).to_have_text("Kirim")
    second = browsers.enter(program, locale="de-DE")
    expect(second.locator("#send")).to_have_text("Kirim")  # the first browser has chosen
    post(second, "/nick server")
    expect(line(second, "nama Anda tetap carl")).to_be_visible()


def case_names_and_roles_for_screen_readers(browsers, world):
    anna = browsers.enter(world.web("anna"))
    for role, name in [
        ("navigation", "Rooms"), ("main", None), ("complementary", "Members"), ("log", "Messages"),
        ("combobox", "Message"), ("button", "Send"), ("button", "Join"), ("button", "Search"), ("button", "Help"),
    ]:
        expect(anna.get_by_role(role, name=name, exact=True).first).to_be_visible()
    expect(anna.get_by_role("log")).to_have_attribute("aria-live", "polite")
    unnamed = anna.evaluate(
        "() => [...document.querySelectorAll('button, input, textarea, a')].filter((it) => !(it.textContent.trim() "
        "|| it.getAttribute('aria-label') || (it.labels && it.labels.length))).map((it) => it.outerHTML)"
    )
    assert unnamed == [], unnamed
    anna.locator("#join-button").click()
    expect(anna.get_by_role("dialog", name="Join a room")).to_be_visible()
    expect(anna.get_by_role("textbox", name="Invite, host or name of a room")).to_be_focused()


def case_page_reports_the_end_of_the_program(browsers, world):
    program = world.web("anna")
    anna = browsers.enter(program)
    post(anna, "the last line")
    expect(line(anna, "the last line")).to_be_visible()
    assert program.stop() == 130, program.lines
    expect(anna.locator("#banner")).to_contain_text("Kabar has ended")


# Drops files, as a person does with the mouse. Each is a name and bytes; without bytes, it is a folder.
DROP = """files => {
    const data = new DataTransfer();
    for (const [name, bytes] of files) {
        data.items.add(new File([new Uint8Array(bytes ?? [])], name));
    }
    const folders = files.filter(([, bytes]) => bytes === null).map(([name]) => name);
    DataTransferItem.prototype.webkitGetAsEntry = function () {
        return { isDirectory: folders.includes(this.getAsFile().name) };
    };
    const send = (type) => document.body.dispatchEvent(
        new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    send("dragover");
    window.wasShown = !document.getElementById("drop").hidden;
    send("drop");
}"""


def spooled(world, who):
    return os.listdir(f"{world.home}/{who}/share/kabar/spool")


def eventually(holds):
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert holds()


def partial(world):
    """Bytes that the server has of a file that is being sent."""
    found = 0
    for folder, _, names in os.walk(f"{world.home}/server"):
        found += sum(os.path.getsize(f"{folder}/{name}") for name in names if name.endswith(".part"))
    return found


def saved(page, name):
    """Saves a file of the transcript, and returns what the browser has stored."""
    with page.expect_download() as download:
        line(page, name).get_by_role("button", name=f"Save {name}").click()
    assert download.value.suggested_filename == name, download.value.suggested_filename
    with open(download.value.path(), "rb") as file:
        return file.read()


def case_files_are_sent_by_the_page(browsers, world):
    reader = world.pipe("carl")
    anna = browsers.enter(world.web("anna"))
    anna.locator("#file-input").set_input_files([
        {"name": "one.txt", "mimeType": "text/plain", "buffer": b"the first"},
        {"name": "empty", "mimeType": "", "buffer": b""},
    ])
    reader.expect("one.txt")
    anna.evaluate(DROP, [["two.bin", list(range(256))], ["folder", None]])
    assert anna.evaluate("wasShown")
    expect(anna.locator("#drop")).to_be_hidden()
    expect(line(anna, "tar -czf folder.tar.gz folder")).to_be_visible()
    reader.expect("two.bin")
    expect(anna.locator("#transfer-list li", has_text="sent")).to_have_count(3)
    eventually(lambda: spooled(world, "anna") == [])
    anna.get_by_role("button", name="Clear finished").click()
    expect(anna.locator("#transfers")).to_be_hidden()
    post(anna, "/send /etc/hostname")
    expect(line(anna, "use the button beside the message field")).to_be_visible()
    # The server is killed in the middle of a file. Another one waits, and a third one is given up.
    large = f"{world.home}/large.bin"
    with open(large, "wb") as file:
        file.write(os.urandom(2 << 20))
    anna.locator("#file-input").set_input_files(large)
    eventually(lambda: partial(world) > 1 << 18)
    world.server.kill()
    anna.evaluate(DROP, [["given up.txt", [4, 5, 6]]])
    expect(anna.locator("#transfer-list li", has_text="given up.txt")).to_contain_text("waiting for the server")
    browsers.picture(anna, "web-transfers")
    anna.get_by_role("button", name="Cancel given up.txt").click()
    expect(anna.locator("#transfer-list li", has_text="cancelled")).to_have_count(1)
    eventually(lambda: len(spooled(world, "anna")) == 1)
    world.restart_server()
    expect(anna.locator("#transfer-list li", has_text="large.bin")).to_contain_text("sent")
    eventually(lambda: spooled(world, "anna") == [])
    assert saved(anna, "large.bin") == open(large, "rb").read()
    assert not browsers.errors, browsers.errors


def png(width, height):
    """A picture with a gradient."""
    rows = b"".join(
        b"\0" + bytes(value for x in range(width) for value in (255 * x // width, 255 * y // height, 160))
        for y in range(height)
    )

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def case_pictures_are_in_place_and_files_are_saved(browsers, world):
    anna = browsers.enter(world.web("anna"))
    program = world.web("bob")
    bob = browsers.enter(program)
    picture, markup = png(640, 400), b"<html><script>window.broken = 1</script>"
    anna.evaluate(DROP, [["valley.png", list(picture)], ["trick.png", list(markup)], ["page.html", list(markup)]])
    shown = line(bob, "valley.png").locator("img")
    expect(shown).to_be_visible()
    eventually(lambda: shown.evaluate("image => image.naturalWidth") == 640)
    assert shown.get_attribute("alt") == "valley.png"
    expect(line(bob, "page.html")).to_be_visible()
    # What is called a picture was received, and is none.
    cache = f"{world.home}/bob/share/kabar/cache"
    eventually(lambda: len([name for name in os.listdir(cache) if "." not in name]) == 2)
    assert saved(bob, "trick.png") == markup and saved(bob, "page.html") == markup
    assert line(bob, "trick.png").locator("img").count() == 0
    assert saved(bob, "valley.png") == picture
    assert bob.evaluate("window.broken") is None
    browsers.picture(bob, "web-files")
    browsers.picture(browsers.enter(program, viewport={"width": 360, "height": 640}), "web-360-files")

    # Of what the browser gets, others get nothing.
    address = shown.get_attribute("src")
    host = program.origin.removeprefix("http://")
    cookie = "; ".join(f"{it['name']}={it['value']}" for it in bob.context.cookies())

    def status(method, path, headers, body=None):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request(method, path, body, headers)
        return connection.getresponse().status

    assert status("GET", address, {"Cookie": cookie}) == 200
    trick = line(bob, "trick.png").locator(".picture").get_attribute("data-root")
    assert status("GET", f"/picture/{trick}/trick.png", {"Cookie": cookie}) == 404
    for path in (address, address.replace("/picture/", "/file/")):
        assert status("GET", path, {}) == 403
        assert status("GET", path, {"Cookie": cookie, "Origin": "http://evil.example"}) == 403
    for headers in ({"Cookie": cookie}, {"Cookie": cookie, "Origin": "http://evil.example"}, {"Origin": program.origin}):
        assert status("POST", "/upload/0.0/x", headers, b"x") == 403, headers

    # Of somebody who is ignored, no picture is received.
    post(bob, "/ignore anna")
    expect(line(bob, "lines of anna are hidden from now on")).to_be_visible()
    before = sorted(os.listdir(cache))
    anna.evaluate(DROP, [["hidden.png", list(png(8, 8))]])
    expect(line(anna, "hidden.png").locator("img")).to_be_visible()
    post(bob, "after it")
    expect(line(bob, "after it")).to_be_visible()
    expect(bob.locator("#lines .line.ignored", has_text="hidden.png")).to_have_count(1)
    assert bob.locator("#lines .line.ignored .picture").count() == 0
    assert sorted(os.listdir(cache)) == before
    assert not browsers.errors, browsers.errors


LINES = 50_000

# Scrolls up as fast as lines come, until the first line or for some seconds.
SCROLL = """async (seconds) => {
    const scroller = document.getElementById("transcript");
    const begin = performance.now();
    const first = () => Number(scroller.querySelector("[data-seq]").dataset.seq);
    const from = first();
    let most = 0;
    while (first() > 1 && performance.now() - begin < 1000 * seconds) {
        scroller.scrollTop -= 1500;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, scroller.querySelectorAll(".line").length);
    }
    return { from, first: first(), most };
}"""


def longest_task(trace):
    """The longest task of the page's thread, in ms of the processor: on a loaded computer, the clock would count others too."""
    events = json.loads(trace)["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event["tdur"] / 1000
        for event in events
        if event["name"].endswith("RunTask") and "tdur" in event and (event["pid"], event["tid"]) in threads
    ]
    assert len(tasks) > 100, "the trace has no tasks"
    return max(tasks)


def case_fifty_thousand_lines_scroll_without_a_pause(browsers, world):
    filler = world.pipe("filler")
    filler.type("".join(f"line {number} of many, with some words in it\n" for number in range(1, LINES + 1)))
    reader = world.pipe("anna", "--since", "all")
    reader.saw(f"line {LINES} of many")
    reader.stop()
    anna = browsers.enter(world.web("anna"))
    expect(line(anna, f"line {LINES} of many")).to_be_visible()

    def scroll():
        categories = ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"]
        browsers.browser.start_tracing(page=anna, categories=categories)
        found = anna.evaluate(SCROLL, 3)
        found["longest"] = round(longest_task(browsers.browser.stop_tracing()))
        print(f"         {found}", flush=True)
        assert found["most"] <= 500 and (found["first"] == 1 or found["from"] - found["first"] > 500), found
        assert found["longest"] < 50, found

    def jump(number):
        anna.keyboard.press("Control+Shift+F")
        anna.keyboard.type(f'"line {number} of"')
        anna.keyboard.press("Enter")
        anna.locator(".hit").first.click()
        expect(anna.locator(".selected")).to_contain_text(f"line {number} of many")

    scroll()
    jump(25_000)
    browsers.picture(anna, "web-search")
    scroll()
    jump(500)
    scroll()
    expect(line(anna, "line 1 of many")).to_be_visible()
    anna.locator("#to-end").click()
    expect(line(anna, f"line {LINES} of many")).to_be_visible()


def case_unread_marks_drafts_and_rooms(browsers, world):
    world.server.type("/room add ops what to do\n")
    world.server.expect("room ops is open now")
    program = world.web("anna")
    anna = browsers.enter(program)
    post(anna, "/join ops")
    expect(anna.locator("#room-name")).to_have_text("#ops")
    expect(anna.locator("#topic")).to_have_text("what to do")
    anna.locator("#input").fill("a draft")
    anna.locator(".room", has_text="lobby").click()
    expect(anna.locator("#input")).to_have_value("")
    bob = world.start("kabar", "join", world.invite.replace("/lobby/", "/ops/"), "--name", "bob", who="bob")
    bob.expect("Joined ops")
    bob.type("one\ntwo for anna\n")
    expect(anna.locator(".room", has_text="ops").locator(".mentions")).to_have_text("1")
    expect(anna).to_have_title(re.compile(r"^\(1\) "))
    anna.reload()
    expect(anna.locator(".room", has_text="ops").locator(".mentions")).to_have_text("1")
    anna.locator(".room", has_text="ops").click()
    expect(anna.locator(".unread-line")).to_be_visible()
    expect(anna.locator("#input")).to_have_value("a draft")
    expect(anna.locator(".mentions")).to_have_count(0)
    # After a restart of the program, everything is opened again without being named.
    post(anna, "/rooms")
    expect(anna.locator("dialog")).to_contain_text("what to do")
    anna.keyboard.press("Escape")
    anna.locator("#input").fill("another draft")
    anna.locator(".room", has_text="lobby").click()
    expect(anna.locator("#room-name")).to_have_text("#lobby")
    program.stop()
    again = world.start("kabar", "web", "--no-open", who="anna")
    again.url = re.search(r"http://\S+", again.expect("http://")).group()
    page = browsers.open(again.url)
    expect(page.locator(".room.joined")).to_have_count(2)
    page.locator(".room", has_text="ops").click()
    expect(page.locator("#input")).to_have_value("another draft")
    expect(line(page, "two for anna")).to_be_visible()


def case_key_and_password_are_asked_for(browsers, world):
    password = {"KABAR_PASSWORD": "open sesame"}
    options = ["--listen", "127.0.0.1:0", "--key-bits", "2048"]
    server = world.start("kabar-server", *options, who="other", environment=password)
    address, fingerprint = re.search(r"kabar://([^/]+)/lobby/([A-Z2-7]+)\.", server.expect("kabar://")).groups()
    options = ["web", address, "--name", "anna", "--no-open"]
    program = world.start("kabar", *options, who="anna")
    page = browsers.open(re.search(r"http://\S+", program.expect("http://")).group())
    question = page.locator("dialog.question")
    shown = question.locator("code").text_content()
    assert shown.replace(" ", "").replace("\u00a0", "") == fingerprint, (shown, fingerprint)
    question.get_by_role("button", name="Accept").click()
    for typed in ("wrong", "open sesame"):
        expect(question.locator("input[type=password]")).to_be_focused()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        if typed == "wrong":
            expect(question.locator("[role=alert]")).to_be_visible()
    expect(page.locator(".room.joined")).to_have_count(1)
    expect(page.locator("dialog")).to_have_count(0)


# Keeps what would be displayed, and tells the page that nobody looks at it.
RECORD_NOTIFICATIONS = """
window.announced = [];
window.Notification = class extends EventTarget {
    static permission = "granted";
    constructor(title, { body }) { super(); window.announced.push(`${title}|${body}`); }
    close() {}
};
document.hasFocus = () => window.isLookedAt ?? false;
"""


def case_mentions_are_announced_and_text_has_its_direction(browsers, world):
    program, terminal = world.web("anna"), world.pipe("carl")
    anna = browsers.open("about:blank")
    anna.add_init_script(RECORD_NOTIFICATIONS)
    anna.goto(program.url)
    expect(anna.locator(".room.joined")).to_have_count(1)
    hebrew = "\u05e9\u05dc\u05d5\u05dd anna"
    terminal.type(f"for nobody\nanna: for you\n{hebrew}\n")
    expect(line(anna, hebrew)).to_be_visible()
    announced = anna.evaluate("window.announced")
    assert [text.split("|")[1] for text in announced] == ["anna: for you", hebrew], announced
    assert all("carl" in text and "#lobby" in text for text in announced), announced
    directions = [
        line(anna, text).locator(".body").evaluate("body => getComputedStyle(body).direction")
        for text in ("for nobody", hebrew)
    ]
    assert directions == ["ltr", "rtl"], directions
    # Of the room that is looked at, and where it is switched off, nothing is announced.
    anna.evaluate("window.isLookedAt = true")
    terminal.type("anna: you see this\n")
    expect(line(anna, "you see this")).to_be_visible()
    anna.evaluate("window.isLookedAt = false")
    post(anna, "/notify off")
    expect(anna.locator("#lines")).to_contain_text("nothing of this room is announced")
    terminal.type("anna: and not this\n")
    expect(line(anna, "and not this")).to_be_visible()
    assert anna.evaluate("window.announced.length") == 2


def case_browser_is_opened_without_the_token_in_its_arguments(browsers, world):
    folder = f"{world.home}/bin"
    os.makedirs(folder)
    with open(f"{folder}/xdg-open", "w", encoding="utf-8") as opener:
        opener.write(f'#!/bin/sh\nstat -c %a "$1" >{folder}/opened\ncat "$1" >>{folder}/opened\necho "$1" >{folder}/argument\n')
    os.chmod(f"{folder}/xdg-open", 0o755)
    environment = {"DISPLAY": ":9", "PATH": f"{folder}:{os.environ['PATH']}"}
    program = world.start("kabar", "web", world.invite, "--name", "anna", who="anna", environment=environment)
    program.expect("in your browser")
    url = re.search(r"http://\S+", program.expect("http://")).group()
    deadline = time.monotonic() + 10
    while not os.path.exists(f"{folder}/argument") and time.monotonic() < deadline:
        time.sleep(0.02)
    with open(f"{folder}/argument", encoding="utf-8") as argument:
        path = argument.read().strip()
    with open(f"{folder}/opened", encoding="utf-8") as opened:
        content = opened.read()
    assert content.startswith("600\n") and url in content, content
    assert url.split("#")[1] not in path and os.path.exists(path), path
    program.stop()
    assert not os.path.exists(path)
