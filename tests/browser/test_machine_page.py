"""What stands around a machine's screen: people, power, panel, shares; and the way in by a link."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from support.page import ViewerPage, chromium, viewer_page
from support.pages_site import PagesSite, keep, pages_site
from support.processes import wait_until
from webvdi.wire.from_viewer import Control, ControlAction
from webvdi.wire.to_viewer import Person, PersonFlag, Reason, Role

PHONE = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}

ME = Person(1, Role.OWNER, PersonFlag.YOU, 0, "")
AIKO = Person(2, Role.CONTROLLER, PersonFlag(0), 1, "Aiko")
BEN = Person(3, Role.OBSERVER, PersonFlag(0), 2, "Ben")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PagesSite]:
    with pages_site(tmp_path) as site:
        site.add("desk")
        site.add("another", state="stopped")
        yield site


@contextmanager
def screen(
    browser: Browser, site: PagesSite, *, language: str = "en", **options: object
) -> Iterator[ViewerPage]:
    """The page of the machine *desk*, live, with its tool bar."""
    with viewer_page(browser, **options) as holder:  # type: ignore[arg-type]
        site.show(holder.page, "view", m="desk", lang=language)
        holder.wait_live()
        show_bar(holder.page)
        yield holder


def show_bar(page: Page) -> None:
    page.evaluate("() => document.getElementById('handle').click()")
    expect(page.get_by_role("toolbar")).to_be_visible()


def with_flags(person: Person, flags: PersonFlag) -> Person:
    return Person(person.viewer, person.role, person.flags | flags, person.colour, person.name)


def here(site: PagesSite, *people: Person) -> None:
    site.do(lambda _: site.session.set_people(*people))


def said(site: PagesSite, *wishes: Control) -> None:
    wait_until(lambda: site.session.controls == list(wishes), "the wish about control")


# ---------------------------------------------------------------- several people


def test_who_is_alone_is_not_bothered(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        expect(holder.page.locator("#control")).to_be_hidden()
        expect(holder.page.locator("#people-count")).to_be_empty()
        keep(holder.page, "machine")


def test_everybody_is_listed_and_the_owner_takes_control(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        here(site, ME, with_flags(AIKO, PersonFlag.CONTROLS), BEN)
        expect(page.locator("#control")).to_contain_text("Aiko is in control")
        page.get_by_role("button", name="People").click()
        people = page.locator(".people li")
        expect(people).to_have_count(3)
        expect(people.nth(1)).to_contain_text("Controller · in control")
        expect(people.nth(2)).to_contain_text("Observer")
        keep(page, "people")
        page.locator(".panel").get_by_role("button", name="Take control").click()
        said(site, Control(ControlAction.TAKE))
        here(site, with_flags(ME, PersonFlag.CONTROLS), AIKO, BEN)
        expect(page.locator("#toast")).to_contain_text("You are in control now")


def test_who_asks_is_announced_and_answered(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        here(site, with_flags(ME, PersonFlag.CONTROLS), with_flags(AIKO, PersonFlag.ASKS))
        toast = page.locator("#toast")
        expect(toast).to_contain_text("Aiko asks for control")
        keep(page, "control-asked")
        toast.get_by_role("button", name="Give control").click()
        said(site, Control(ControlAction.GRANT, 2))
        here(site, ME, with_flags(AIKO, PersonFlag.CONTROLS))
        expect(toast).to_contain_text("Aiko is in control now")
        here(site, with_flags(ME, PersonFlag.CONTROLS), with_flags(AIKO, PersonFlag.ASKS))
        expect(toast).to_contain_text("Aiko asks for control")
        here(site, with_flags(ME, PersonFlag.CONTROLS), AIKO)  # thought better of it
        expect(toast).to_be_hidden()


def test_a_controller_asks_and_an_observer_only_looks(browser: Browser, site: PagesSite) -> None:
    site.session.role = Role.CONTROLLER
    owner = Person(2, Role.OWNER, PersonFlag.CONTROLS, 1, "")
    with screen(browser, site) as holder:
        page = holder.page
        mine = Person(1, Role.CONTROLLER, PersonFlag.YOU, 0, "Aiko")
        here(site, mine, owner)
        page.locator("#control").get_by_role("button", name="Ask for control").click()
        said(site, Control(ControlAction.REQUEST))
        here(site, with_flags(mine, PersonFlag.ASKS), owner)
        expect(page.locator("#control")).to_contain_text("You asked Owner for control")
    site.session.role = Role.OBSERVER
    here(site, Person(1, Role.OBSERVER, PersonFlag.YOU, 0, "Ben"), owner)
    with screen(browser, site) as holder:
        expect(holder.page.locator("#control")).to_contain_text("You can view, not control")
        expect(holder.page.locator("#control").get_by_role("button")).to_have_count(0)


def test_buttons_stay_under_the_finger_while_people_come_and_go(
    browser: Browser, site: PagesSite
) -> None:
    asking = with_flags(AIKO, PersonFlag.ASKS)
    with screen(browser, site) as holder:
        page = holder.page
        here(site, with_flags(ME, PersonFlag.CONTROLS), asking)
        page.get_by_role("button", name="People").click()
        panel = page.locator(".panel")
        decline = panel.get_by_role("button", name="Decline")
        decline.focus()
        decline.hover()
        page.mouse.down()
        # Ben, who asks too, comes before and after: by rank, and by name.
        adam = Person(4, Role.CONTROLLER, PersonFlag.ASKS, 3, "Adam")
        here(site, with_flags(ME, PersonFlag.CONTROLS), asking, BEN, adam)
        expect(panel.locator(".people li")).to_have_count(4)
        expect(panel.locator(".people li strong")).to_have_text(["Owner", "Adam", "Aiko", "Ben"])
        focused = page.evaluate("() => document.activeElement.dataset.key")
        assert focused == "decline:2"
        box = decline.nth(1).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.up()
        said(site, Control(ControlAction.DECLINE, 2))
        expect(panel.get_by_label("Your name")).to_have_attribute("placeholder", "Owner")


# ---------------------------------------------------------------- the machine beside its screen


def test_power_and_the_way_back(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="Power").click()
        keep(page, "power")
        page.get_by_role("menuitem", name="Pause").click()
        wait_until(
            lambda: site.ask(lambda broker: broker.catalogue.get("desk")).state == "paused", "it"
        )
        show_bar(page)
        page.get_by_role("button", name="All machines").click()
        page.wait_for_url("**/?all=1")


def test_the_serial_console_follows_and_types(browser: Browser, site: PagesSite) -> None:
    site.do(lambda broker: broker.catalogue.say_on_serial("desk", b"\x1b[32mBooting\x1b[0m\r\n"))
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Console").click()
        output = page.get_by_role("log")
        expect(output).to_have_text("Booting\n")
        site.do(lambda broker: broker.catalogue.say_on_serial("desk", b"login: "))
        expect(output).to_contain_text("login:")
        line = page.get_by_label("Type a line")
        line.fill("root")
        line.press("Enter")
        line.press("Control+c")

        def typed() -> bytes:
            return site.do(lambda broker: broker.catalogue.typed_on_serial("desk"))

        wait_until(lambda: typed() == b"root\r\x03", "the line")
        keep(page, "console")


def test_another_run_begins_the_console_anew(browser: Browser, site: PagesSite) -> None:
    site.do(lambda broker: broker.catalogue.say_on_serial("desk", b"first run\r\n"))
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Console").click()
        output = page.get_by_role("log")
        expect(output).to_have_text("first run\n")
        # The new log is longer than what was read of the old one.
        site.do(lambda broker: broker.catalogue.restart_serial("desk", b"second run, longer\r\n"))
        expect(output).to_have_text("second run, longer\n")


def test_what_a_menu_opens_gets_the_keyboard(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        for item, tab in (("Settings…", "Settings"), ("Console", "Console"), ("Log", "Log")):
            show_bar(page)
            page.get_by_role("button", name="More").click()
            page.get_by_role("menuitem", name=item).click()
            expect(page.get_by_role("tab", name=tab)).to_be_focused()
        show_bar(page)
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitemcheckbox", name="View only").click()
        expect(page.locator("canvas")).to_be_focused()  # that is all that was wanted there


def test_typed_settings_stay_and_the_others_follow(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Settings…").click()
        panel = page.locator(".panel")
        panel.get_by_label("Notes").fill("mine")
        site.do(lambda broker: broker.catalogue.update("desk", autostart=4, name="bench"))
        expect(panel.get_by_label("Name")).to_have_value("bench")
        expect(panel.get_by_label("Place in the order")).to_have_value("4")
        panel.get_by_label("Notes").press("Tab")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("status")).to_have_text("Saved")
        view = site.ask(lambda broker: broker.catalogue.get("bench"))
        assert (view.notes, view.autostart) == ("mine", 4)


def test_a_start_that_was_answered_is_no_longer_starting(browser: Browser, site: PagesSite) -> None:
    with viewer_page(browser) as holder:
        page = holder.page
        page.route("**/ticket", lambda route: route.fulfill(status=409))  # no screen, ever
        site.show(page, "view", m="another")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_text("The machine cannot be shown yet")).to_be_visible()
        assert site.ask(lambda broker: broker.catalogue.get("another")).state == "running"


def test_where_nothing_can_be_shown_there_is_a_way_back(browser: Browser, site: PagesSite) -> None:
    site.add("broken", phase="failed", state="stopped", can=("delete",), detail="no room")
    with viewer_page(browser) as holder:
        page = holder.page
        page.route("**/ticket", lambda route: route.fulfill(status=409))
        site.show(page, "view", m="broken")
        expect(page.locator("#overlay")).to_contain_text("no room")
        keep(page, "failed")
        page.locator("#overlay").get_by_role("button", name="All machines").click()
        page.wait_for_url("**/?all=1")


@pytest.mark.parametrize("farewell_first", [True, False])
def test_a_machine_that_is_deleted_is_said_to_be_so(
    browser: Browser, site: PagesSite, farewell_first: bool
) -> None:
    def farewell() -> None:
        site.do(lambda _: site.session.end(Reason.SESSION_ENDED, "the session was closed"))

    with screen(browser, site) as holder:
        page = holder.page
        if farewell_first:
            farewell()
        site.ask(lambda broker: broker.catalogue.delete("desk"))
        expect(page.locator("#overlay")).to_contain_text("This machine was deleted")
        if not farewell_first:
            farewell()
        expect(page.locator("#overlay")).not_to_contain_text("session")
        keep(page, "machine-deleted")
        page.locator("#overlay").get_by_role("button", name="All machines").click()
        expect(page.get_by_role("heading", name="another")).to_be_visible()


def test_settings_and_log_beside_the_screen(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Settings…").click()
        panel = page.locator(".panel")
        expect(panel.get_by_label("CPUs")).to_be_disabled()
        panel.get_by_label("Notes").fill("printer")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_role("status")).to_have_text("Saved")
        assert site.ask(lambda broker: broker.catalogue.get("desk")).notes == "printer"
        panel.get_by_label("Name").fill("another")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
        keep(page, "settings-beside")
        panel.get_by_role("tab", name="Log").click()
        site.ask(lambda broker: broker.catalogue.do("pause", "desk"))
        expect(panel.get_by_role("listitem")).to_contain_text("pause was asked for.")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()


def test_the_screen_keeps_its_room_beside_the_panel(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        page.get_by_role("button", name="People").click()
        wait_until(
            lambda: page.evaluate(
                "() => window.webvdi.viewer.canvas.getBoundingClientRect().right"
                " <= document.getElementById('panel').getBoundingClientRect().left"
            ),
            "the screen to make room",
        )


@pytest.mark.parametrize("language", ["en", "ja"])
def test_on_a_phone_everything_can_be_reached(
    browser: Browser, site: PagesSite, language: str
) -> None:
    with screen(browser, site, language=language, **PHONE) as holder:
        page = holder.page
        here(site, ME, with_flags(AIKO, PersonFlag.CONTROLS), with_flags(BEN, PersonFlag.ASKS))
        expect(page.locator("#control")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
        for each in page.locator("#bar button:visible").all():
            box = each.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert box["width"] >= 24
        keep(page, f"machine-phone-{language}")
        page.locator("#people").click()
        expect(page.locator(".panel")).to_be_visible()
        keep(page, f"people-phone-{language}")


def test_the_connection_is_shown_in_figures_for_who_wants_to_know(
    browser: Browser, site: PagesSite
) -> None:
    with screen(browser, site) as holder:
        page = holder.page
        readout = page.get_by_role("region", name="Connection in figures")
        expect(readout).to_be_hidden()
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitemcheckbox", name="Connection in figures").click()
        expect(readout).to_contain_text("Round trip")
        expect(readout).to_contain_text(re.compile(r"Picture\s*exact"))
        expect(readout).to_contain_text(re.compile(r"PNG\s*100 % · [\d.]+ kB/s"))
        keep(page, "readout")
        show_bar(page)
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitemcheckbox", name="Connection in figures").click()
        expect(readout).to_be_hidden()


# ---------------------------------------------------------------- by a link


def share(site: PagesSite, *, control: bool = False) -> tuple[str, str]:
    """A link, and its id."""
    view, token = site.ask(lambda broker: broker.shares.create("desk", control=control))
    return f"{site.url}join#{token}", view.id


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[PagesSite]:
    with pages_site(tmp_path, auth=True) as site:
        site.add("desk")
        yield site


def test_whoever_has_the_link_joins_with_a_name(browser: Browser, guarded: PagesSite) -> None:
    guarded.session.role = Role.OBSERVER
    link, share_id = share(guarded)
    with viewer_page(browser) as holder:
        page = holder.page
        page.goto(link)
        keep(page, "join")
        page.get_by_label("Your name").fill("Ben")
        page.get_by_role("button", name="Join").click()
        page.wait_for_url("**/view?m=*")
        holder.wait_live()
        assert "#" not in page.url
        show_bar(page)
        expect(page.get_by_role("button", name="All machines")).to_be_hidden()
        expect(page.get_by_role("button", name="Power")).to_be_hidden()
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("menuitem", name="Share…")).to_be_hidden()
        ((_, who, _, name),) = guarded.use_cases.catalogue.tickets
        assert (name, who.share) == ("Ben", share_id)

        guarded.do(lambda _: guarded.session.end(Reason.REVOKED, "the link was revoked"))
        expect(page.get_by_role("heading", name="Your access")).to_be_visible()
        expect(page.locator("#overlay")).to_contain_text("Ask whoever sent it for another one")
        expect(page.locator("#overlay-action")).to_be_hidden()
        keep(page, "revoked")


def test_a_name_typed_before_the_page_is_ready_is_kept(
    browser: Browser, guarded: PagesSite
) -> None:
    link, _ = share(guarded)
    texts: list[Route] = []
    with viewer_page(browser) as holder:
        page = holder.page
        page.route("**/locale/en.json", lambda route: texts.append(route))  # noqa: PLW0108
        with page.expect_request("**/locale/en.json"):
            page.goto(link, wait_until="commit")
        page.get_by_label("Your name").fill("Ben")
        expect(page.get_by_role("button", name="Join")).to_be_disabled()
        texts.pop().continue_()
        page.unroute("**/locale/en.json")
        page.get_by_role("button", name="Join").click()
        page.wait_for_url("**/view?m=*")
        holder.wait_live()
        ((_, _, _, name),) = guarded.use_cases.catalogue.tickets
        assert name == "Ben"


def test_a_link_that_ended_says_so(browser: Browser, guarded: PagesSite) -> None:
    link, share_id = share(guarded)
    guarded.ask(lambda broker: broker.shares.revoke(share_id))
    with viewer_page(browser) as holder:
        page = holder.page
        page.goto(link)
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("heading", name="does not work any more")).to_be_visible()
        keep(page, "join-ended")
        for cut in ("", "#abc%E3%8"):
            page.goto("about:blank")
            page.goto(f"{guarded.url}join{cut}")
            expect(page.get_by_role("heading", name="This link is incomplete")).to_be_visible()


def test_the_sign_in_page_says_what_went_wrong(browser: Browser, guarded: PagesSite) -> None:
    with viewer_page(browser) as holder:
        page = holder.page
        for error, words in (("used", "each works once"), ("too_often", "wait a minute")):
            guarded.show(page, "login", error=error)
            expect(page.get_by_role("alert")).to_contain_text(words)


def test_the_owner_signs_in_and_makes_a_link_for_the_phone(
    browser: Browser, guarded: PagesSite
) -> None:
    with viewer_page(browser) as holder:
        page = holder.page
        page.goto(guarded.url)
        page.wait_for_url("**/login")
        page.goto(f"{guarded.login()}&all=1")
        expect(page.get_by_role("article", name="desk")).to_be_visible()
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Open on another device…").click()
        link = page.get_by_role("dialog").get_by_label("Link", exact=True)
        wait_until(lambda: "token=" in link.input_value(), "the link")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("It works once")
        expect(dialog).not_to_contain_text("as often as they like")
        expect(dialog).to_contain_text("opens on this computer alone")
        expect(dialog.locator(".qr")).to_have_count(0)  # of no use to another device
        keep(page, "device-link")
        with viewer_page(browser) as phone:
            phone.page.goto(link.input_value())
            phone.page.wait_for_url("**/view?m=*")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_link_for_another_device_is_drawn_for_its_camera(
    browser: Browser, site: PagesSite, language: str, scheme: str
) -> None:
    link = {"url": "https://vdi.example.org/vdi/?token=" + "x" * 120, "path": "?token=x"}

    def answer(route: Route) -> None:
        route.fulfill(status=201, json={**link, "expires": None})

    with viewer_page(browser, **PHONE, color_scheme=scheme) as holder:
        page = holder.page
        page.route("**/api/v1/logins", answer)
        site.show(page, all="1", lang=language)
        expect(page.get_by_role("article", name="desk")).to_be_visible()
        page.locator("#page-more").click()
        page.get_by_role("menuitem").first.click()
        code = page.get_by_role("dialog").get_by_role("img")
        page.wait_for_function("() => document.querySelector('.qr img').naturalWidth > 0")
        box = code.bounding_box()
        assert box is not None
        assert box["width"] == box["height"] >= 160
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        picture = Image.open(io.BytesIO(code.screenshot()))
        edge = picture.convert("L").crop((20, 4, picture.width - 20, 5))
        assert edge.getextrema() == (255, 255)  # the quiet zone, whatever the colours of the page
        keep(page, f"device-qr-{language}-{scheme}")


@pytest.mark.parametrize("path", ["", "view"])
def test_the_owner_signs_out(browser: Browser, guarded: PagesSite, path: str) -> None:
    with viewer_page(browser) as holder:
        page = holder.page
        page.goto(f"{guarded.login()}&all=1")
        expect(page.get_by_role("article", name="desk")).to_be_visible()
        if path:
            guarded.show(page, path, m="desk")
            holder.wait_live()
            show_bar(page)
        page.get_by_role("button", name="More").click()
        page.route("**/logout", lambda route: route.fulfill(status=503))
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.locator("#toast")).to_contain_text("could not be reached")
        page.unroute("**/logout")
        if path:
            show_bar(page)
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Sign out").click()
        page.wait_for_url("**/login?out*")
        expect(page.locator("main")).to_contain_text("webvdi url --qr")
        expect(page.get_by_label("Link or token")).to_be_visible()
        keep(page, "signed-out")
        page.goto(guarded.url)
        expect(page.get_by_label("Link or token")).to_be_visible()


def test_who_did_not_sign_in_cannot_sign_out(browser: Browser, site: PagesSite) -> None:
    with screen(browser, site) as holder:
        holder.page.get_by_role("button", name="More").click()
        expect(holder.page.get_by_role("menuitem", name="Help")).to_be_visible()
        expect(holder.page.get_by_role("menuitem", name="Sign out")).to_be_hidden()
