/** Labelled fields of forms. */

import { ApiError } from './api.js';
import { freshId, make } from './dom.js';

/** @import { Locale } from './locale.js' */

/**
 * A field with its label, a hint and a place for its error.
 * @template {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} T
 * @param {string} label
 * @param {T} control
 * @param {{hint?: string, unit?: string}} [more]
 */
export function field(label, control, { hint = '', unit = '' } = {}) {
    control.id ||= freshId('field');
    const [hintId, errorId] = [`${control.id}-hint`, `${control.id}-error`];
    control.setAttribute('aria-describedby', `${hintId} ${errorId}`);
    return make('div', { class: 'field' },
        make('label', { for: control.id }, label),
        unit ? make('div', { class: 'with-unit' }, control, make('span', { class: 'quiet' }, unit))
            : control,
        make('p', { class: 'quiet', id: hintId }, hint),
        make('p', { class: 'field-error', id: errorId, role: 'alert' }));
}

/** @param {string} name @param {Record<string, unknown>} [properties] */
export const textInput = (name, properties = {}) => make('input', {
    name, type: 'text', autocomplete: 'off', spellcheck: false, ...properties,
});

/**
 * A whole number or nothing.
 * @param {string} name
 * @param {{value?: number | null, min: number, max: number, step?: number, placeholder?: string}} range
 */
export function numberInput(name, { value = null, min, max, step = 1, placeholder = '' }) {
    return make('input', {
        name, type: 'number', inputMode: 'numeric', min: String(min), max: String(max),
        step: String(step), placeholder, value: value === null ? '' : String(value),
    });
}

/** As the server has it: a machine's name is also typed in shells. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * A machine's name as it was typed.
 * @param {HTMLInputElement} input
 * @param {Locale} locale
 * @throws {ApiError} where it is none, as from the server, in the reader's language
 */
export function nameIn(input, locale) {
    const name = input.value.trim();
    if (!NAME.test(name)) {
        const message = locale.text('name_wrong');
        throw new ApiError(422, { errors: [{ field: input.name, message }] });
    }
    return name;
}

/** What a number field says; null where it is empty. @param {HTMLInputElement} input */
export const numberIn = (input) => (input.value.trim() === '' ? null : Number(input.value));

/** @param {string} name @param {[string, string][]} options value and words @param {string} value */
export function selectInput(name, options, value) {
    const select = make('select', { name }, ...options.map(([each, words]) => (
        make('option', { value: each }, words))));
    select.value = value;
    return select;
}

/**
 * A check box with its words beside it, and a hint below.
 * @param {string} name
 * @param {string} words
 * @param {boolean} checked
 * @param {string} [hint]
 */
export function checkField(name, words, checked, hint = '') {
    const box = make('input', { name, type: 'checkbox', checked });
    return {
        box,
        element: make('div', { class: 'field check' }, make('label', {}, box, make('span', {}, words)),
            make('p', { class: 'quiet' }, hint), make('p', { class: 'field-error', role: 'alert' })),
    };
}

/**
 * One of a few, each with words below its name.
 * @param {string} name
 * @param {{value: string, words: string, hint?: string}[]} choices
 * @param {string} value
 */
export function choiceField(name, choices, value) {
    return make('div', { class: 'choices', role: 'radiogroup' }, ...choices.map((choice) => (
        make('label', { class: 'choice' },
            make('input', { type: 'radio', name, value: choice.value, checked: choice.value === value }),
            make('span', {}, make('strong', {}, choice.words),
                choice.hint ? make('span', { class: 'quiet' }, choice.hint) : null)))));
}

/** Which of the choices is taken; '' for none. @param {ParentNode} form @param {string} name */
export function chosenIn(form, name) {
    const radio = form.querySelector(`input[name="${name}"]:checked`);
    return radio instanceof HTMLInputElement ? radio.value : '';
}
