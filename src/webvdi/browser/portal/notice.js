/**
 * What is said about the connection and the machine, and how loudly. Pure.
 *
 * Where there is a picture, it stays, and a small pill says what is going on; a card in the
 * middle comes only when there is nothing to see or something to be done.
 */

/** @import { ViewerError } from '../viewer/errors.js' */
/** @import { Change, MachineView } from './types.js' */

/**
 * @typedef {object} Situation
 * @property {string} link connecting, live, reconnecting or ended
 * @property {ViewerError | null} error why it is not live
 * @property {{state: string, detail: string}} machine as the session says
 * @property {Pick<MachineView, 'state' | 'phase' | 'detail' | 'can'>
 *     & Partial<Pick<MachineView, 'exit_reason'>> | null} info as the server says
 * @property {boolean} picture whether there is one
 * @property {boolean} starting a start was asked for
 * @property {boolean} dismissed the question for credentials was put aside
 * @property {boolean} owner who looks has other machines to go to
 * @property {boolean} gone it is no longer there: a machine was deleted, a display left the list
 * @property {boolean} display what is looked at is a display of somebody else's machine
 *
 * @typedef {'sign_in' | 'use_here' | 'try_again' | 'start' | 'connect' | 'back'} Action
 *
 * @typedef {object} Card
 * @property {string} title a key of the locale
 * @property {string} detail in words
 * @property {string} [detailKey] or as a key, where there is a text for it
 * @property {Action | null} action
 * @property {Action | null} [other] beside it
 * @property {boolean} progress
 *
 * @typedef {object} Notice
 * @property {Card | null} card
 * @property {string | null} pill a key of the locale
 * @property {boolean} dim
 * @property {'good' | 'busy' | 'bad'} level
 */

/** @type {Record<string, Action | null>} what helps, other than trying again; null: nothing here */
const ACTIONS = { login_required: 'sign_in', superseded: 'use_here', access_revoked: null };

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
    if (situation.gone) {
        return gone(situation);
    }
    if (link === 'ended') {
        return ended(situation);
    }
    return link === 'live' ? aboutMachine(situation, machine) : unconnected(situation);
}

/**
 * Whether what the server says now means that what somebody looks at is no longer there: a machine
 * was deleted, or a display left the list.
 * @param {object} found
 * @param {Change[] | null} found.changes the news
 * @param {number} found.status of the answer about the machine; 0 where it was not asked
 * @param {Pick<MachineView, 'id'> | null} found.view how it was last
 * @param {ViewerError | null} found.error
 * @param {boolean} found.visitor who looks came by a share link
 */
export function isGone({ changes, status, view, error, visitor }) {
    if (!view) {
        return false; // perhaps it never was
    }
    return Boolean(changes?.some(({ kind, id }) => kind === 'gone' && id === view.id))
        || status === 404
        // With a machine go the links to it: who came by one is a stranger now. The owner's login
        // may just have ended.
        || (visitor && status === 401 && error?.code === 'session_ended');
}

/** @param {Situation} situation @returns {Notice} */
function gone({ owner, picture, display }) {
    const title = display ? 'display_gone' : 'machine_deleted';
    return {
        card: { title, detail: '', action: owner ? 'back' : null, progress: false },
        pill: title,
        dim: picture,
        level: 'bad',
    };
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
            // The server's own words are for other endings; these are said in the reader's language.
            detail: code === 'access_revoked' ? '' : error?.detail ?? '',
            detailKey: detailKeyOf(error),
            action: code && code in ACTIONS ? ACTIONS[code] ?? null : 'try_again',
            other: code === 'session_ended' && situation.owner ? 'back' : null,
            progress: false,
        },
        pill: 'state_ended',
        dim: picture,
        level: 'bad',
    };
}

/** Our text for what the server says of an error. @param {ViewerError | null} error */
const detailKeyOf = (error) => (
    error?.reason ? `problem.${error.reason}` : error ? `error.${error.code}.detail` : undefined);

/** @param {Situation} situation @returns {Notice} */
function unconnected(situation) {
    const { link, error, info, picture } = situation;
    if (info && info.phase !== 'ready') {
        return unready(info, situation.owner);
    }
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
            detailKey: starting ? 'starting_detail' : detailKeyOf(error),
            action: null,
            progress: true,
        },
        pill: again ? 'state_reconnecting' : 'state_connecting',
        dim: picture,
        level: 'busy',
    };
}

/**
 * A machine on its way into or out of the world.
 * @param {Pick<MachineView, 'phase' | 'detail'>} info
 * @param {boolean} owner
 * @returns {Notice}
 */
function unready({ phase, detail }, owner) {
    const failed = phase === 'failed';
    return {
        card: {
            title: `power.${phase}`, detail, action: failed && owner ? 'back' : null, progress: !failed,
        },
        pill: `power.${phase}`, dim: false, level: failed ? 'bad' : 'busy',
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
            detailKey: starting ? 'starting_detail'
                : info?.exit_reason ? `exit.${info.exit_reason}` : undefined,
            action: info?.can.includes('start') && !starting ? 'start' : null,
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
