/** How large the guest's screen is shown, and whether it follows the window. */

import { element } from './page_elements.js';

/** @import { Viewer } from '../viewer/viewer.js' */

/** @typedef {'fit' | 'off' | 'match'} Size */

const MATCH_AFTER_MS = 400;

export class Sizing {
    #viewer;
    #timer = 0;

    /** @param {Viewer} viewer @param {Size} size */
    constructor(viewer, size) {
        this.#viewer = viewer;
        this.size = size;
        new ResizeObserver(() => {
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => this.match(), MATCH_AFTER_MS);
        }).observe(element('screen'));
    }

    /** @param {Size} size */
    set(size) {
        this.size = size;
        this.#viewer.setScaling(size === 'off' ? 'off' : 'fit');
        this.match();
    }

    /** Asks for a guest screen as large as the window, where that was chosen. */
    match() {
        if (this.size === 'match' && !this.#viewer.composing) { // not for the sake of a phone's keyboard
            const { clientWidth, clientHeight } = element('screen');
            // Multiples of eight: guests' mode lines want them.
            this.#viewer.requestScreenSize(clientWidth & ~7, clientHeight & ~7);
        }
    }
}
