/** Passing remarks at the foot of the page, perhaps with something to do about them. */

import { make, pushButton } from './dom.js';
import { element } from './page_elements.js';

const TOAST_MS = 3500;
/** Whoever is offered something needs time to read and to reach it. */
const OFFER_MS = 12000;

let timer = 0;

/**
 * @param {string} words
 * @param {...{words: string, act: () => void}} offers buttons
 */
export function toast(words, ...offers) {
    const place = element('toast');
    place.replaceChildren(make('span', {}, words), ...offers.map((offer) => (
        pushButton(offer.words, () => {
            hideToast();
            offer.act();
        }))));
    place.hidden = false;
    // Modal dialogs make everything else inert and lie above it; a popover lies above them.
    place.popover = 'manual';
    place.hidePopover();
    place.showPopover();
    clearTimeout(timer);
    timer = setTimeout(hideToast, offers.length > 0 ? OFFER_MS : TOAST_MS);
}

export function hideToast() {
    clearTimeout(timer);
    const place = element('toast');
    if (place.matches(':popover-open')) {
        place.hidePopover();
    }
    place.hidden = true;
}
