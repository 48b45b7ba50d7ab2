/** The panel beside the screen: tabs, one of them shown (WAI-ARIA tabs pattern). */

import { make } from './dom.js';
import { button, element, icon } from './page_elements.js';

/**
 * @typedef {object} Tab
 * @property {string} id
 * @property {string} words
 * @property {() => {element: HTMLElement, show?: (shown: boolean) => void}} make called when first shown
 */

export class Panel {
    #leave;
    /** @type {Tab[]} */
    #tabs = [];
    /** @type {Map<string, {element: HTMLElement, show?: (shown: boolean) => void}>} */
    #made = new Map();
    #current = '';
    #list = element('panel-tabs');
    #place = element('panel-place');

    /** @param {() => void} leave gives the keyboard back to the guest */
    constructor(leave) {
        this.#leave = leave;
        button('panel-close').append(icon('close'));
        button('panel-close').addEventListener('click', () => this.close());
        element('panel').addEventListener('keydown', (event) => {
            if (event.key === 'Escape' && !event.defaultPrevented) {
                this.close();
            }
        });
        this.#list.addEventListener('keydown', (event) => this.#keydown(event));
    }

    get current() {
        return element('panel').hidden ? '' : this.#current;
    }

    /** Forgets what was made: with another language, everything is made anew. @param {Tab[]} tabs */
    setTabs(tabs) {
        const open = this.current;
        this.#made.get(open)?.show?.(false);
        this.#tabs = tabs;
        this.#made.clear();
        this.#place.replaceChildren();
        this.#list.replaceChildren(...tabs.map(({ id, words }) => make('button', {
            type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': 'panel-place',
            onclick: () => this.open(id),
        }, words)));
        if (open) {
            this.open(tabs.some(({ id }) => id === open) ? open : tabs[0]?.id ?? '');
        }
    }

    /** @param {string} id */
    open(id) {
        const tab = this.#tabs.find((each) => each.id === id);
        if (!tab) {
            return;
        }
        this.#made.get(this.#current)?.show?.(false);
        const made = this.#made.get(id) ?? tab.make();
        this.#made.set(id, made);
        this.#current = id;
        for (const each of this.#list.querySelectorAll('button')) {
            const selected = each.id === `tab-${id}`;
            each.setAttribute('aria-selected', String(selected));
            each.tabIndex = selected ? 0 : -1;
        }
        this.#place.replaceChildren(made.element);
        this.#place.setAttribute('aria-labelledby', `tab-${id}`);
        element('panel').hidden = false;
        document.body.dataset['panel'] = 'open';
        made.show?.(true);
    }

    /** Opens it for somebody who goes there. @param {string} id */
    enter(id) {
        this.open(id);
        if (this.current === id) {
            element(`tab-${id}`).focus();
        }
    }

    /** @param {string} id */
    toggle(id) {
        if (this.current === id) {
            this.close();
        } else {
            this.enter(id);
        }
    }

    close() {
        this.#made.get(this.#current)?.show?.(false);
        element('panel').hidden = true;
        delete document.body.dataset['panel'];
        this.#leave();
    }

    /** @param {KeyboardEvent} event */
    #keydown(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const at = this.#tabs.findIndex(({ id }) => id === this.#current);
        const next = step && this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length];
        if (next) {
            event.preventDefault();
            this.enter(next.id);
        }
    }
}
