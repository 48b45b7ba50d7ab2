/** The list of machines. */

import { ApiError, api } from './api.js';
import { Box, wordsOf } from './box.js';
import { Card, addressOf } from './card.js';
import { make, pushButton, setText } from './dom.js';
import { LiveFeed } from './events.js';
import { fillHost } from './host.js';
import { LANGUAGES, chooseLanguage, loadLocale } from './locale.js';
import { leave } from './leaving.js';
import { faceOf, inOrder, matching } from './machine_view.js';
import { recall, remember } from './memory.js';
import { openMenu } from './menu.js';
import { NewMachineDialog } from './new_machine.js';
import { button, element, field, icon } from './page_elements.js';
import { Power } from './power.js';
import { SettingsForm } from './settings.js';
import { linkField, openShares, reachable } from './shares.js';
import { Thumbnails } from './thumbnails.js';
import { toast } from './toast.js';
import { Uploads } from './upload.js';
import { percentOfAll, uploadWords } from './upload_rows.js';

/** @import { MachineAction } from './machine_view.js' */
/** @import { Change, MachineView, Me } from './types.js' */

const SEARCH_FROM = 9;
const AGES_EVERY_MS = 30000;
const LANGUAGE_NAMES = { en: 'English', ja: '日本語' };

const address = new URLSearchParams(location.search);
const page = {
    locale: await loadLocale(chooseLanguage(
        address.get('lang'), recall('language'), navigator.languages)),
    /** @type {Me | null} */
    me: null,
    /** @type {MachineView[]} */
    views: [],
    loaded: false,
    /** @type {Map<string, Card>} */
    cards: new Map(),
    /** @type {NewMachineDialog | null} */
    dialog: null,
    /** @type {{machine: string, form: SettingsForm} | null} those that are open */
    settings: null,
    looks: 0,
    /** @type {WeakSet<import('./upload.js').Upload>} those whose failure was said */
    told: new WeakSet(),
};
const thumbnails = new Thumbnails();
const uploads = new Uploads();
const power = new Power({
    locale: () => page.locale,
    toast: (words, offer) => (offer ? toast(words, offer) : toast(words)),
    changed: () => feed.refresh(),
});
const feed = new LiveFeed((changes) => look(changes));

/** @param {string} key @param {Record<string, string>} [values] */
const text = (key, values) => page.locale.text(key, values);

/** Asks the server for what may have changed. @param {Change[] | null} changes */
async function look(changes) {
    const about = (/** @type {string[]} */ ...kinds) => (
        !changes || changes.some(({ kind }) => kinds.includes(kind)));
    const mine = page.looks += 1;
    try {
        if (about('machine', 'gone', 'viewers')) {
            page.views = await api.machines();
            page.loaded = true;
            show();
            const changed = page.views.find(({ id }) => id === page.settings?.machine);
            if (changed) {
                page.settings?.form.update(changed);
            }
        }
        if (about('guest', 'image')) {
            page.dialog?.refresh();
        }
        if (!changes && page.me?.role === 'owner') {
            fillHost(await api.host(), page.locale);
        }
        if (mine === page.looks) { // an older answer that comes late knows nothing of now
            element('offline').hidden = true;
        }
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
            location.assign('login');
        }
        showTrouble(error);
        throw error;
    }
}

/** Why nothing new is shown; it is asked again by itself. @param {unknown} error */
function showTrouble(error) {
    setText(element('offline'), error instanceof ApiError && !error.away
        ? text('trouble', { why: wordsOf(error, page.locale) }) : text('offline'));
    element('offline').hidden = false;
}

function show() {
    const { me, locale, views } = page;
    if (!me) {
        return;
    }
    const search = field('search');
    search.hidden = views.length < SEARCH_FROM && search.value === '';
    const shown = inOrder(matching(views, search.value), locale.language);
    for (const [id, card] of page.cards) {
        if (!shown.some((view) => view.id === id)) {
            thumbnails.forget(card.element);
            card.element.remove();
            page.cards.delete(id);
        }
    }
    shown.forEach((view, index) => placeCard(view, index, me));
    const empty = page.loaded && shown.length === 0;
    element('empty').hidden = !empty;
    element('loading').hidden = page.loaded;
    const searching = search.value !== '';
    element('empty-title').textContent = text(searching ? 'nothing_found' : 'empty_title');
    element('empty-text').textContent = searching ? '' : text('empty_text');
    element('empty-new').hidden = searching || me.mode !== 'service';
}

/** @param {MachineView} view @param {number} index @param {Me} me */
function placeCard(view, index, me) {
    const list = element('machines');
    let card = page.cards.get(view.id);
    if (!card) {
        card = new Card(view, page.locale, act);
        page.cards.set(view.id, card);
        thumbnails.watch(view.id, card.image, card.element);
    }
    if (list.children[index] !== card.element) {
        list.insertBefore(card.element, list.children[index] ?? null);
    }
    const face = faceOf(view, me, page.locale, Date.now() / 1000);
    card.update(view, face);
    thumbnails.want(card.element, face.openable);
}

/** @param {MachineAction} action @param {MachineView} view */
function act(action, view) {
    if (action === 'open') {
        location.assign(addressOf(view));
    } else if (action === 'share') {
        openShares(view, page.locale, { toast });
    } else if (action === 'settings') {
        openSettings(view);
    } else {
        power.run(action, view);
    }
}

/** @param {MachineView} view */
function openSettings(view) {
    const box = new Box(text('settings_title', { name: view.title }), page.locale, {
        closed: () => {
            page.settings = null;
        },
    });
    const form = new SettingsForm(view, page.locale);
    page.settings = { machine: view.id, form };
    box.body.append(form.element);
    box.foot(pushButton(text('cancel'), () => box.close()), make('span', { class: 'spring' }),
        form.saveIn(box, () => {
            box.close();
            toast(text('settings_saved'));
            feed.refresh();
        })).show();
}

/** @param {File[]} [files] */
function openNew(files) {
    page.dialog = new NewMachineDialog(page.locale, uploads, () => page.views, (view) => {
        page.views = [...page.views.filter(({ id }) => id !== view.id), view];
        show();
        page.cards.get(view.id)?.element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    });
    page.dialog.show(files);
}

/** A login link, to open this on a phone or another computer. */
function openDeviceLink() {
    const box = new Box(text('device_title'), page.locale);
    box.body.append(make('p', {}, text('device_text')));
    box.foot(pushButton(text('close'), () => box.close())).show();
    box.attempt(async () => {
        const link = await api.login();
        box.body.append(linkField(reachable(link, document.baseURI), page.locale, toast));
    });
}

function openPageMenu() {
    openMenu(button('page-more'), [
        ...page.me?.role === 'owner' ? [{ words: text('device_link'), act: openDeviceLink }, null] : [],
        ...LANGUAGES.map((language) => ({
            words: LANGUAGE_NAMES[/** @type {'en' | 'ja'} */ (language)], lang: language,
            checked: page.locale.language === language,
            act: async () => {
                remember('language', language);
                page.locale = await loadLocale(language);
                applyLocale();
            },
        })),
        ...page.me?.login ? [null, { words: text('sign_out'), act: () => leave(page.locale) }] : [],
    ]);
}

function showUploads() {
    const percent = percentOfAll(uploads.list);
    button('uploading').hidden = percent === null;
    element('uploading-text').textContent = text('uploading', { percent: String(percent ?? 0) });
    for (const upload of uploads.list) {
        if (upload.plan.phase === 'failed' && !page.told.has(upload)) {
            page.told.add(upload);
            if (!page.dialog?.open) { // whoever has it open reads it there
                toast(text('upload_failed_of', {
                    name: upload.name, why: uploadWords(upload, page.locale) }));
            }
        }
    }
}

function applyLocale() {
    page.locale.apply(document);
    document.title = `${text('machines')} – webvdi`;
    for (const card of page.cards.values()) {
        thumbnails.forget(card.element);
        card.element.remove();
    }
    page.cards.clear();
    showUploads();
    show();
    feed.refresh();
}

function listen() {
    button('new').addEventListener('click', () => openNew());
    button('empty-new').addEventListener('click', () => openNew());
    button('uploading').addEventListener('click', () => openNew());
    button('page-more').append(icon('more'));
    button('page-more').addEventListener('click', openPageMenu);
    field('search').addEventListener('input', show);
    uploads.listen(showUploads);
    setInterval(show, AGES_EVERY_MS);
    document.addEventListener('visibilitychange', () => (
        document.hidden ? feed.stop() : feed.start()));
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
        event.preventDefault(); // a file that misses its place does not replace the page
        const files = [...event.dataTransfer?.files ?? []];
        if (files.length > 0 && page.me?.mode === 'service' && !document.querySelector('dialog[open]')) {
            openNew(files);
        }
    });
}

async function begin() {
    try {
        page.me = await api.me();
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
            location.assign('login');
            return;
        }
        showTrouble(error);
        setTimeout(begin, 3000);
        return;
    }
    if (page.me.share) { // guests of one machine have nothing to choose from
        location.replace(`view?m=${encodeURIComponent(page.me.share.machine)}`);
        return;
    }
    button('new').hidden = page.me.mode !== 'service';
    feed.start();
}

applyLocale();
listen();
begin();
