"""The list of machines in real Chromium, on the real portal before a broker of nothing real."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, Route, expect

from support.page import chromium, viewer_page
from support.pages_site import PagesSite, keep, pages_site, picture, populate
from support.processes import wait_until
from webvdi.base.errors import Refused
from webvdi.broker.views import Progress
from webvdi.vmm.errors import CapacityExceeded, DiskError, StillRunning

NAMES = [
    *("build-server", "crashy", "desk", "fresh", "lab-2"),
    *("lab-10", "old-windows", "parked", "paused-box"),
]

ROOM_BESIDE_TEXT = """() => [...document.querySelectorAll('.machine-state, .machine-line')].map(
    (each) => each.closest('.machine').getBoundingClientRect().right
        - each.getBoundingClientRect().right)"""
"""From each line of a card to the card's edge."""

PHONE = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PagesSite]:
    with pages_site(tmp_path) as site:
        yield site


@contextmanager
def machines(browser: Browser, site: PagesSite, **options: object) -> Iterator[Page]:
    """The list, also where there is only one machine."""
    with viewer_page(browser, **options) as holder:  # type: ignore[arg-type]
        site.show(holder.page, all="1")
        yield holder.page


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name, exact=True)


def choose(page: Page, name: str, item: str) -> None:
    """Choose from a machine's menu."""
    card(page, name).get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=item).click()


def state(site: PagesSite, name: str) -> str:
    return site.ask(lambda broker: broker.catalogue.get(name)).state


# ---------------------------------------------------------------- what is shown


def test_every_machine_is_there_with_its_state_and_picture(
    browser: Browser, site: PagesSite
) -> None:
    populate(site)
    with machines(browser, site) as page:
        names = page.locator("article h2")
        expect(names).to_have_text(NAMES)
        expect(card(page, "desk")).to_contain_text("Running")
        expect(card(page, "desk")).to_contain_text("2 watching")
        expect(card(page, "crashy")).to_contain_text("Its process was ended from outside")
        expect(card(page, "old-windows")).to_contain_text("3 days ago")
        expect(card(page, "fresh")).to_contain_text("Fetching packages")
        image = card(page, "desk").locator(".thumb img")
        expect(image).to_be_visible()
        wait_until(
            lambda: image.evaluate("(i) => i.naturalWidth / i.naturalHeight") == 1.6, "the picture"
        )
        expect(card(page, "old-windows").locator(".thumb img")).to_be_hidden()
        keep(page, "machines")


def test_a_picture_follows_the_screen(browser: Browser, site: PagesSite) -> None:
    view = site.add("box")
    with machines(browser, site) as page:
        image = card(page, "box").locator("img")
        expect(image).to_be_visible()
        first = image.get_attribute("src")
        site.pictures[view.id] = picture("#aa2233", "box")
        wait_until(lambda: image.get_attribute("src") != first, "the next picture")


def test_changes_arrive_by_themselves(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        expect(card(page, "box")).to_contain_text("Off")
        site.do(lambda broker: broker.catalogue.update("box", state="running", can=("stop",)))
        expect(card(page, "box")).to_contain_text("Running")
        site.add("another")
        expect(card(page, "another")).to_be_visible()
        site.ask(lambda broker: broker.catalogue.delete("box"))
        expect(card(page, "box")).to_have_count(0)


def test_a_lost_server_is_said_and_found_again(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        expect(card(page, "box")).to_be_visible()
        site.down.set()
        page.evaluate("() => document.querySelector('[data-machine] button:not(.plain)').click()")
        expect(page.get_by_text("The server cannot be reached")).to_be_visible()
        expect(card(page, "box")).to_be_visible()  # what is known stays
        site.down.clear()
        expect(page.locator("#offline")).to_be_hidden(timeout=20_000)


def test_nothing_there_invites_to_make_something(browser: Browser, site: PagesSite) -> None:
    with machines(browser, site) as page:
        expect(page.get_by_role("heading", name="No machines yet")).to_be_visible()
        keep(page, "machines-empty")
        page.locator("#empty-new").click()
        expect(page.get_by_role("dialog", name="New machine")).to_be_visible()


def test_a_search_appears_with_many_machines(browser: Browser, site: PagesSite) -> None:
    for number in range(8):
        site.add(f"lab-{number}")
    with machines(browser, site) as page:
        expect(card(page, "lab-7")).to_be_visible()
        search = page.get_by_role("searchbox")
        expect(search).to_be_hidden()
        site.add("special", notes="the printer")
        search.fill("print")
        expect(page.locator("article")).to_have_count(1)
        search.fill("nothing like that")
        expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


# ---------------------------------------------------------------- what can be done


def test_start_pause_resume_and_stop(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        card(page, "box").get_by_role("button", name="Start").click()
        expect(card(page, "box").get_by_role("link", name="Open", exact=True)).to_be_visible()
        choose(page, "box", "Pause")
        expect(card(page, "box")).to_contain_text("Paused")
        choose(page, "box", "Resume")
        expect(card(page, "box")).to_contain_text("Running")
        choose(page, "box", "Shut down")
        expect(card(page, "box")).to_contain_text("Off")
        expect(page.locator("#toast").get_by_role("button", name="Switch off…")).to_be_visible()
        assert state(site, "box") == "stopped"


def test_a_guest_that_does_not_go_can_be_switched_off(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    site.use_cases.catalogue.failure = StillRunning("box", 120)
    with machines(browser, site) as page:
        choose(page, "box", "Shut down")
        toast = page.locator("#toast")
        expect(toast).to_contain_text("did not shut down in time")
        toast.get_by_role("button", name="Switch off…").click()
        page.get_by_role("dialog").get_by_role("button", name="Switch off").click()
        expect(card(page, "box")).to_contain_text("Off")


def test_a_restart_goes_on_where_a_proxy_gave_up(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        page.route("**/actions/stop", lambda route: route.fulfill(status=504))
        choose(page, "box", "Restart…")
        page.get_by_role("button", name="Shut down, then start").click()
        expect(page.locator("#toast")).to_contain_text("this page waits for it")
        site.do(lambda broker: broker.catalogue.update("box", state="stopped", can=("start",)))
        wait_until(lambda: state(site, "box") == "running", "the start")


def test_a_menu_is_closed_by_its_own_button(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        more = card(page, "box").get_by_role("button", name="Actions for box")
        for _ in range(2):
            more.click()
            expect(page.get_by_role("menu")).to_be_visible()
            expect(more).to_have_attribute("aria-expanded", "true")
            more.click()
            expect(page.get_by_role("menu")).to_have_count(0)
            expect(more).to_have_attribute("aria-expanded", "false")


def test_an_error_is_not_called_a_lost_server(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        expect(card(page, "box")).to_be_visible()
        problem = '{"reason": "internal", "detail": "an error of webvdi; its log says more"}'
        page.route(
            "**/api/v1/machines",
            lambda route: route.fulfill(
                status=500, content_type="application/problem+json", body=problem
            ),
        )
        site.add("another")
        expect(page.locator("#offline")).to_contain_text("its log says more")
        page.unroute("**/api/v1/machines")
        expect(page.locator("#offline")).to_be_hidden(timeout=20_000)


def test_what_loses_something_is_asked_first(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        choose(page, "box", "Switch off…")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("what its programs have not saved is lost")
        dialog.get_by_role("button", name="Cancel").click()
        assert state(site, "box") == "running"
        choose(page, "box", "Switch off…")
        dialog.get_by_role("button", name="Switch off").click()
        expect(card(page, "box")).to_contain_text("Off")


def test_a_refusal_is_said_in_the_servers_words(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    site.use_cases.catalogue.failure = Refused("the host has 96 MiB left", reason="capacity")
    with machines(browser, site) as page:
        card(page, "box").get_by_role("button", name="Start").click()
        expect(page.locator("#toast")).to_contain_text("the host has 96 MiB left")


def test_deleting_wants_the_name(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        choose(page, "box", "Delete…")
        dialog = page.get_by_role("dialog", name="Delete “box”")
        remove = dialog.get_by_role("button", name="Delete", exact=True)
        expect(remove).to_be_disabled()
        dialog.get_by_role("textbox").fill("bix")
        expect(remove).to_be_disabled()
        dialog.get_by_role("textbox").fill("box")
        keep(page, "delete")
        dialog.get_by_role("textbox").press("Enter")
        expect(card(page, "box")).to_have_count(0)
        expect(page.locator("#toast")).to_contain_text("box was deleted")


def test_a_machine_is_made_from_a_guest(browser: Browser, site: PagesSite) -> None:
    site.add("tiny")
    site.do(lambda broker: broker.guests.update("desk", building=Progress("Unpacking", 1, 4)))
    site.use_cases.catalogue.slow_creation = True
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog", name="New machine")
        expect(dialog.get_by_label("Name")).to_have_value("tiny-2")  # built, and a free name
        expect(dialog).to_contain_text("Being built: Unpacking 25 %")
        dialog.get_by_text("Debian desktop").click()
        expect(dialog.get_by_label("Name")).to_have_value("desk")
        dialog.get_by_label("Memory").fill("2048")
        dialog.get_by_text("Start with the service").click()
        keep(page, "new-machine")
        dialog.get_by_label("Memory").press("Enter")
        expect(card(page, "desk")).to_contain_text("Being made")
        view = site.do(lambda broker: broker.catalogue.finish_creation("desk"))
        assert (view.memory_mib, view.autostart, view.source["guest"]) == (2048, 1, "desk")
        expect(card(page, "desk")).to_contain_text("Running")


def test_errors_stand_at_their_fields(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        name = dialog.get_by_label("Name")
        expect(name).to_have_value("tiny")
        name.fill("box")
        dialog.get_by_role("button", name="Create").click()
        expect(name).to_have_attribute("aria-invalid", "true")
        expect(
            dialog.locator(".field", has=page.get_by_label("Name")).get_by_role("alert")
        ).to_contain_text("box")
        name.fill("no spaces please")
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.get_by_role("alert").filter(has_text="Use up to 63")).to_be_visible()
        name.fill("box-2")
        dialog.get_by_label("Memory").fill("3")
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.get_by_role("alert").filter(has_text="16")).to_be_visible()


def test_a_file_is_uploaded_and_chosen(browser: Browser, site: PagesSite, tmp_path: Path) -> None:
    file = tmp_path / "alpine.iso"
    file.write_bytes(b"CD" * (1 << 20))
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("input[type=file]").set_input_files(file)
        chosen = dialog.locator(".choice", has_text="alpine.iso")
        expect(chosen.get_by_role("radio")).to_be_checked()
        expect(dialog.get_by_label("Name")).to_have_value("alpine")
        (contents,) = site.use_cases.images.contents.values()
        assert contents == file.read_bytes()
        dialog.get_by_role("button", name="Create").click()
        expect(card(page, "alpine")).to_be_visible()


def test_an_upload_goes_on_after_a_lost_line_and_after_a_reload(
    browser: Browser, site: PagesSite, tmp_path: Path
) -> None:
    file = tmp_path / "big.iso"
    file.write_bytes(bytes(range(256)) * (16 << 10))  # 4 MiB: some pieces
    images = site.use_cases.images
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        site.cut_after_piece.set()
        dialog.locator("input[type=file]").set_input_files(file)
        expect(dialog.get_by_text("It goes on by itself")).to_be_visible()
        (upload,) = site.ask(lambda broker: broker.images.uploads())
        assert 0 < upload.offset < upload.size_bytes
        keep(page, "upload-waiting")
        asked: list[str] = []

        def leave(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.accept()

        page.once("dialog", leave)
        page.reload()
        assert asked == ["beforeunload"]  # leaving would cut it off
        site.cut_after_piece.clear()
        site.down.clear()
        page.locator("#new").click()
        expect(dialog).to_contain_text("Not finished: big.iso")
        dialog.locator("input[type=file]").set_input_files(file)
        expect(dialog.locator(".choice", has_text="big.iso").get_by_role("radio")).to_be_checked()
        assert list(images.contents) == [upload.id]  # the same one went on
        assert images.contents[upload.id] == file.read_bytes()


def test_an_upload_that_was_given_up_elsewhere_can_be_discarded(
    browser: Browser, site: PagesSite
) -> None:
    site.ask(lambda broker: broker.images.begin("old.iso", 5 << 20))
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Unfinished uploads")).to_be_visible()
        keep(page, "uploads-unfinished")
        dialog.get_by_role("button", name="Discard the upload of old.iso").click()
        expect(dialog.get_by_text("old.iso")).to_be_hidden()
        assert site.ask(lambda broker: broker.images.uploads()) == ()


def test_an_upload_waits_for_room_and_goes_on(
    browser: Browser, site: PagesSite, tmp_path: Path
) -> None:
    file = tmp_path / "big.iso"
    file.write_bytes(b"CD" * (1 << 20))
    images = site.use_cases.images
    images.failure = CapacityExceeded("there is no room for big.iso")
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("input[type=file]").set_input_files(file)
        expect(dialog).to_contain_text("Paused: there is no room for big.iso")
        images.failure = None
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog.locator(".choice", has_text="big.iso").get_by_role("radio")).to_be_checked()


def test_a_refused_upload_is_not_going_on(
    browser: Browser, site: PagesSite, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"no disk")
    site.use_cases.images.failure = DiskError("notes.txt is no disk and no ISO")
    with machines(browser, site) as page:
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        dialog.locator("input[type=file]").set_input_files(file)
        expect(dialog).to_contain_text("notes.txt is no disk")
        expect(page.locator("#uploading")).to_be_hidden()
        expect(page.locator("#toast")).to_be_hidden()  # it is read where it happened


def test_settings_of_others_are_not_undone(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped", notes="old")
    with machines(browser, site) as page:
        choose(page, "box", "Settings…")
        dialog = page.get_by_role("dialog", name="Settings of “box”")
        dialog.get_by_label("CPUs").fill("4")
        site.do(lambda broker: broker.catalogue.update("box", notes="new", memory_mib=1024))
        expect(dialog.get_by_label("Notes")).to_have_value("new")
        expect(dialog.get_by_label("Memory")).to_have_value("1024")
        expect(dialog.get_by_label("CPUs")).to_have_value("4")
        dialog.get_by_label("CPUs").press("Enter")
        expect(dialog).to_have_count(0)
        view = site.ask(lambda broker: broker.catalogue.get("box"))
        assert (view.cpus, view.notes, view.memory_mib) == (4, "new", 1024)


def test_settings_of_a_stopped_machine(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        choose(page, "box", "Settings…")
        dialog = page.get_by_role("dialog", name="Settings of “box”")
        dialog.get_by_label("Notes").fill("for the printer")
        dialog.get_by_label("CPUs").fill("4")
        dialog.get_by_text("Start with the service").click()
        dialog.get_by_label("Place in the order").fill("3")
        keep(page, "settings")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        view = site.ask(lambda broker: broker.catalogue.get("box"))
        assert (view.notes, view.cpus, view.autostart) == ("for the printer", 4, 3)
        site.do(lambda broker: broker.catalogue.update("box", state="running", can=("stop",)))
        expect(card(page, "box")).to_contain_text("Running")
        choose(page, "box", "Settings…")
        expect(dialog.get_by_label("CPUs")).to_be_disabled()
        expect(dialog).to_contain_text("can be changed while the machine is off")
        dialog.get_by_label("Name").fill("bax")
        dialog.get_by_role("button", name="Save").click()
        expect(card(page, "bax")).to_be_visible()


def test_a_link_is_made_copied_and_revoked(browser: Browser, site: PagesSite) -> None:
    site.add("box")
    with machines(browser, site) as page:
        choose(page, "box", "Share…")
        dialog = page.get_by_role("dialog", name="Share “box”")
        dialog.get_by_text("View and control").click()
        dialog.get_by_label("Ends after").select_option("7200")
        dialog.get_by_label("For whom").fill("Aiko")
        dialog.get_by_role("button", name="Create link").click()
        link = dialog.get_by_label("Link", exact=True)
        wait_until(lambda: link.input_value().startswith(f"{site.url}join#"), "the link")
        expect(dialog).to_contain_text("as often as they like")
        expect(dialog).to_contain_text("opens on this computer alone")
        expect(link).to_be_focused()
        page.keyboard.press("Enter")  # takes this link, and makes no other
        expect(page.locator("#toast")).to_contain_text("on your clipboard")
        (share,) = site.ask(lambda broker: broker.shares.list())
        assert share.control
        assert share.expires - share.created == pytest.approx(7200)
        expect(dialog.get_by_role("listitem")).to_contain_text("Aiko")
        keep(page, "share")
        dialog.get_by_role("button", name="Revoke").click()
        expect(dialog).to_contain_text("There are none.")
        (share,) = site.ask(lambda broker: broker.shares.list())
        assert share.revoked


def test_a_link_made_on_the_host_itself_is_one_that_others_can_open(
    browser: Browser, site: PagesSite
) -> None:
    """The page was opened by a loopback address; the server knows by which others come."""
    site.add("box")

    def public(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        if route.request.method == "POST":
            told["url"] = f"https://vdi.example.org/{told['path']}"
        route.fulfill(response=answer, json=told)

    with machines(browser, site) as page:
        page.route("**/shares", public)
        choose(page, "box", "Share…")
        dialog = page.get_by_role("dialog", name="Share “box”")
        dialog.get_by_role("button", name="Create link").click()
        expect(dialog.get_by_label("Link", exact=True)).to_have_value(
            re.compile(r"https://vdi\.example\.org/join#")
        )


# ---------------------------------------------------------------- for whom, on what


def test_it_is_used_by_keyboard(browser: Browser, site: PagesSite) -> None:
    site.add("box", state="stopped")
    with machines(browser, site) as page:
        expect(card(page, "box")).to_be_visible()
        more = card(page, "box").get_by_role("button", name="Actions for box")
        more.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("menuitem").first).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(page.get_by_role("menuitem", name="Delete…")).to_be_focused()
        page.keyboard.press("Escape")
        expect(more).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # Start; then the same place is Open
        expect(card(page, "box").get_by_role("link", name="Open", exact=True)).to_be_focused()


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out(
    browser: Browser, site: PagesSite, language: str, scheme: str
) -> None:
    populate(site)
    with viewer_page(browser, **PHONE, color_scheme=scheme) as holder:
        page = holder.page
        site.show(page, all="1", lang=language)
        expect(card(page, "build-server").locator(".thumb img")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
        room = page.evaluate(ROOM_BESIDE_TEXT)
        assert min(room) >= 8, room
        keep(page, f"machines-phone-{language}-{scheme}")
        page.locator("#new").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("radio").first).to_be_visible()
        box = dialog.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        keep(page, f"new-machine-phone-{language}-{scheme}")


def test_it_speaks_japanese_and_keeps_to_it(browser: Browser, site: PagesSite) -> None:
    populate(site)
    with machines(browser, site) as page:
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitemradio", name="日本語").click()
        expect(page.get_by_role("heading", name="マシン", exact=True)).to_be_visible()
        expect(card(page, "desk")).to_contain_text("実行中")
        expect(card(page, "old-windows")).to_contain_text("ゲストが自分で電源を切りました")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        keep(page, "machines-ja")


def test_one_machine_is_gone_straight_to(browser: Browser, site: PagesSite) -> None:
    view = site.add("box")
    with viewer_page(browser) as holder:
        site.show(holder.page)
        holder.page.wait_for_url(f"**/view?m={view.id}")
        holder.wait_live()


def test_displays_are_listed_without_what_they_cannot_do(browser: Browser, tmp_path: Path) -> None:
    with pages_site(tmp_path, mode="view") as site:
        for name in ("left", "right"):
            site.add(name, kind="display", can=(), cpus=None, memory_mib=None, since=None)
        with machines(browser, site) as page:
            expect(card(page, "left")).to_be_visible()
            expect(page.get_by_role("button", name="New machine")).to_be_hidden()
            card(page, "left").get_by_role("button", name="Actions for left").click()
            expect(page.get_by_role("menuitem")).to_have_text(["Share…"])
