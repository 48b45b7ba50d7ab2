/** What happened to the machine, the newest first. */

import { api } from './api.js';
import { wordsOf } from './box.js';
import { make } from './dom.js';
import { formatTime } from './format.js';

/** @import { Locale } from './locale.js' */
/** @import { JournalEntry } from './types.js' */

/** @type {Record<string, string>} how grave it is */
const LEVELS = { exit: 'paused', failed: 'bad', network: 'paused', started: 'good' };

/**
 * An entry's words: its own are English, its kind can be said in any language.
 * @param {JournalEntry} entry
 * @param {Locale} locale
 */
export function entryWords({ kind, text }, locale) {
    const title = locale.said(`journal.${kind}`, text);
    return { title, detail: title === text ? '' : text };
}

export class JournalPanel {
    #machine;
    #locale;
    #list = make('ol', { class: 'rows journal' });
    #status = make('p', { class: 'quiet' });
    #shown = false;

    /** @param {string} machine @param {Locale} locale */
    constructor(machine, locale) {
        this.#machine = machine;
        this.#locale = locale;
        this.element = make('div', { class: 'panel-body' }, this.#list, this.#status);
    }

    /** @param {boolean} shown */
    show(shown) {
        this.#shown = shown;
        this.update();
    }

    async update() {
        if (!this.#shown) {
            return;
        }
        try {
            const entries = await api.journal(this.#machine);
            this.#status.textContent = entries.length > 0 ? '' : this.#locale.text('journal_empty');
            this.#list.replaceChildren(...entries.toReversed().map((entry) => {
                const { title, detail } = entryWords(entry, this.#locale);
                return make('li', { class: 'row', 'data-level': LEVELS[entry.kind] ?? 'off' },
                    make('span', { class: 'dot' }),
                    make('div', { class: 'row-text' }, make('span', {}, title),
                        detail && make('span', { class: 'quiet' }, detail),
                        make('time', { class: 'quiet' }, formatTime(entry.when, this.#locale.language))));
            }));
        } catch (error) {
            this.#status.textContent = wordsOf(error, this.#locale);
        }
    }
}
