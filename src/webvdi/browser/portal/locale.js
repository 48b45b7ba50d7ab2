/** The page's texts in the reader's language. */

/** @import { FieldError } from './api.js' */

export const LANGUAGES = Object.freeze(['en', 'ja']);

/**
 * The language to use: the one asked for in the address, else the one chosen before, else the
 * first of the browser's that there is.
 * @param {string | null} asked
 * @param {string | null} stored
 * @param {readonly string[]} preferred
 */
export function chooseLanguage(asked, stored, preferred) {
    const wishes = [asked, stored, ...preferred].map((wish) => wish?.toLowerCase().split('-')[0]);
    return LANGUAGES.find((language) => language === wishes.find(
        (wish) => LANGUAGES.includes(wish ?? ''))) ?? 'en';
}

export class Locale {
    #texts;

    /**
     * @param {string} language
     * @param {Record<string, string>} texts
     */
    constructor(language, texts) {
        this.language = language;
        this.#texts = texts;
    }

    /** @param {string} key */
    has(key) {
        return Object.hasOwn(this.#texts, key);
    }

    /**
     * @param {string} key
     * @param {Record<string, string>} [values] for the {places} in the text
     */
    text(key, values = {}) {
        const text = this.#texts[key] ?? key;
        return text.replaceAll(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
    }

    /**
     * A text that depends on a number, in {count}: `key.one`, `key.other` (Unicode CLDR).
     * @param {string} key
     * @param {number} count
     * @param {Record<string, string>} [values]
     */
    count(key, count, values = {}) {
        const rule = new Intl.PluralRules(this.language).select(count);
        return this.text(`${key}.${rule === 'one' ? 'one' : 'other'}`,
            { count: new Intl.NumberFormat(this.language).format(count), ...values });
    }

    /** The text of a code that the server may know before we do. @param {string} key @param {string} otherwise */
    textOr(key, otherwise) {
        return this.has(key) ? this.text(key) : otherwise;
    }

    /**
     * What the server says, in English and perhaps with numbers, and what we call it: its own
     * words for readers of English, ours for all others, as far as there are such.
     * @param {string} key
     * @param {string} words
     */
    said(key, words) {
        return this.has(key) && (this.language !== 'en' || words === '') ? this.text(key) : words;
    }

    /**
     * Why the server refused something. Its words have the numbers and names, so they stay beside ours.
     * @param {string} reason
     * @param {string} words
     */
    refused(reason, words) {
        const known = this.said(`problem.${reason}`, words);
        return known === words || words === '' ? known : this.text('problem_words', { known, words });
    }

    /**
     * What is wrong with a field. The rule and its limits say all that the server's words do, other
     * than what was sent, and that is before the reader's eyes.
     * @param {string} reason
     * @param {FieldError} error
     */
    wrong(reason, { message, rule, limits }) {
        const closer = 'min' in limits ? '.range' : 'above' in limits ? '.above' : '';
        const key = this.has(`wrong.${rule}${closer}`) ? `wrong.${rule}${closer}` : `wrong.${rule}`;
        if (this.language === 'en' || !this.has(key)) {
            return this.refused(reason, message);
        }
        const { format } = new Intl.NumberFormat(this.language);
        return this.text(key, Object.fromEntries(Object.entries(limits).map(([name, limit]) => (
            [name, typeof limit === 'number' ? format(limit) : [limit].flat().join(', ')]))));
    }

    /** Puts the texts where `data-text` and its like ask for them. @param {Document} page */
    apply(page) {
        page.documentElement.lang = this.language;
        for (const element of page.querySelectorAll('[data-placeholder]')) {
            const key = element.getAttribute('data-placeholder') ?? '';
            element.setAttribute('placeholder', this.text(key));
        }
        for (const element of page.querySelectorAll('[data-text]')) {
            element.textContent = this.text(element.getAttribute('data-text') ?? '');
        }
        for (const element of page.querySelectorAll('[data-label]')) {
            label(element, this.text(element.getAttribute('data-label') ?? ''));
        }
    }
}

/**
 * Names an element for screen readers, and a button for the mouse too.
 * @param {Element} element
 * @param {string} text
 */
export function label(element, text) {
    element.setAttribute('aria-label', text);
    if (element instanceof HTMLButtonElement) {
        element.title = text;
    }
}

/** @param {string} language */
export async function loadLocale(language) {
    const answer = await fetch(new URL(`../locale/${language}.json`, import.meta.url));
    return new Locale(language, await answer.json());
}
