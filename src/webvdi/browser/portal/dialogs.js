/** The dialogs: text and clipboard, credentials, help. */

import { area, button, dialog, element, field } from './page_elements.js';

/**
 * Opens a dialog; what its form returned goes to *then*, '' when it was dismissed.
 * @param {string} id
 * @param {(result: string) => void} [then]
 */
function open(id, then = () => {}) {
    const box = dialog(id);
    if (!box.open) {
        box.returnValue = '';
        box.addEventListener('close', () => then(box.returnValue), { once: true });
        box.showModal();
    }
}

/**
 * @param {string} guestText what was last copied in the guest
 * @param {{type: (text: string) => void, clipboard: (text: string) => void,
 *     copied: () => void, closed: () => void}} actions
 */
export function openText(guestText, actions) {
    const input = area('text-input');
    element('guest-text').hidden = guestText === '';
    button('copy-guest-text').onclick = async () => {
        area('guest-text-output').select();
        try {
            await navigator.clipboard.writeText(guestText);
            actions.copied();
        } catch {
            // not allowed here: it is selected, and the user's own copy key works
        }
    };
    area('guest-text-output').value = guestText;
    open('text-dialog', (result) => {
        const text = input.value;
        actions.closed();
        if (text && result === 'type') {
            actions.type(text);
        } else if (text && result === 'clipboard') {
            actions.clipboard(text);
        }
        if (result) {
            input.value = '';
        }
    });
    input.focus();
}

/**
 * @param {{fields: string[], retry: boolean}} wanted
 * @param {(credentials: {username: string, password: string} | null) => void} answer
 */
export function openCredentials({ fields, retry }, answer) {
    const named = fields.includes('username');
    element('username-field').hidden = !named;
    element('credentials-retry').hidden = !retry;
    field('password').value = '';
    button('credentials-cancel').onclick = () => dialog('credentials-dialog').close('');
    open('credentials-dialog', (result) => {
        const password = field('password').value;
        field('password').value = '';
        answer(result ? { username: named ? field('username').value : '', password } : null);
    });
    field(named ? 'username' : 'password').focus();
}

export function closeCredentials() {
    dialog('credentials-dialog').close('');
}

/** @param {() => void} closed */
export function openHelp(closed) {
    open('help-dialog', closed);
}
