/**
 * Hears of changes from the server, and keeps hearing of them.
 *
 *     idle ──start──► opening ──hello─► live
 *      ▲                 ▲                │
 *      └── hidden, stop  └─ back-off ◄────┴── lost (meanwhile: a poll now and then)
 *
 * What arrives are hints; the truth is what the caller then asks for. So a stream that was away
 * costs one question for everything, and nobody needs to remember where it stopped.
 */

import { REAL_CLOCK } from '../viewer/connect.js';

/** @import { Clock } from '../viewer/connect.js' */
/** @import { Change } from './types.js' */

// Delay before each attempt after a failure; the last one goes on. Each is stretched or shrunk
// by up to a quarter: see connect.js.
export const FEED_BACK_OFF_MS = Object.freeze([500, 1000, 2000, 5000, 10000, 30000]);
export const POLL_LOST_MS = 5000;
// Also while live: a stream whose other end is gone says nothing, like one where nothing happens.
export const POLL_LIVE_MS = 60000;
// Many hints come at once (a machine that starts): one question answers them all.
export const GATHER_MS = 200;

/** @typedef {Pick<EventSource, 'addEventListener' | 'close'>} Source */

export class LiveFeed {
    /** @type {Source | null} */
    #source = null;
    #failures = 0;
    #on = false;
    #cancelAttempt = () => {};
    #cancelPoll = () => {};
    #cancelGather = () => {};
    /** @type {Change[] | null} what came since the last question; null: ask for everything */
    #gathered = [];
    #gathering = false;
    #ask;
    #open;
    #clock;

    /**
     * @param {(changes: Change[] | null) => Promise<void>} look asks the server, null: for
     *     everything; where it fails, it is called again soon, for everything
     * @param {{open?: () => Source, clock?: Clock}} [surroundings]
     */
    constructor(look, { open = () => new EventSource('api/v1/events'), clock = REAL_CLOCK } = {}) {
        this.#ask = look;
        this.#open = open;
        this.#clock = clock;
    }

    /** Whether the stream is there. */
    live = false;

    /** Begins, with a question for everything at once; a repeat does no harm. */
    start() {
        if (!this.#on) {
            this.#on = true;
            this.#failures = 0;
            this.#gather(null);
            this.#attempt();
        }
    }

    /**
     * Ends until the next start. Hidden pages do so: browsers allow few connections to a host
     * (HTTP/1.1: six), and every page with a stream holds one.
     */
    stop() {
        this.#on = false;
        this.#cancelAttempt();
        this.#cancelPoll();
        this.#cancelGather();
        this.#gathering = false;
        this.#drop();
    }

    /** Something was done here: asks for everything at once, without waiting for the news of it. */
    refresh() {
        if (this.#on) {
            this.#gather(null);
        }
    }

    #drop() {
        this.live = false;
        this.#source?.close();
        this.#source = null;
    }

    #attempt() {
        const source = this.#source = this.#open();
        const mine = (/** @type {() => void} */ act) => () => source === this.#source && act();
        // Also after a reconnection that the browser made by itself: hints may have been missed.
        source.addEventListener('hello', mine(() => this.#opened()));
        source.addEventListener('error', mine(() => this.#lost()));
        source.addEventListener('change', (event) => {
            const change = parsed(/** @type {MessageEvent} */ (event).data);
            if (source === this.#source && change) {
                this.#gather(change);
            }
        });
        this.#pollIn(POLL_LOST_MS);
    }

    #opened() {
        this.live = true;
        this.#failures = 0;
        this.#gather(null);
        this.#pollIn(POLL_LIVE_MS);
    }

    #lost() {
        this.#drop();
        const last = FEED_BACK_OFF_MS.length - 1;
        const delay = /** @type {number} */ (FEED_BACK_OFF_MS[Math.min(this.#failures, last)]);
        this.#failures += 1;
        this.#cancelAttempt();
        this.#cancelAttempt = this.#clock.after(
            delay * (0.75 + this.#clock.random() / 2), () => this.#attempt());
    }

    /** @param {number} delay */
    #pollIn(delay) {
        this.#cancelPoll();
        this.#cancelPoll = this.#clock.after(delay, () => {
            this.#gather(null);
            this.#pollIn(this.live ? POLL_LIVE_MS : POLL_LOST_MS);
        });
    }

    /** @param {Change | null} change null: everything may have changed */
    #gather(change) {
        if (change && this.#gathered) {
            this.#gathered.push(change);
        } else {
            this.#gathered = null;
        }
        if (!this.#gathering) {
            this.#gathering = true;
            this.#cancelGather = this.#clock.after(change ? GATHER_MS : 0, () => {
                const changes = this.#gathered;
                this.#gathered = [];
                this.#gathering = false;
                this.#ask(changes).catch(() => {
                    if (this.#on) {
                        this.#pollIn(POLL_LOST_MS);
                    }
                });
            });
        }
    }
}

/** @param {string} data @returns {Change | null} */
function parsed(data) {
    try {
        const { kind, id } = JSON.parse(data);
        return { kind, id: String(id) };
    } catch {
        return null;
    }
}
