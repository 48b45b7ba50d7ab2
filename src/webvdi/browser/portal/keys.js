/** The menu of key combinations that a browser would keep for itself. */

import { element } from './page_elements.js';

/** @import { Locale } from './locale.js' */

/** What is printed on the keys. @type {Record<string, string>} */
const CAPS = {
    ControlLeft: 'Ctrl', AltLeft: 'Alt', ShiftLeft: 'Shift', MetaLeft: 'Super', Delete: 'Del',
    Backspace: '⌫', PrintScreen: 'Print', Escape: 'Esc',
};

/** @type {[string, string[][]][]} heading and combinations, by KeyboardEvent.code */
export const COMBINATIONS = [
    ['keys_system', [
        ['ControlLeft', 'AltLeft', 'Delete'], ['ControlLeft', 'AltLeft', 'Backspace'],
        ['AltLeft', 'Tab'], ['AltLeft', 'F4'], ['MetaLeft'], ['PrintScreen'],
        ['ControlLeft', 'ShiftLeft', 'Escape'], ['Escape'],
    ]],
    ['keys_browser', [
        ['ControlLeft', 'KeyW'], ['ControlLeft', 'KeyT'], ['ControlLeft', 'KeyN'],
        ['ControlLeft', 'Tab'],
    ]],
    ['keys_consoles', Array.from({ length: 12 }, (_, index) => (
        ['ControlLeft', 'AltLeft', `F${index + 1}`]))],
];

/** @param {string} code */
const cap = (code) => CAPS[code] ?? code.replace(/^(Key|Digit)/, '');

/**
 * @param {string[]} codes
 * @param {(codes: string[]) => void} send
 * @param {Locale} locale
 */
function item(codes, send, locale) {
    const button = document.createElement('button');
    button.type = 'button';
    button.setAttribute('role', 'menuitem');
    button.setAttribute('aria-label', codes.map(cap).join('-'));
    if (codes[0] === 'MetaLeft') {
        button.setAttribute('aria-label', locale.text('keys_super'));
        button.title = locale.text('keys_super');
    }
    for (const code of codes) {
        const key = document.createElement('kbd');
        key.textContent = cap(code);
        button.append(key);
    }
    button.addEventListener('click', () => send(codes));
    return button;
}

/**
 * Fills the menu.
 * @param {(codes: string[]) => void} send
 * @param {Locale} locale
 */
export function fillKeysMenu(send, locale) {
    const menu = element('keys-menu');
    menu.replaceChildren();
    for (const [heading, combinations] of COMBINATIONS) {
        const title = document.createElement('h2');
        title.textContent = locale.text(heading);
        const group = document.createElement('div');
        group.className = 'key-group';
        group.append(...combinations.map((codes) => item(codes, send, locale)));
        menu.append(title, group);
    }
}
