/** The sign-in page: its language, and what went wrong the last time (`?error`). */

import { chooseLanguage, loadLocale } from './locale.js';
import { recall } from './memory.js';
import { element } from './page_elements.js';

const address = new URLSearchParams(location.search);
const locale = await loadLocale(chooseLanguage(
    address.get('lang'), recall('language'), navigator.languages));
locale.apply(document);
if (address.has('out')) { // the link that webvdi printed is used up
    element('login-hint').textContent = locale.text('signed_out');
}
const error = address.get('error');
element('login-error').hidden = error === null;
if (error === 'too_often') { // whatever the link is worth
    element('login-error').textContent = locale.text('join_later');
}
