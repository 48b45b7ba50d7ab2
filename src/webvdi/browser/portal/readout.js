/** The connection in figures: a small panel over the picture, for whoever wants to know. */

import { element } from './page_elements.js';

/** @import { Summary } from '../viewer/stats.js' */
/** @import { Locale } from './locale.js' */

/** @typedef {Summary & {lossyShare: number | null}} Figures as the viewer's *stats* event has them */
/** @typedef {{name: string, value: string}} Row */
/** @typedef {Row & {share: number}} CodecRow share: of the pixels that were drawn, 0 to 1 */

/** Instead of a figure that there is none of. */
const UNKNOWN = '–';

/** Seconds that the figures are of. */
const WINDOW_S = 2;

/** @param {Locale} locale @param {number} value @param {number} [digits] */
const number = (locale, value, digits = 0) => (
    new Intl.NumberFormat(locale.language, { maximumFractionDigits: digits }).format(value));

/** @param {Locale} locale @param {number} bits a second */
function rate(locale, bits) {
    const mbit = bits / 1e6;
    return locale.text('readout_mbit', { mbit: number(locale, mbit, mbit < 1 ? 2 : mbit < 10 ? 1 : 0) });
}

/** @param {Locale} locale @param {number | null} milliseconds */
const time = (locale, milliseconds) => (milliseconds === null ? UNKNOWN
    : locale.text('readout_ms', { ms: number(locale, milliseconds, milliseconds < 10 ? 1 : 0) }));

/** Never rounded to none or all. @param {Locale} locale @param {number} share above 0, at most 1 */
const percent = (locale, share) => (share === 1 ? number(locale, 100)
    : number(locale, Math.min(99.9, Math.max(0.1, share * 100)), share < 0.01 || share > 0.99 ? 1 : 0));

/** @param {Locale} locale @param {number | null} lossyShare */
function exactness(locale, lossyShare) {
    switch (lossyShare) {
        case null: return UNKNOWN;
        case 0: return locale.text('readout_exact');
        case 1: return locale.text('readout_lossy');
        default: return locale.text('readout_partly', { percent: percent(locale, 1 - lossyShare) });
    }
}

/**
 * @param {Figures | null} figures null: there is no connection that they could be of
 * @param {Locale} locale
 * @returns {Row[]}
 */
export function rowsOf(figures, locale) {
    return [
        { name: 'readout_key', value: figures && time(locale, figures.keyToPicture) },
        { name: 'readout_round_trip', value: figures && time(locale, figures.roundTrip) },
        {
            name: 'readout_shown',
            value: figures && locale.text('readout_frames', {
                count: number(locale, figures.framesPerSecond),
            }),
        },
        { name: 'readout_data', value: figures && rate(locale, figures.bitsPerSecond) },
        { name: 'readout_picture', value: figures && exactness(locale, figures.lossyShare) },
    ].map(({ name, value }) => ({ name: locale.text(name), value: value ?? UNKNOWN }));
}

/**
 * Who drew what of the pixels lately, the largest part first.
 * @param {Figures} figures
 * @param {Locale} locale
 * @returns {CodecRow[]}
 */
export function codecRowsOf({ codecs, pixels }, locale) {
    const all = Object.values(pixels).reduce((sum, each) => sum + each, 0);
    return Object.entries(pixels)
        .filter(([, drawn]) => drawn > 0)
        .sort(([, a], [, b]) => b - a)
        .map(([codec, drawn]) => ({
            name: locale.text(`codec.${codec}`),
            share: drawn / all,
            value: locale.text('readout_codec', {
                percent: percent(locale, drawn / all),
                kb: number(locale, (codecs[codec] ?? 0) / 1000 / WINDOW_S, 1),
            }),
        }));
}

function emptyRow() {
    const row = document.createElement('div');
    row.append(document.createElement('dt'), document.createElement('dd'));
    return row;
}

/**
 * Rows stay, and only what has changed is written: whoever reads them is not thrown out.
 * @param {HTMLElement} list
 * @param {(Row | CodecRow)[]} rows
 */
export function fillRows(list, rows) {
    while (list.children.length > rows.length) {
        list.lastElementChild?.remove();
    }
    while (list.children.length < rows.length) {
        list.append(emptyRow());
    }
    rows.forEach((row, index) => {
        const place = /** @type {HTMLElement} */ (list.children[index]);
        [row.name, row.value].forEach((words, which) => {
            const cell = /** @type {Element} */ (place.children[which]);
            if (cell.textContent !== words) {
                cell.textContent = words;
            }
        });
        if ('share' in row) {
            place.style.setProperty('--share', String(row.share));
        }
    });
}

export class Readout {
    #place = element('readout');

    get open() {
        return !this.#place.hidden;
    }

    toggle() {
        this.#place.hidden = !this.#place.hidden;
    }

    /**
     * @param {Figures | null} figures null: there is no connection that they could be of
     * @param {Locale} locale
     */
    show(figures, locale) {
        if (!this.open) {
            return;
        }
        fillRows(element('readout-figures'), rowsOf(figures, locale));
        fillRows(element('readout-codecs'), figures ? codecRowsOf(figures, locale) : []);
    }
}
