/** The connection in figures: a small panel over the picture, for whoever wants to know. */

import { element } from './page_elements.js';

/** @import { Summary } from '../viewer/stats.js' */
/** @import { Locale } from './locale.js' */

/** @typedef {Summary & {lossyShare: number}} Figures as the viewer's *stats* event has them */
/** @typedef {{name: string, value: string}} Row */
/** @typedef {Row & {share: number}} CodecRow share: of the pixels that were drawn, 0 to 1 */

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
const time = (locale, milliseconds) => (milliseconds === null ? '–'
    : locale.text('readout_ms', { ms: number(locale, milliseconds, milliseconds < 10 ? 1 : 0) }));

/** Never rounded to none or all. @param {Locale} locale @param {number} share above 0, at most 1 */
const percent = (locale, share) => (share === 1 ? number(locale, 100)
    : number(locale, Math.min(99.9, Math.max(0.1, share * 100)), share < 0.01 || share > 0.99 ? 1 : 0));

/**
 * @param {Figures} figures
 * @param {Locale} locale
 * @returns {Row[]}
 */
export function rowsOf(figures, locale) {
    const { roundTrip, keyToPicture, framesPerSecond, bitsPerSecond, lossyShare } = figures;
    return [
        { name: 'readout_key', value: time(locale, keyToPicture) },
        { name: 'readout_round_trip', value: time(locale, roundTrip) },
        {
            name: 'readout_shown',
            value: locale.text('readout_frames', { count: number(locale, framesPerSecond) }),
        },
        { name: 'readout_data', value: rate(locale, bitsPerSecond) },
        {
            name: 'readout_picture',
            value: lossyShare === 0 ? locale.text('readout_exact')
                : locale.text('readout_partly', { percent: percent(locale, 1 - lossyShare) }),
        },
    ].map(({ name, value }) => ({ name: locale.text(name), value }));
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

/** @param {string} tag @param {string} words */
function worded(tag, words) {
    const made = document.createElement(tag);
    made.textContent = words;
    return made;
}

/** @param {Row} row */
function rowOf({ name, value }) {
    const row = document.createElement('div');
    row.append(worded('dt', name), worded('dd', value));
    return row;
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
     * @param {Figures} figures
     * @param {Locale} locale
     */
    show(figures, locale) {
        if (!this.open) {
            return;
        }
        element('readout-figures').replaceChildren(...rowsOf(figures, locale).map(rowOf));
        element('readout-codecs').replaceChildren(...codecRowsOf(figures, locale).map((codec) => {
            const row = rowOf(codec);
            row.style.setProperty('--share', String(codec.share));
            return row;
        }));
    }
}
