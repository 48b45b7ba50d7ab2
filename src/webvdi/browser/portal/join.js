/** The page behind a share link (`join#TOKEN`): who comes, then in. */

import { ApiError, api } from './api.js';
import { wordsOf } from './box.js';
import { isOver, tokenIn } from './join_link.js';
import { chooseLanguage, loadLocale } from './locale.js';
import { recall, remember } from './memory.js';
import { button, element, field } from './page_elements.js';

const address = new URLSearchParams(location.search);
const locale = await loadLocale(chooseLanguage(
    address.get('lang'), recall('language'), navigator.languages));
const token = tokenIn(location.hash);

/** Nothing more can be done here. @param {string} title @param {string} words */
function end(title, words) {
    element('join-title').textContent = locale.text(title);
    element('join-hint').textContent = locale.text(words);
    element('join-form').hidden = true;
}

/** @param {SubmitEvent} event */
async function join(event) {
    event.preventDefault();
    const name = field('join-name').value.trim();
    remember('display_name', name);
    button('join-submit').disabled = true;
    element('join-error').hidden = true;
    try {
        const { machine } = await api.join(token, name);
        const more = address.has('lang') ? `&lang=${encodeURIComponent(address.get('lang') ?? '')}` : '';
        location.replace(`view?m=${encodeURIComponent(machine)}${more}`);
    } catch (error) {
        const refusal = error instanceof ApiError ? error : new ApiError(0);
        if (isOver(refusal)) {
            end('join_invalid', 'join_invalid_hint');
        } else {
            element('join-error').textContent = refusal.status === 429 ? locale.text('join_later')
                : wordsOf(refusal, locale);
            element('join-error').hidden = false;
            button('join-submit').disabled = false;
        }
    }
}

locale.apply(document);
document.title = `${locale.text('join_title')} – webvdi`;
field('join-name').value ||= recall('display_name') ?? ''; // whoever is quick has typed already
element('join-form').addEventListener('submit', join);
button('join-submit').disabled = false; // before, it would have sent nothing
if (address.has('ended')) {
    end('join_invalid', 'join_invalid_hint');
} else if (!token) {
    end('join_incomplete', 'join_incomplete_hint');
} else if (field('join-name').value && document.activeElement !== field('join-name')) {
    button('join-submit').focus();
} else {
    field('join-name').focus();
}
// Another link, opened in this tab, differs in its fragment alone: browsers would not load the page.
addEventListener('hashchange', () => location.reload());
