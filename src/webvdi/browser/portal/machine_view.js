/** What is shown of a machine, and what can be done with it. Pure. */

import { formatDuration, formatMemory, formatRelative, percentOf, phaseWords } from './format.js';

/** @import { Locale } from './locale.js' */
/** @import { MachineView, Me, Verb } from './types.js' */

/**
 * @typedef {Verb | 'open' | 'off' | 'discard' | 'restart' | 'share' | 'settings'} MachineAction
 *
 * @typedef {object} Face
 * @property {'good' | 'busy' | 'paused' | 'off' | 'bad'} level
 * @property {string} state in words
 * @property {string} detail in words, may be empty
 * @property {string} since in words, may be empty
 * @property {string} parts what it is made of
 * @property {string} viewers in words, empty where nobody watches
 * @property {boolean} openable whether there is a screen
 * @property {MachineAction | null} primary
 * @property {MachineAction[]} menu
 * @property {number | null | undefined} percent undefined: nothing is in progress; null: unknown
 */

/** Actions in the order of the menu; each with the verb that must fit. @type {[MachineAction, Verb][]} */
const MENU = [
    ['start', 'start'], ['resume', 'resume'], ['pause', 'pause'], ['save', 'save'],
    ['stop', 'stop'], ['restart', 'reset'], ['off', 'kill'],
];

/** @type {Record<string, Face['level']>} */
const LEVELS = {
    running: 'good', starting: 'busy', stopping: 'busy', paused: 'paused', saved: 'off',
    stopped: 'off', crashed: 'bad', creating: 'busy', deleting: 'busy', failed: 'bad',
};

/** Of a display its link is known, not its power. @type {Record<string, Face['level']>} */
const LINK_LEVELS = {
    live: 'good', connecting: 'busy', unreachable: 'bad', password: 'paused', unknown: 'off',
};

const WITH_SCREEN = ['running', 'paused', 'stopping', 'starting'];

/** The one word for how it is: its phase while it is not ready, else its power state. @param {MachineView} view */
export const conditionOf = (view) => (view.phase === 'ready' ? view.state : view.phase);

/** Whether somebody may start it now. @param {MachineView} view */
export const isOff = (view) => ['stopped', 'saved', 'crashed'].includes(conditionOf(view));

/** Power actions that fit now. @param {MachineView} view @returns {MachineAction[]} */
export function powerActions(view) {
    if (view.state === 'saved') { // to end it is to lose what was saved
        /** @type {[MachineAction, Verb][]} */
        const saved = [['start', 'start'], ['discard', 'kill']];
        return saved.filter(([, verb]) => view.can.includes(verb)).map(([action]) => action);
    }
    return MENU.filter(([action, verb]) => view.can.includes(verb)
        && !(action === 'stop' && view.state === 'stopping')).map(([action]) => action);
}

/** Whether settings of the hardware may change now. @param {MachineView} view */
export const isHardwareOpen = (view) => view.can.includes('set');

/**
 * @param {MachineView} view
 * @param {Me} me
 * @param {Locale} locale
 * @param {number} now unix seconds
 * @returns {Face}
 */
export function faceOf(view, me, locale, now) {
    const condition = conditionOf(view);
    const owner = me.role === 'owner';
    const openable = view.phase === 'ready' && WITH_SCREEN.includes(view.state);
    const power = owner ? powerActions(view) : [];
    const primary = openable ? 'open' : power.includes('start') ? 'start' : null;
    /** @type {MachineAction[]} */
    const rest = [];
    if (owner && view.phase === 'ready') {
        rest.push('share');
    }
    if (owner && view.kind === 'machine' && view.phase !== 'creating' && view.phase !== 'deleting') {
        rest.push('settings');
    }
    if (owner && view.can.includes('delete')) {
        rest.push('delete');
    }
    const link = view.link ?? 'unknown';
    const [level, state] = view.kind === 'display'
        ? [LINK_LEVELS[link], locale.textOr(`link.${link}`, link)]
        : [LEVELS[condition], locale.textOr(`power.${condition}`, condition)];
    return {
        level: level ?? 'busy',
        state,
        detail: detailOf(view, locale),
        since: sinceOf(view, locale.language, now),
        parts: partsOf(view, locale),
        viewers: view.viewers > 0 ? locale.count('watching', view.viewers) : '',
        openable,
        primary,
        menu: [...power.filter((action) => action !== primary), ...rest],
        percent: view.phase === 'creating' ? view.progress && percentOf(view.progress) : undefined,
    };
}

/** For how long it runs, or when it ended. @param {MachineView} view @param {string} language @param {number} now */
function sinceOf(view, language, now) {
    if (!view.since || view.kind !== 'machine') {
        return '';
    }
    if (['running', 'paused'].includes(conditionOf(view))) {
        return formatDuration(now - view.since, language);
    }
    return isOff(view) ? formatRelative(view.since, now, language) : '';
}

/** @param {MachineView} view @param {Locale} locale */
function detailOf(view, locale) {
    if (view.phase === 'creating' && view.progress) {
        return phaseWords(view.progress.phase, locale);
    }
    if (view.phase !== 'ready') {
        return view.detail;
    }
    // The server's own words say more, but speak English; a plain code can be said in any language.
    const code = view.exit_reason && `exit.${view.exit_reason}`;
    if (code && locale.has(code) && (locale.language !== 'en' || !view.detail)) {
        return isOff(view) ? locale.text(code) : view.detail;
    }
    return view.detail;
}

/** @param {MachineView} view @param {Locale} locale */
function partsOf(view, locale) {
    const parts = [];
    if (view.cpus) {
        parts.push(locale.count('cpus', view.cpus));
    }
    if (view.memory_mib) {
        parts.push(formatMemory(view.memory_mib, locale.language));
    }
    if (view.acceleration === 'tcg') {
        parts.push(locale.text('without_kvm'));
    }
    return parts.join(' · ');
}

/** Which machines a search means: every word somewhere. @param {MachineView[]} views @param {string} words */
export function matching(views, words) {
    const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return views.filter((view) => {
        const text = `${view.title} ${view.name} ${view.notes}`.toLocaleLowerCase();
        return wanted.every((word) => text.includes(word));
    });
}

/** By name, as people count: 2 before 10. @param {MachineView[]} views @param {string} language */
export function inOrder(views, language) {
    const { compare } = new Intl.Collator(language, { numeric: true });
    return [...views].sort((a, b) => compare(a.title || a.name, b.title || b.name));
}
