/** Sizes, times and durations as people of a language write them. Pure. */

/** @import { Locale } from './locale.js' */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const STEPS = /** @type {const} */ ([
    ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]);

/** @param {number} bytes @param {string} language */
export function formatBytes(bytes, language) {
    let value = Math.max(0, bytes);
    let unit = 0;
    while (value >= 1000 && unit < UNITS.length - 1) {
        value /= 1024;
        unit += 1;
    }
    const digits = unit > 0 && value < 10 ? 1 : 0;
    return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}

/** @param {number} mib @param {string} language */
export const formatMemory = (mib, language) => formatBytes(mib * 2 ** 20, language);

/** The unit that suits so many seconds, and how many of it. @param {number} seconds */
function scaled(seconds) {
    const step = STEPS.find(([, length]) => seconds >= length) ?? STEPS[3];
    return { unit: step[0], count: Math.round(seconds / step[1]) };
}

/** "3 minutes", "2 hours". @param {number} seconds @param {string} language */
export function formatDuration(seconds, language) {
    const { unit, count } = scaled(Math.max(0, seconds));
    return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
        .format(count);
}

/** "3 minutes ago", "in 2 hours"; nearer than a minute is now. @param {number} then @param {number} now @param {string} language */
export function formatRelative(then, now, language) {
    const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
    const away = Math.abs(then - now);
    if (away < 60) {
        return words.format(0, 'second');
    }
    const { unit, count } = scaled(away);
    return words.format(then < now ? -count : count, unit);
}

/** Date and time of a unix time. @param {number} unix @param {string} language */
export function formatTime(unix, language) {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
        .format(unix * 1000);
}

/** A share of the whole, 0 to 100; null where the whole is unknown. @param {{done: number, total: number}} progress */
export function percentOf({ done, total }) {
    return total > 0 ? Math.min(100, Math.max(0, Math.floor(100 * done / total))) : null;
}

/**
 * What is being done, in words: the server's phases are English, with numbers in them.
 * @param {string} phase
 * @param {Locale} locale
 */
export const phaseWords = (phase, locale) => locale.said(
    `phase.${phase.toLowerCase().match(/[a-z]+/g)?.join('_')}`, phase);
