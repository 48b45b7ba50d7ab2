/** Shows a notice: the card in the middle, the pill, the dimmed picture. */

import { setText } from './dom.js';
import { element } from './page_elements.js';

/** @import { Action, Notice } from './notice.js' */
/** @import { Locale } from './locale.js' */

export class Overlay {
    /** @type {Action | null} */
    #action = null;
    /** @type {Action | null} */
    #other = null;

    /** @param {(action: Action) => void} act */
    constructor(act) {
        element('overlay-action').addEventListener('click', () => {
            if (this.#action) {
                act(this.#action);
            }
        });
        element('overlay-other').addEventListener('click', () => {
            if (this.#other) {
                act(this.#other);
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
            const { title, detail, detailKey, action, other = null, progress } = card;
            element('overlay-title').textContent = locale.text(title);
            element('overlay-detail').textContent = locale.said(detailKey ?? '', detail);
            element('overlay-progress').hidden = !progress;
            this.#action = offer('overlay-action', action, locale);
            this.#other = offer('overlay-other', other, locale);
        }
    }
}

/** @param {string} id of the button @param {Action | null} action @param {Locale} locale */
function offer(id, action, locale) {
    const button = element(id);
    button.hidden = !action;
    setText(button, action ? locale.text(action) : '');
    return action;
}
