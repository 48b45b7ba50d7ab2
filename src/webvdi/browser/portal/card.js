/** One machine on the list: picture, name, state, and what can be done with it. */

import { freshId, make, pushButton, setText } from './dom.js';
import { openMenu } from './menu.js';
import { icon } from './page_elements.js';

/** @import { Locale } from './locale.js' */
/** @import { Face, MachineAction } from './machine_view.js' */
/** @import { MachineView } from './types.js' */

/** After which a line stands in the menu. @type {MachineAction[]} */
const LAST_OF_GROUP = ['off', 'discard'];

export class Card {
    /** @type {MachineView} */
    view;
    /** @type {Face | null} */
    #face = null;
    #act;
    #locale;
    #title = make('h2', { id: freshId('machine') });
    #dot = make('span', { class: 'dot' });
    #state = make('strong');
    #since = make('span', { class: 'quiet' });
    #line = make('p', { class: 'machine-line quiet' });
    #viewers = make('span', { class: 'badge', hidden: true });
    #progress = make('progress', { max: 100, hidden: true });
    #open;
    #primary;
    #more;

    /**
     * @param {MachineView} view
     * @param {Locale} locale
     * @param {(action: MachineAction, view: MachineView) => void} act
     */
    constructor(view, locale, act) {
        this.view = view;
        this.#act = act;
        this.#locale = locale;
        this.image = make('img', { alt: '', hidden: true, draggable: false });
        this.#open = make('a', { class: 'thumb' }, make('span', { class: 'thumb-none' }, icon('screen')),
            this.image, this.#viewers);
        // The same link as the button below: one stop for the keyboard is enough.
        this.#open.tabIndex = -1;
        this.#primary = make('div', { class: 'machine-primary' });
        this.#more = make('button', {
            type: 'button', class: 'plain', 'aria-haspopup': 'menu', 'aria-expanded': 'false',
            onclick: () => this.#openMenu(),
        }, icon('more'));
        this.element = make('article', { class: 'machine', 'aria-labelledby': this.#title.id },
            this.#open,
            make('div', { class: 'machine-body' },
                make('div', { class: 'machine-head' }, this.#title, this.#more),
                make('p', { class: 'machine-state' }, this.#dot, this.#state, this.#since),
                this.#line, this.#progress, this.#primary));
        this.element.dataset['machine'] = view.id;
    }

    /** @param {MachineView} view @param {Face} face */
    update(view, face) {
        const before = this.#face;
        this.view = view;
        this.#face = face;
        setText(this.#title, view.title || view.name);
        this.element.dataset['level'] = face.level;
        setText(this.#state, face.state);
        setText(this.#since, face.since ? `· ${face.since}` : '');
        // Of one that runs, words say something beside; of another, they say why.
        setText(this.#line, face.openable
            ? [face.parts, face.detail].filter(Boolean).join(' · ') : face.detail || face.parts);
        this.#line.title = face.detail;
        setText(this.#viewers, face.viewers);
        this.#viewers.hidden = !face.viewers;
        this.#showProgress(face.percent);
        if (face.openable) {
            this.#open.href = addressOf(view);
        } else {
            this.#open.removeAttribute('href');
        }
        this.#open.setAttribute('aria-label', this.#locale.text('open_machine', { name: view.title }));
        if (before?.primary !== face.primary) {
            this.#showPrimary(face.primary);
        }
        const more = this.#locale.text('more_for', { name: view.title });
        this.#more.setAttribute('aria-label', more);
        this.#more.title = this.#locale.text('more');
        this.#more.hidden = face.menu.length === 0;
    }

    /** @param {number | null | undefined} percent */
    #showProgress(percent) {
        this.#progress.hidden = percent === undefined;
        if (typeof percent === 'number') {
            this.#progress.value = percent;
        } else {
            this.#progress.removeAttribute('value');
        }
    }

    /** @param {MachineAction | null} action */
    #showPrimary(action) {
        const words = action ? this.#locale.text(`action.${action}`) : '';
        const focused = this.#primary.contains(document.activeElement);
        this.#primary.replaceChildren(...action === 'open'
            ? [make('a', { class: 'button', href: addressOf(this.view) }, words)]
            : action ? [pushButton(words, () => this.#act(action, this.view))] : []);
        if (focused) { // what was started can now be opened: the same place goes on
            const next = this.#primary.firstElementChild ?? this.#more;
            if (next instanceof HTMLElement) {
                next.focus();
            }
        }
    }

    #openMenu() {
        /** @type {import('./menu.js').MenuItem[]} */
        const items = [];
        const menu = this.#face?.menu ?? [];
        menu.forEach((action, index) => {
            items.push({
                words: this.#locale.text(`action.${action}`),
                danger: action === 'delete',
                act: () => this.#act(action, this.view),
            });
            const next = menu[index + 1];
            if (next && (LAST_OF_GROUP.includes(action) || next === 'delete' || (
                next === 'share' && !LAST_OF_GROUP.includes(action)))) {
                items.push(null);
            }
        });
        openMenu(this.#more, items);
    }
}

/** @param {MachineView} view */
export const addressOf = (view) => `view?m=${encodeURIComponent(view.id)}`;
