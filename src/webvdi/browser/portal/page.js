/** The viewer's page: one machine, its screen, and what belongs around it. */

import { Viewer } from '../viewer/viewer.js';
import { ViewerError } from '../viewer/errors.js';
import { log } from '../viewer/log.js';
import { fetchMachine, fetchTicket, startMachine } from './api.js';
import { closeCredentials, openCredentials, openHelp, openText } from './dialogs.js';
import { fillKeysMenu } from './keys.js';
import { LANGUAGES, chooseLanguage, label, loadLocale } from './locale.js';
import { recall, remember } from './memory.js';
import { noticeFor } from './notice.js';
import { Overlay } from './overlay.js';
import { button, element, icon } from './page_elements.js';
import { Toolbar } from './toolbar.js';

/** @import { Action } from './notice.js' */
/** @import { MachineInfo } from './api.js' */

const ASK_MACHINE_EVERY_MS = 3000;
const MATCH_AFTER_MS = 400;

const address = new URLSearchParams(location.search);
const pixelForPixel = address.get('scale') === 'off';
const viewOnly = address.get('view_only') === '1';

/** What the page knows beside the viewer. */
const page = {
    locale: await loadLocale(chooseLanguage(
        address.get('lang'), recall('language'), navigator.languages)),
    /** @type {ViewerError | null} */
    error: null,
    /** @type {MachineInfo | null} */
    info: null,
    starting: false,
    /** @type {{fields: string[], retry: boolean} | null} credentials, once put aside */
    dismissed: null,
    guestText: '',
    /** @type {'fit' | 'off' | 'match'} */
    size: pixelForPixel ? 'off' : 'fit',
};

const viewer = new Viewer(element('screen'), {
    url: 'ws',
    async ticket() {
        const { ticket, name } = await fetchTicket(viewOnly);
        showName(name);
        return ticket;
    },
}, { scaling: pixelForPixel ? 'off' : 'fit', viewOnly });
Object.assign(window, { webvdi: { viewer } });

const toolbar = new Toolbar(() => viewer.focus());
const overlay = new Overlay((action) => act(action));

/** @param {string} key @param {Record<string, string>} [values] */
const text = (key, values) => page.locale.text(key, values);

/** @param {string} name */
function showName(name) {
    element('machine-name').textContent = name;
    document.title = name ? `${name} – webvdi` : 'webvdi';
    label(viewer.canvas, text('screen', { name: name || 'webvdi' }));
}

function showNotice() {
    const { error, info, starting } = page;
    overlay.show(noticeFor({
        link: viewer.state, error, machine: viewer.machine, info, starting,
        picture: viewer.hasPicture, dismissed: page.dismissed !== null,
    }), page.locale);
}

function showChoices() {
    const chosen = (/** @type {string} */ name, /** @type {string} */ value) => {
        for (const each of document.querySelectorAll(`[data-${name}]`)) {
            each.setAttribute('aria-checked', String(each.getAttribute(`data-${name}`) === value));
        }
    };
    chosen('scale', page.size);
    chosen('language', page.locale.language);
    document.body.dataset['size'] = page.size;
    button('composing').setAttribute('aria-checked', String(viewer.composing));
    button('keyboard').setAttribute('aria-pressed', String(viewer.composing));
    button('view-only').setAttribute('aria-pressed', String(viewer.viewOnly));
    const full = document.fullscreenElement !== null;
    button('fullscreen').replaceChildren(icon(full ? 'window' : 'fullscreen'));
    label(button('fullscreen'), text(full ? 'leave_fullscreen' : 'fullscreen'));
}

function applyLocale() {
    page.locale.apply(document);
    fillKeysMenu((codes) => viewer.sendKeys(codes), page.locale);
    showName(viewer.name);
    showChoices();
    showNotice();
}

/** @param {Action} action */
async function act(action) {
    if (action === 'sign_in') {
        location.assign('login');
    } else if (action === 'start') {
        page.starting = true;
        showNotice();
        await startMachine().catch((error) => {
            page.starting = false;
            overlay.toast(error.detail || text('error.not_ready'));
        });
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

/** While there is no live machine, the server may know why, and whether it can be started. */
async function askMachine() {
    const quiet = viewer.state === 'live' && !['off', 'failed'].includes(viewer.machine.state);
    const waiting = viewer.state === 'connecting' && !page.error;
    if (!document.hidden && !quiet && !waiting && page.error?.code !== 'login_required') {
        const before = page.info?.state;
        page.info = await fetchMachine();
        if (page.info?.state === 'running' && (page.starting || (before && before !== 'running'))) {
            page.starting = false;
            viewer.connect(); // it was worth waiting for: do not wait for the back-off too
        }
        showNotice();
    }
    setTimeout(askMachine, ASK_MACHINE_EVERY_MS);
}

/** @param {'fit' | 'off' | 'match'} size */
function setSize(size) {
    page.size = size;
    viewer.setScaling(size === 'off' ? 'off' : 'fit');
    showChoices();
    matchWindow();
}

/** Asks for a guest screen as large as the window, where that was chosen. */
function matchWindow() {
    if (page.size === 'match' && !viewer.composing) { // not for the sake of a phone's keyboard
        const { clientWidth, clientHeight } = element('screen');
        // Multiples of eight: guests' mode lines want them.
        viewer.requestScreenSize(clientWidth & ~7, clientHeight & ~7);
    }
}

async function saveScreenshot() {
    if (!viewer.hasPicture) {
        overlay.toast(text('screenshot_failed'));
        return;
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await viewer.screenshot());
    const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
    link.download = `${viewer.name || 'webvdi'}-${time}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
}

/** @param {string} words */
function sendClipboard(words) {
    try {
        viewer.sendClipboard(words);
        overlay.toast(text('clipboard_sent'));
    } catch (error) {
        overlay.toast(text(`error.${error instanceof ViewerError ? error.code : 'protocol'}`));
    }
}

/** @param {boolean} composing */
function setComposing(composing) {
    viewer.setComposing(composing);
    overlay.toast(text(composing ? 'composing_on' : 'composing_off'));
    showChoices();
}

function listenToBar() {
    button('fullscreen').onclick = () => {
        (document.fullscreenElement ? document.exitFullscreen()
            : document.documentElement.requestFullscreen({ navigationUI: 'hide' }))
            .catch((error) => log.warn(error));
        viewer.focus();
    };
    button('fullscreen').hidden = !document.fullscreenEnabled;
    button('screenshot').onclick = () => saveScreenshot();
    button('keyboard').onclick = () => setComposing(!viewer.composing);
    button('composing').onclick = () => setComposing(!viewer.composing);
    button('help').onclick = () => openHelp(() => viewer.focus());
    button('text').onclick = () => openText(page.guestText, {
        type: (words) => viewer.sendText(words),
        clipboard: sendClipboard,
        copied: () => overlay.toast(text('clipboard_copied')),
        closed: () => viewer.focus(),
    });
    button('view-only').onclick = () => {
        viewer.setViewOnly(!viewer.viewOnly);
        overlay.toast(text(viewer.viewOnly ? 'view_only_on' : 'view_only_off'));
        showChoices();
        viewer.focus();
    };
    for (const each of document.querySelectorAll('[data-scale]')) {
        each.addEventListener('click', () => {
            setSize(/** @type {'fit' | 'off' | 'match'} */ (each.getAttribute('data-scale')));
        });
    }
    for (const language of LANGUAGES) {
        document.querySelector(`[data-language=${language}]`)?.addEventListener('click', async () => {
            remember('language', language);
            page.locale = await loadLocale(language);
            applyLocale();
        });
    }
}

/** @param {string} type @param {(detail: any) => void} handle */
function on(type, handle) {
    viewer.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

function listenToViewer() {
    on('statechange', ({ state, error }) => {
        page.error = error;
        if (state === 'live') {
            page.info = null;
            matchWindow();
        } else {
            closeCredentials();
        }
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
        if (page.size !== 'off') {
            toolbar.show({ brief: true });
        }
        viewer.focus();
    });
    on('credentialsrequired', askCredentials);
    on('name', ({ name }) => showName(name));
    on('bell', () => toolbar.ring());
    on('stats', (summary) => toolbar.showQuality(summary, page.locale));
    on('chord', () => toolbar.show({ focus: true }));
    on('role', ({ role }) => {
        button('view-only').disabled = role === 'observer';
        if (role === 'observer') {
            overlay.toast(text('observer'));
        }
    });
    on('clipboard', async ({ text: words }) => {
        page.guestText = words;
        try {
            await navigator.clipboard.writeText(words);
        } catch {
            overlay.toast(text('clipboard_received')); // browsers may want a click first
        }
    });
}

function listenToWindow() {
    let timer = 0;
    new ResizeObserver(() => {
        clearTimeout(timer);
        timer = setTimeout(matchWindow, MATCH_AFTER_MS);
    }).observe(element('screen'));
    document.addEventListener('fullscreenchange', showChoices);
}

listenToBar();
listenToViewer();
listenToWindow();
applyLocale();
viewer.connect();
setTimeout(askMachine, ASK_MACHINE_EVERY_MS / 3);
