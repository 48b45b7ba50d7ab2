/**
 * What is said about the connection and the machine, and how loudly. Pure.
 *
 * Where there is a picture, it stays, and a small pill says what is going on; a card in the
 * middle comes only when there is nothing to see or something to be done.
 */

/** @import { ViewerError } from '../viewer/errors.js' */
/** @import { MachineInfo } from './api.js' */

/**
 * @typedef {object} Situation
 * @property {string} link connecting, live, reconnecting or ended
 * @property {ViewerError | null} error why it is not live
 * @property {{state: string, detail: string}} machine as the session says
 * @property {MachineInfo | null} info as the server says
 * @property {boolean} picture whether there is one
 * @property {boolean} starting a start was asked for
 * @property {boolean} dismissed the question for credentials was put aside
 *
 * @typedef {'sign_in' | 'use_here' | 'try_again' | 'start' | 'connect'} Action
 *
 * @typedef {object} Card
 * @property {string} title a key of the locale
 * @property {string} detail in words
 * @property {string} [detailKey] or as a key
 * @property {Action | null} action
 * @property {boolean} progress
 *
 * @typedef {object} Notice
 * @property {Card | null} card
 * @property {string | null} pill a key of the locale
 * @property {boolean} dim
 * @property {'good' | 'busy' | 'bad'} level
 */

/** @type {Record<string, Action>} what helps, other than trying again */
const ACTIONS = { login_required: 'sign_in', superseded: 'use_here' };

/** @type {Notice} */
const NOTHING = Object.freeze({ card: null, pill: null, dim: false, level: 'good' });

/** Machine states as the server and as the session name them. */
const isOff = (/** @type {string} */ state) => ['off', 'stopped', 'crashed', 'saved'].includes(state);

/**
 * @param {Situation} situation
 * @returns {Notice}
 */
export function noticeFor(situation) {
    const { link, machine } = situation;
    if (link === 'ended') {
        return ended(situation);
    }
    return link === 'live' ? aboutMachine(situation, machine) : unconnected(situation);
}

/** @param {Situation} situation @returns {Notice} */
function ended(situation) {
    const { error, info, picture } = situation;
    const code = error?.code;
    if (code === 'session_ended' && info && isOff(info.state)) {
        return off(situation, info.detail);
    }
    return {
        card: {
            title: code ? `error.${code}` : 'state_ended',
            detail: error?.detail ?? '',
            detailKey: `error.${code}.detail`,
            action: (code && ACTIONS[code]) || 'try_again',
            progress: false,
        },
        pill: 'state_ended',
        dim: picture,
        level: 'bad',
    };
}

/** @param {Situation} situation @returns {Notice} */
function unconnected(situation) {
    const { link, error, info, picture } = situation;
    const starting = situation.starting || info?.state === 'starting';
    if (info && isOff(info.state)) {
        return off(situation, info.detail);
    }
    const again = link === 'reconnecting';
    const title = starting ? 'machine_starting' : error ? `error.${error.code}` : `state_${link}`;
    return {
        card: again && picture ? null : {
            title,
            detail: error?.detail ?? '',
            detailKey: starting ? 'starting_detail' : undefined,
            action: null,
            progress: true,
        },
        pill: again ? 'state_reconnecting' : 'state_connecting',
        dim: picture,
        level: 'busy',
    };
}

/**
 * @param {Situation} situation
 * @param {string} detail
 * @returns {Notice}
 */
function off({ info, picture, starting }, detail) {
    return {
        card: {
            title: starting ? 'machine_starting' : 'machine_off',
            detail: starting ? '' : detail,
            detailKey: starting ? 'starting_detail' : undefined,
            action: info?.can_start && !starting ? 'start' : null,
            progress: starting,
        },
        pill: starting ? 'machine_starting' : 'machine_off',
        dim: picture,
        level: starting ? 'busy' : 'bad',
    };
}

/**
 * @param {Situation} situation
 * @param {{state: string, detail: string}} machine
 * @returns {Notice}
 */
function aboutMachine(situation, { state, detail }) {
    const { picture } = situation;
    switch (state) {
        case 'live':
            return picture ? NOTHING : waiting('machine_connecting', '', false);
        case 'off':
            return off(situation, detail);
        case 'failed':
            return {
                card: { title: 'machine_failed', detail, action: 'try_again', progress: false },
                pill: 'machine_failed', dim: picture, level: 'bad',
            };
        case 'credentials': // its detail is for programs
            return situation.dismissed ? {
                card: { title: 'machine_credentials', detail: '', action: 'connect', progress: false },
                pill: 'machine_credentials', dim: picture, level: 'busy',
            } : waiting('machine_credentials', '', picture);
        default:
            return waiting(`machine_${state}`, detail, picture);
    }
}

/**
 * @param {string} title
 * @param {string} detail
 * @param {boolean} picture
 * @returns {Notice}
 */
function waiting(title, detail, picture) {
    return {
        card: picture ? null : { title, detail, action: null, progress: true },
        pill: title, dim: picture, level: 'busy',
    };
}
