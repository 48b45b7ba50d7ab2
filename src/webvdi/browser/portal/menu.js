/** A menu that opens beside its button, filled when it is opened. */

import { make } from './dom.js';

/**
 * @typedef {{words: string, act: () => void, danger?: boolean, lang?: string,
 *     checked?: boolean} | null} MenuItem null is a line
 */

const GAP_PX = 4;
const EDGE_PX = 8;

/** Arrow keys move within a menu. @param {HTMLElement} menu @param {KeyboardEvent} event */
export function moveInMenu(menu, event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const items = [...menu.querySelectorAll('button')].filter((each) => each.offsetParent !== null);
    const at = items.findIndex((each) => each === document.activeElement);
    const to = { Home: 0, End: items.length - 1 }[event.key]
        ?? (step && (at + step + items.length) % items.length);
    if (to !== undefined) {
        event.preventDefault();
        items[to]?.focus();
    }
}

/**
 * Opens it; where the opener's menu is open, the browser is about to close it (below).
 * @param {HTMLButtonElement} opener
 * @param {MenuItem[]} items
 */
export function openMenu(opener, items) {
    if (opener.popoverTargetElement) {
        return;
    }
    const menu = make('div', { class: 'menu', role: 'menu', popover: 'auto' }, ...items.map((item) => (
        item ? make('button', {
            type: 'button',
            role: item.checked === undefined ? 'menuitem' : 'menuitemradio',
            class: item.danger ? 'danger-item' : '',
            lang: item.lang,
            'aria-checked': item.checked,
            onclick: () => {
                menu.hidePopover();
                item.act();
            },
        }, item.words) : make('hr'))));
    menu.classList.toggle('checkable', items.some((item) => item?.checked !== undefined));
    menu.setAttribute('aria-label', opener.getAttribute('aria-label') ?? '');
    menu.addEventListener('toggle', (event) => {
        const open = /** @type {ToggleEvent} */ (event).newState === 'open';
        opener.setAttribute('aria-expanded', String(open));
        // A press on the opener would dismiss the menu before its click could find it open; of a
        // popover's own button browsers know that it is to close it. Not before now: the click
        // that opened it would.
        opener.popoverTargetElement = open ? menu : null;
        opener.popoverTargetAction = 'hide';
        if (!open) {
            menu.remove();
        }
    });
    menu.addEventListener('keydown', (event) => moveInMenu(menu, event));
    document.body.append(menu);
    menu.showPopover({ source: opener });
    place(menu, opener);
    menu.querySelector('button')?.focus();
}

/** Below the button, above where there is no room; inside the window. @param {HTMLElement} menu @param {HTMLElement} opener */
function place(menu, opener) {
    const box = opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const left = Math.min(box.right - width, innerWidth - width - EDGE_PX);
    menu.style.left = `${Math.max(EDGE_PX, left)}px`;
    const below = box.bottom + GAP_PX;
    const top = below + height > innerHeight - EDGE_PX ? box.top - height - GAP_PX : below;
    menu.style.top = `${Math.max(EDGE_PX, top)}px`;
    menu.style.maxHeight = `${innerHeight - 2 * EDGE_PX}px`;
}
