/** A dialog that exists while it is open: heading, content, error line, buttons. */

import { ApiError } from './api.js';
import { freshId, make } from './dom.js';
import { icon } from './page_elements.js';

/** @import { Locale } from './locale.js' */

export class Box {
    #dialog;
    #error;
    #foot = make('div', { class: 'box-foot actions' });
    #locale;
    /** How much of what was asked has no answer yet. */
    #waiting = 0;

    /**
     * @param {string} title
     * @param {Locale} locale
     * @param {{wide?: boolean, closed?: () => void}} [options]
     */
    constructor(title, locale, { wide = false, closed = () => {} } = {}) {
        const id = freshId('title');
        this.#locale = locale;
        this.body = make('div', { class: 'box-body' });
        this.#error = make('p', { class: 'warning box-error', role: 'alert' });
        const close = make('button', {
            type: 'button', class: 'plain', title: locale.text('close'),
            'aria-label': locale.text('close'), onclick: () => this.close(),
        }, icon('close'));
        this.form = make('form', { method: 'dialog', noValidate: true },
            make('header', { class: 'box-head' }, make('h2', { id }, title), close),
            this.body, this.#error, this.#foot);
        this.form.addEventListener('submit', (event) => event.preventDefault());
        this.#dialog = make('dialog', {
            class: `dialog box${wide ? ' wide' : ''}`, 'aria-labelledby': id,
        }, this.form);
        this.#dialog.addEventListener('close', () => {
            this.#dialog.remove();
            closed();
        });
    }

    get open() {
        return this.#dialog.open;
    }

    /** @param {...HTMLElement} buttons */
    foot(...buttons) {
        this.#foot.replaceChildren(...buttons);
        return this;
    }

    /**
     * The button that Enter presses too; while an answer is awaited, neither does anything.
     * @param {string} words
     * @param {() => Promise<void>} act
     * @param {string} [look]
     */
    submit(words, act, look = 'primary') {
        const button = make('button', { type: 'submit', class: look }, words);
        this.form.addEventListener('submit', () => {
            if (this.#waiting === 0 && !button.disabled) {
                this.attempt(act);
            }
        });
        return button;
    }

    show() {
        document.body.append(this.#dialog);
        this.#dialog.showModal();
        const first = this.body.querySelector('[autofocus], input:not([type=radio]), select, textarea');
        if (first instanceof HTMLElement && matchMedia('(any-pointer: fine)').matches) {
            first.focus();
        }
        return this;
    }

    close() {
        this.#dialog.close();
    }

    /** @param {string} words */
    fail(words) {
        this.#error.textContent = words;
    }

    /**
     * Does something that the server may refuse: the buttons wait, and a refusal stands at its
     * field, or at the foot.
     * @param {() => Promise<void>} act
     */
    async attempt(act) {
        this.fail('');
        clearFieldErrors(this.form);
        this.#wait(1);
        try {
            await act();
        } catch (error) {
            const words = wordsOf(error, this.#locale);
            const rest = error instanceof ApiError ? showFieldErrors(this.form, error, this.#locale) : [];
            const shown = this.form.querySelector('.field-error:not(:empty)');
            this.fail(shown ? rest.join(' ') : words);
            shown?.closest('.field')?.querySelector('input, select, textarea')
                ?.scrollIntoView({ block: 'nearest' });
        } finally {
            this.#wait(-1);
        }
    }

    /** @param {number} more of what is awaited */
    #wait(more) {
        this.#waiting += more;
        const waiting = this.#waiting > 0;
        for (const each of this.#foot.querySelectorAll('button')) {
            each.disabled = waiting;
        }
        this.form.setAttribute('aria-busy', String(waiting));
    }
}

/** What went wrong, for people. @param {unknown} error @param {Locale} locale */
export function wordsOf(error, locale) {
    if (error instanceof ApiError && error.away) {
        return locale.text('error.ticket_failed');
    }
    if (error instanceof ApiError && error.status === 401) {
        return locale.text('error.login_required');
    }
    if (error instanceof ApiError && error.reason) {
        return locale.refused(error.reason, error.message);
    }
    return error instanceof Error ? error.message : String(error);
}

/** @param {HTMLElement} form */
export function clearFieldErrors(form) {
    for (const each of form.querySelectorAll('.field-error')) {
        each.textContent = '';
    }
    for (const each of form.querySelectorAll('[aria-invalid]')) {
        each.removeAttribute('aria-invalid');
    }
}

/**
 * Puts errors at their fields; gives back those for which there is none.
 * @param {HTMLElement} form
 * @param {ApiError} refusal
 * @param {Locale} locale
 */
export function showFieldErrors(form, { fields, reason }, locale) {
    const rest = [];
    let first = null;
    for (const [name, told] of Object.entries(fields)) {
        const words = locale.wrong(reason, told);
        const field = form.querySelector(`[name="${CSS.escape(name)}"]`);
        const place = field?.closest('.field')?.querySelector('.field-error');
        if (field instanceof HTMLElement && place) {
            field.setAttribute('aria-invalid', 'true');
            place.textContent = words;
            first ??= field;
        } else {
            rest.push(words);
        }
    }
    first?.focus();
    return rest;
}
