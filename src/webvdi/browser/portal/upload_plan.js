/**
 * What an upload does next: pieces from where the server says, whatever happens between. Pure.
 *
 *     find ──known upload──► ask ──► send ──last piece──► done
 *      │                      ▲       │
 *      └──none, or gone──► begin      ├──lost, refused for now──► wait ──► ask
 *                                     ├──until somebody does something──► paused
 *                                     └──refused for good──► failed
 *     any but done and failed ──pause──► paused ──resume──► ask, or begin
 *
 * The server's offset is the truth: after every doubt it is asked for, and never computed here.
 */

/** @import { UploadView } from './types.js' */

// Delay before each attempt after a failure; the last one goes on.
export const UPLOAD_BACK_OFF_MS = Object.freeze([500, 1000, 2000, 5000, 10000, 30000]);
export const FIRST_PIECE_BYTES = 1 << 20;
export const MIN_PIECE_BYTES = 256 << 10;
/** The most that the server takes in one request. */
export const MAX_PIECE_BYTES = 16 << 20;
/** Pieces grow or shrink to take about so long: progress moves, and little is sent twice. */
export const PIECE_TAKES_MS = 1000;
/** Weight of the newest piece in the rate that is shown. */
const NEWEST = 0.3;
/** Answers after which the same may succeed later. */
const FOR_NOW = [0, 408, 425, 429, 500, 502, 503, 504];
/** Refusals that a person can end: by signing in, by making room. */
const HELD = ['not_logged_in', 'capacity_exceeded'];
/** Answers after which there is nothing at the server to go on with. */
const GONE = [404, 410, 422];
/** Refusals that asking for the offset mends: it was another, or an earlier request still writes. */
const OUT_OF_STEP = ['upload_offset', 'conflict'];

/**
 * @typedef {{do: 'begin'} | {do: 'ask', id: string} | {do: 'wait', ms: number} | {do: 'nothing'}
 *     | {do: 'send', id: string, from: number, to: number}} Step
 * @typedef {'begin' | 'ask' | 'send' | 'wait' | 'paused' | 'done' | 'failed'} UploadPhase
 */

export class UploadPlan {
    /** @type {UploadPhase} */
    phase;
    offset = 0;
    /** @type {string | null} */
    image = null;
    /** Bytes a second; null until a piece was sent. @type {number | null} */
    rate = null;
    /** Failures since the last piece that arrived. */
    failures = 0;
    /** Why it failed or stands still, in the server's words. */
    detail = '';
    /** And as the reason of the refusal; '' for none. */
    reason = '';
    #gone = false;
    #piece = FIRST_PIECE_BYTES;
    #begunAnew = false;

    /**
     * @param {number} size of the file in bytes
     * @param {string | null} id of an upload of the same file that was begun before
     */
    constructor(size, id = null) {
        this.size = size;
        this.id = id;
        this.phase = id ? 'ask' : 'begin';
    }

    get over() {
        return this.phase === 'done' || this.phase === 'failed';
    }

    /** Whether it goes on by itself, so that leaving the page would cut it off. */
    get going() {
        return !this.over && this.phase !== 'paused';
    }

    /** Whether the server has nothing of it that could be gone on with. */
    get gone() {
        return this.phase === 'done' || (this.phase === 'failed' && this.#gone);
    }

    /** Seconds that are left at the present rate; null while nobody knows. */
    get secondsLeft() {
        return this.rate ? (this.size - this.offset) / this.rate : null;
    }

    /** @returns {Step} */
    next() {
        const { phase, id } = this;
        if (phase === 'begin') {
            return { do: 'begin' };
        }
        if (id && phase === 'ask') {
            return { do: 'ask', id };
        }
        if (id && phase === 'send') {
            return { do: 'send', id, from: this.offset, to: Math.min(this.size, this.offset + this.#piece) };
        }
        if (phase === 'wait') {
            const last = UPLOAD_BACK_OFF_MS.length - 1;
            return { do: 'wait', ms: UPLOAD_BACK_OFF_MS[Math.min(this.failures - 1, last)] ?? 0 };
        }
        return { do: 'nothing' };
    }

    /** The server says where the upload is: an answer to begin and ask. @param {UploadView} upload */
    told(upload) {
        if (upload.size_bytes !== this.size) { // remembered wrongly: another file of that name
            this.#beginAnew('');
            return;
        }
        this.id = upload.id;
        this.#at(upload);
    }

    /** A piece arrived. @param {UploadView} upload @param {number} tookMs */
    sent(upload, tookMs) {
        const bytes = upload.offset - this.offset;
        const rate = bytes / Math.max(1, tookMs) * 1000;
        this.rate = this.rate === null ? rate : this.rate * (1 - NEWEST) + rate * NEWEST;
        this.#piece = Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, Math.min(
            this.#piece * 2, Math.round(rate * PIECE_TAKES_MS / 1000))));
        this.failures = 0;
        this.#at(upload);
    }

    /**
     * A request failed.
     * @param {{status: number, reason: string, detail: string}} refusal status 0: no answer came
     */
    failed({ status, reason, detail }) {
        if (this.phase === 'paused' || this.over) {
            return; // the request was taken back
        }
        this.#gone = GONE.includes(status);
        if (status === 404 || status === 410) {
            this.#beginAnew(detail);
        } else if (status === 401 || HELD.includes(reason)) {
            this.pause();
            [this.detail, this.reason] = [detail, reason];
        } else if (FOR_NOW.includes(status) || OUT_OF_STEP.includes(reason)) {
            this.failures += 1;
            this.phase = 'wait';
        } else {
            this.phase = 'failed';
            [this.detail, this.reason] = [detail, reason];
        }
    }

    /** The wait is over, or need not go on. */
    wake() {
        if (this.phase === 'wait') {
            this.phase = this.id ? 'ask' : 'begin';
        }
    }

    pause() {
        if (!this.over) {
            this.phase = 'paused';
            this.rate = null;
            this.detail = this.reason = '';
        }
    }

    resume() {
        if (this.phase === 'paused') {
            this.failures = 0;
            this.phase = this.id ? 'ask' : 'begin';
        }
    }

    /** @param {UploadView} upload */
    #at({ offset, image }) {
        this.offset = offset;
        if (this.phase === 'paused') {
            return;
        }
        if (image) {
            this.image = image;
            this.phase = 'done';
        } else if (offset < this.size) {
            this.phase = 'send';
        } else { // all is there, and being looked at
            this.failures += 1;
            this.phase = 'wait';
        }
    }

    /** The upload is gone: once, it is begun anew. @param {string} detail */
    #beginAnew(detail) {
        this.phase = this.#begunAnew ? 'failed' : 'begin';
        this.#begunAnew = true;
        this.#gone = true;
        this.detail = detail;
        this.id = null;
        this.offset = 0;
    }
}

/** @typedef {{id: string, expires: number}} Remembered */

export const MAX_REMEMBERED = 16;

/** By what a file is known again. @param {{name: string, size: number, lastModified: number}} file */
export const fileKey = ({ name, size, lastModified }) => `${size}:${lastModified}:${name}`;

/** The names of files whose uploads were begun and are not over. @param {string | null} stored @param {number} now unix seconds */
export const unfinishedIn = (stored, now) => Object.entries(rememberedIn(stored))
    .filter(([, { expires }]) => expires > now)
    .map(([key]) => ({ key, name: key.split(':').slice(2).join(':') }));

/**
 * The uploads to remember, as text, with *key* set or, where *upload* is null, forgotten. Pure.
 * @param {string | null} stored
 * @param {string} key
 * @param {Remembered | null} upload
 * @param {number} now unix seconds
 */
export function withRemembered(stored, key, upload, now) {
    const all = Object.entries(rememberedIn(stored))
        .filter(([each, { expires }]) => each !== key && expires > now);
    if (upload) {
        all.push([key, { id: upload.id, expires: upload.expires }]);
    }
    return JSON.stringify(Object.fromEntries(all.slice(-MAX_REMEMBERED)));
}

/** @param {string | null} stored @returns {Record<string, Remembered>} */
export function rememberedIn(stored) {
    try {
        const all = JSON.parse(stored ?? '{}');
        return Object.fromEntries(Object.entries(all).filter(
            ([, each]) => typeof each?.id === 'string' && typeof each?.expires === 'number'));
    } catch {
        return {};
    }
}
