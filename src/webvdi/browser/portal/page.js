/** The page of one machine: its screen, and what belongs around it. */

import { ViewerError } from '../viewer/errors.js';
import { log } from '../viewer/log.js';
import { Viewer } from '../viewer/viewer.js';
import { ApiError, api, fetchTicket, withMachine } from './api.js';
import { listenToBar } from './bar.js';
import { Control } from './control.js';
import { closeCredentials, openCredentials } from './dialogs.js';
import { LiveFeed } from './events.js';
import { fillKeysMenu } from './keys.js';
import { chooseLanguage, label, loadLocale } from './locale.js';
import { recall, remember } from './memory.js';
import { isGone, noticeFor } from './notice.js';
import { Overlay } from './overlay.js';
import { button, element, icon } from './page_elements.js';
import { nameOf } from './people_model.js';
import { Power } from './power.js';
import { Readout } from './readout.js';
import { Side } from './side.js';
import { Sizing } from './sizing.js';
import { toast } from './toast.js';
import { Toolbar } from './toolbar.js';

/** @import { Locale } from './locale.js' */
/** @import { Action } from './notice.js' */
/** @import { Change, MachineView, Me } from './types.js' */

const ME_AGAIN_MS = 3000;

const address = new URLSearchParams(location.search);
const pixelForPixel = address.get('scale') === 'off';
const viewOnly = address.get('view_only') === '1';

/** What the page knows beside the viewer. */
const page = {
    locale: await loadLocale(chooseLanguage(
        address.get('lang'), recall('language'), navigator.languages)),
    machine: address.get('m') ?? '',
    /** @type {Me | null} */
    me: null,
    /** @type {MachineView | null} */
    view: null,
    /** @type {ViewerError | null} */
    error: null,
    starting: false,
    gone: false,
    /** @type {{fields: string[], retry: boolean} | null} credentials, once put aside */
    dismissed: null,
    guestText: '',
};

const viewer = new Viewer(element('screen'), {
    url: 'ws',
    async ticket() {
        const { ticket, title } = await fetchTicket(
            page.machine, viewOnly, recall('display_name') ?? '').catch(endOfShare);
        showName(title);
        return ticket;
    },
}, {
    scaling: pixelForPixel ? 'off' : 'fit', viewOnly, nameOf: (person) => nameOf(person, page.locale),
});
Object.assign(window, { webvdi: { viewer } });

const sizing = new Sizing(viewer, pixelForPixel ? 'off' : 'fit');
const toolbar = new Toolbar(() => viewer.focus());
const readout = new Readout();
const overlay = new Overlay((action) => act(action));
const power = new Power({
    locale: () => page.locale,
    toast: (words, offer) => (offer ? toast(words, offer) : toast(words)),
    changed: () => feed.refresh(),
});
const control = new Control(viewer, () => page.locale, () => side.open('people'));
const side = new Side(viewer, control, {
    name: () => recall('display_name') ?? '',
    rename(name) {
        remember('display_name', name);
        viewer.disconnect(); // a name is part of the ticket
        viewer.connect();
    },
});
const feed = new LiveFeed((changes) => look(changes), {
    open: () => new EventSource(withMachine('api/v1/events', page.machine)),
});

/** @param {string} key @param {Record<string, string>} [values] */
const text = (key, values) => page.locale.text(key, values);

/** Who came by a link cannot sign in: where that is asked for, the link has ended. @param {unknown} error @returns {never} */
function endOfShare(error) {
    if (page.me?.share && error instanceof ViewerError && error.code === 'login_required') {
        throw new ViewerError('access_revoked', { final: true });
    }
    throw error;
}

/** @param {string} name */
function showName(name) {
    element('machine-name').textContent = name;
    document.title = name ? `${name} – webvdi` : 'webvdi';
    label(viewer.canvas, text('screen', { name: name || 'webvdi' }));
}

function showNotice() {
    overlay.show(noticeFor({
        link: viewer.state, error: page.error, machine: viewer.machine, info: page.view,
        starting: page.starting, picture: viewer.hasPicture, dismissed: page.dismissed !== null,
        owner: page.me?.role === 'owner', gone: page.gone,
        display: page.view?.kind === 'display',
    }), page.locale);
}

function showChoices() {
    const chosen = (/** @type {string} */ name, /** @type {string} */ value) => {
        for (const each of document.querySelectorAll(`[data-${name}]`)) {
            each.setAttribute('aria-checked', String(each.getAttribute(`data-${name}`) === value));
        }
    };
    chosen('scale', sizing.size);
    chosen('language', page.locale.language);
    document.body.dataset['size'] = sizing.size;
    button('composing').setAttribute('aria-checked', String(viewer.composing));
    button('keyboard').setAttribute('aria-pressed', String(viewer.composing));
    button('view-only').setAttribute('aria-checked', String(viewer.viewOnly || viewer.role === 'observer'));
    button('show-readout').setAttribute('aria-checked', String(readout.open));
    button('view-only').disabled = viewer.role === 'observer';
    const full = document.fullscreenElement !== null;
    button('fullscreen').replaceChildren(icon(full ? 'window' : 'fullscreen'));
    label(button('fullscreen'), text(full ? 'leave_fullscreen' : 'fullscreen'));
    const owner = page.me?.role === 'owner';
    for (const each of document.querySelectorAll('[data-owner]')) {
        const wants = each.getAttribute('data-owner');
        const fits = owner && (wants !== 'machine' || page.view?.kind === 'machine')
            && (wants !== 'login' || page.me?.login);
        /** @type {HTMLElement} */ (each).hidden = !fits;
    }
}

/** Shows everything in the chosen language. */
function applyLocale() {
    page.locale.apply(document);
    fillKeysMenu((codes) => viewer.sendKeys(codes), page.locale);
    showName(viewer.name || page.view?.title || '');
    side.furnish(page.locale, page.me, page.view);
    control.update();
    showChoices();
    showNotice();
}

/** @param {Locale} locale */
function speak(locale) {
    page.locale = locale;
    applyLocale();
}

/** @param {Action} action */
async function act(action) {
    if (action === 'sign_in') {
        location.assign('login');
    } else if (action === 'start' && page.view) {
        page.starting = true;
        showNotice();
        const view = await power.run('start', page.view);
        if (view) {
            adopt(view);
        }
        page.starting = false; // from here on, its own state tells
    } else if (action === 'back') {
        location.assign('./?all=1');
    } else if (action === 'connect' && page.dismissed) {
        askCredentials(page.dismissed);
    } else {
        viewer.disconnect();
        viewer.connect();
    }
    showNotice();
}

/** @param {{fields: string[], retry: boolean}} wanted */
function askCredentials(wanted) {
    page.dismissed = null;
    openCredentials(wanted, (credentials) => {
        if (credentials) {
            viewer.sendCredentials(credentials);
        } else {
            page.dismissed = wanted;
            showNotice();
        }
        viewer.focus();
    });
}

/** The machine, as the server says. @param {MachineView} view */
function adopt(view) {
    const before = page.view;
    page.view = view;
    page.machine = view.id; // the address may have its name, and names change
    side.updateMachine(view);
    if (!before || before.kind !== view.kind) {
        applyLocale();
    }
    if (view.state === 'running' && (page.starting || (before && before.state !== 'running'))) {
        page.starting = false;
        if (viewer.state !== 'ended' || page.error?.code === 'session_ended') {
            viewer.connect(); // it was worth waiting for: do not wait for the back-off too
        }
    }
}

/** It is no longer there: nothing about it comes any more. */
function endWithMachine() {
    page.gone = true;
    feed.stop();
    viewer.disconnect();
    showNotice();
}

/** @param {Change[] | null} changes @param {number} status of the answer about the machine, 0: none */
const gone = (changes, status) => isGone({
    changes, status, view: page.view, error: page.error, visitor: Boolean(page.me?.share),
});

/** The server may know why there is no screen, and what can be done. @param {Change[] | null} changes */
async function look(changes) {
    if (gone(changes, 0)) {
        endWithMachine();
        return;
    }
    const ours = !changes || changes.some(({ id }) => id === page.machine || id === page.view?.id);
    if (!ours || (viewer.state === 'ended' && page.error?.code === 'access_revoked')) {
        return;
    }
    try {
        adopt(await api.machine(page.machine));
    } catch (error) {
        if (!(error instanceof ApiError) || ![401, 403, 404].includes(error.status)) {
            throw error; // for now: it is asked again
        }
        if (gone(changes, error.status)) {
            endWithMachine();
            return;
        }
        page.view = null;
    }
    showNotice();
}

/** @param {string} type @param {(detail: any) => void} handle */
function on(type, handle) {
    viewer.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

function listenToViewer() {
    on('statechange', ({ state, error }) => {
        page.error = error;
        if (state === 'live') {
            sizing.match();
        } else {
            closeCredentials();
            readout.show(null, page.locale);
        }
        if (state === 'ended' && error?.code === 'access_revoked') {
            feed.stop();
        }
        control.update();
        showNotice();
    });
    on('machine', ({ state }) => {
        page.starting &&= state === 'off';
        if (state !== 'credentials') {
            closeCredentials();
            page.dismissed = null;
        }
        showNotice();
    });
    on('picture', () => {
        showNotice();
        if (sizing.size !== 'off') {
            toolbar.show({ brief: true });
        }
        viewer.focus();
    });
    on('credentialsrequired', askCredentials);
    on('name', ({ name }) => showName(name));
    on('bell', () => toolbar.ring());
    on('stats', (figures) => {
        toolbar.showQuality(figures, page.locale);
        readout.show(figures, page.locale);
    });
    on('chord', () => toolbar.show({ focus: true }));
    on('people', () => {
        control.update();
        side.updatePeople();
    });
    on('role', () => {
        showChoices();
        control.update();
        side.updatePeople();
    });
    on('clipboard', async ({ text: words }) => {
        page.guestText = words;
        try {
            await navigator.clipboard.writeText(words);
        } catch {
            toast(text('clipboard_received')); // browsers may want a click first
        }
    });
}

function listenToWindow() {
    document.addEventListener('fullscreenchange', showChoices);
    document.addEventListener('visibilitychange', () => (
        document.hidden || page.gone || page.error?.code === 'access_revoked' ? feed.stop() : feed.start()));
}

/** Who am I, and which machine is this page's? Asked until there is an answer. */
async function learnMe() {
    try {
        page.me = await api.me(page.machine);
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
            return; // the viewer says so
        }
        log.warn(error);
        setTimeout(learnMe, ME_AGAIN_MS);
        return;
    }
    applyLocale();
}

if (!page.machine) { // this page is of one machine: the first page knows which there are
    location.replace('./');
} else {
    listenToBar({ viewer, power, side, page, sizing, readout, showChoices, speak });
    listenToViewer();
    listenToWindow();
    applyLocale();
    viewer.connect();
    learnMe();
    feed.start();
}
