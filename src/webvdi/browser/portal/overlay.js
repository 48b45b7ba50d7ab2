/** Shows a notice: the card in the middle, the pill, the dimmed picture; and passing remarks. */

import { element } from './page_elements.js';

/** @import { Action, Notice } from './notice.js' */
/** @import { Locale } from './locale.js' */

const TOAST_MS = 3500;

export class Overlay {
    #toastTimer = 0;
    /** @type {Action | null} */
    #action = null;

    /** @param {(action: Action) => void} act */
    constructor(act) {
        element('overlay-action').addEventListener('click', () => {
            if (this.#action) {
                act(this.#action);
            }
        });
    }

    /**
     * @param {Notice} notice
     * @param {Locale} locale
     */
    show({ card, pill, dim, level }, locale) {
        element('overlay').hidden = !card;
        element('dim').hidden = !dim;
        document.body.dataset['link'] = level;
        const pillShown = Boolean(pill) && !card;
        element('pill').hidden = !pillShown;
        if (pill) {
            element('pill-text').textContent = locale.text(pill);
            element('pill-detail').textContent = pill === 'state_reconnecting'
                ? locale.text('reconnecting_detail') : '';
        }
        if (card) {
            const { title, detail, detailKey, action, progress } = card;
            element('overlay-title').textContent = locale.text(title);
            element('overlay-detail').textContent = detail
                || (detailKey && locale.has(detailKey) ? locale.text(detailKey) : '');
            element('overlay-progress').hidden = !progress;
            const button = element('overlay-action');
            button.hidden = !action;
            button.textContent = action ? locale.text(action) : '';
            this.#action = action;
        }
    }

    /** A remark that goes away by itself. @param {string} text */
    toast(text) {
        const toast = element('toast');
        toast.textContent = text;
        toast.hidden = false;
        clearTimeout(this.#toastTimer);
        this.#toastTimer = setTimeout(() => {
            toast.hidden = true;
        }, TOAST_MS);
    }
}
