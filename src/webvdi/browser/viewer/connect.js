/**
 * Getting connected and staying so.
 *
 *     waiting ──timer, wake──► opening ──Welcome──► live
 *        ▲                        │                  │
 *        └── lost: back-off ──────┴──────────────────┘      any ──stop, final error──► ended
 *
 * People see four states: *connecting* until the first Welcome, *live*, *reconnecting* whenever
 * it is neither, and *ended*, which is for good: a person has to start anew.
 */

import { ProtocolError, ViewerError } from './errors.js';
import { log } from './log.js';
import { Reason, decodeToViewer, encodeFromViewer } from './protocol.js';

/** @import { FromViewer, Input, ToViewer, Welcome } from './wire_types.js' */
/** @import { ErrorCode } from './errors.js' */
/** @import { Session } from './session.js' */
/** @import { Stats } from './stats.js' */
/** @import { Transport } from './transports/websocket.js' */

// Delay before each attempt after a failure; the last one goes on. Each is stretched or shrunk
// by up to a quarter, so that a server that comes back is not met by everybody at once.
export const BACK_OFF_MS = Object.freeze([250, 500, 1000, 2000, 4000, 8000, 15000]);
// A connection that held so long was a good one: the next failure starts at the first delay.
export const GOOD_AFTER_MS = 10000;
export const OPEN_WITHIN_MS = 10000;
export const PING_EVERY_MS = 5000;
export const ANSWER_WITHIN_MS = 10000;

// Pings remembered for their round trip; a server that never answers them costs no more memory.
const MAX_UNANSWERED = 16;

/** @typedef {'connecting' | 'live' | 'reconnecting' | 'ended'} LinkState */
/** @typedef {'retry' | 'fresh' | 'at once' | 'end'} Sequel what follows on a farewell */

/** @type {Record<number, [ErrorCode, Sequel]>} */
const FAREWELLS = {
    [Reason.TICKET_INVALID]: ['ticket_invalid', 'fresh'],
    [Reason.RESUME_UNKNOWN]: ['link_lost', 'at once'],
    [Reason.PROTOCOL_ERROR]: ['protocol', 'fresh'],
    [Reason.SESSION_ENDED]: ['session_ended', 'end'],
    [Reason.TOO_MANY_VIEWERS]: ['too_many_viewers', 'end'],
    [Reason.SUPERSEDED]: ['superseded', 'end'],
    [Reason.REVOKED]: ['access_revoked', 'end'],
    [Reason.RESTARTING]: ['server_restarts', 'retry'],
};

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds
 * @property {(delay: number, task: () => void) => () => void} after gives the way to cancel
 * @property {() => number} random 0 to 1
 */

/** @type {Clock} */
export const REAL_CLOCK = {
    now: () => performance.now(),
    after(delay, task) {
        const timer = setTimeout(task, delay);
        return () => clearTimeout(timer);
    },
    random: Math.random,
};

/**
 * @typedef {object} Surroundings what a connection needs
 * @property {Session} session
 * @property {Stats} stats
 * @property {() => Transport} open
 * @property {() => Promise<string>} ticket a fresh one; a ViewerError that is final ends it all
 * @property {() => {width: number, height: number}} space for *Attach*
 * @property {() => boolean} [keepsTiles] likewise: whether there is a place to keep tiles in
 * @property {(message: ToViewer) => void} onmessage all that is not the connection's own affair
 * @property {(state: LinkState, error: ViewerError | null) => void} onstate
 * @property {Clock} [clock]
 */

/**
 * @param {unknown} error
 * @param {ErrorCode} code if it has none of its own
 */
function viewerError(error, code) {
    return error instanceof ViewerError ? error
        : new ViewerError(code, { detail: String(error), cause: error });
}

export class Connection {
    /** @type {'new' | 'waiting' | 'opening' | 'live' | 'ended'} */
    #phase = 'new';
    #wasLive = false;
    #visible = true;
    #failures = 0;
    #liveSince = 0;
    #lastHeard = 0;
    #token = 0;
    /** @type {Map<number, number>} when each unanswered ping was sent */
    #pings = new Map();
    /** Distinguishes attempts: an answer to an older one is too late. */
    #attemptNumber = 0;
    /** @type {Transport | null} */
    #transport = null;
    /** @type {() => void} the one timer that is running, whatever for */
    #cancelTimer = () => {};
    #its;
    #clock;

    /** @param {Surroundings} surroundings */
    constructor(surroundings) {
        this.#its = surroundings;
        this.#clock = surroundings.clock ?? REAL_CLOCK;
    }

    /** @returns {LinkState} */
    get state() {
        switch (this.#phase) {
            case 'live': return 'live';
            case 'ended': return 'ended';
            default: return this.#wasLive ? 'reconnecting' : 'connecting';
        }
    }

    start() {
        if (this.#phase === 'new') {
            this.#attempt(null);
        }
    }

    /** Ends it for good. @param {ViewerError | null} [error] */
    stop(error = null) {
        if (this.#phase !== 'ended') {
            this.#dropTransport();
            this.#enter('ended', error);
        }
    }

    /** The page can be seen again, or the network is back: look at once. */
    wake() {
        if (this.#phase === 'waiting') {
            this.#attempt(null);
        } else if (this.#phase === 'live') {
            this.#ping();
        }
    }

    /** @param {boolean} visible */
    setVisible(visible) {
        this.#visible = visible;
        this.send({ type: 'Visibility', visible });
        if (visible) {
            this.wake();
        } else if (this.#phase === 'live') {
            this.#cancelTimer(); // hidden pages have slow timers: they would cry wolf
        }
    }

    /** Sends a message now, or not at all. @param {FromViewer} message */
    send(message) {
        if (this.#phase === 'live') {
            this.#transmit(message);
        }
    }

    /** Sends an input now, or shortly after a reconnect. @param {Input} input */
    input(input) {
        if (this.#wasLive && this.#phase !== 'ended') {
            const numbered = this.#its.session.number(input, this.#clock.now());
            this.#its.stats.input(numbered);
            this.send(numbered);
        }
    }

    /** Something beyond repair came over this connection; a fresh one may do. @param {Error} error */
    fail(error) {
        log.error('!', error);
        this.#its.session.forget();
        this.#lost(viewerError(error, 'protocol'));
    }

    /** @param {FromViewer} message */
    #transmit(message) {
        log.debug('>', message);
        this.#transport?.send(encodeFromViewer(message));
    }

    /** @param {ViewerError | null} error why the one before did not last */
    async #attempt(error) {
        const { session, ticket, open } = this.#its;
        this.#attemptNumber += 1;
        const number = this.#attemptNumber;
        this.#enter('opening', error);
        this.#timer(OPEN_WITHIN_MS, () => this.#lost(new ViewerError('timeout')));
        try {
            const credential = session.canResume ? null : await ticket();
            if (number === this.#attemptNumber && this.#phase === 'opening') {
                this.#listen(open(), credential);
            }
        } catch (failure) {
            if (number === this.#attemptNumber && this.#phase === 'opening') {
                this.#lost(viewerError(failure, 'ticket_failed'));
            }
        }
    }

    /**
     * @param {Transport} transport
     * @param {string | null} credential
     */
    #listen(transport, credential) {
        this.#transport = transport;
        transport.onopen = () => {
            const { session, space, keepsTiles } = this.#its;
            this.#transmit(session.attach(credential, space(), keepsTiles?.() ?? true));
        };
        transport.onmessage = (bytes) => this.#received(bytes);
        transport.onclose = (detail) => this.#lost(new ViewerError('link_lost', { detail }));
    }

    /** @param {Uint8Array<ArrayBuffer>} bytes */
    #received(bytes) {
        this.#lastHeard = this.#clock.now();
        this.#its.stats.received(bytes.length);
        try {
            const message = decodeToViewer(bytes);
            log.debug('<', message);
            this.#handle(message);
        } catch (error) {
            this.fail(error instanceof Error ? error : new ProtocolError(String(error)));
        }
    }

    /** @param {ToViewer} message */
    #handle(message) {
        switch (message.type) {
            case 'Welcome': this.#welcomed(message); break;
            case 'Ping': this.#transmit({ type: 'Pong', token: message.token }); break;
            case 'Pong': this.#answered(message.token); break;
            case 'InputAck':
                this.#its.session.confirmed(message.input);
                this.#its.stats.confirmed(message.input);
                break;
            case 'Farewell': this.#farewell(message.reason, message.message); break;
            default: this.#its.onmessage(message);
        }
    }

    /** @param {Welcome} message */
    #welcomed(message) {
        const again = this.#its.session.welcomed(message, this.#clock.now());
        this.#wasLive = true;
        this.#liveSince = this.#clock.now();
        this.#pings.clear();
        this.#its.stats.reset();
        this.#enter('live', null);
        this.#its.onmessage(message);
        again.forEach((input) => this.#transmit(input));
        if (this.#visible) {
            this.#ping();
        } else {
            this.send({ type: 'Visibility', visible: false });
        }
    }

    #ping() {
        const sent = this.#clock.now();
        this.#token = (this.#token + 1) % 0x100000000;
        if (this.#pings.size > MAX_UNANSWERED) {
            this.#pings.clear();
        }
        this.#pings.set(this.#token, sent);
        this.#transmit({ type: 'Ping', token: this.#token });
        this.#timer(PING_EVERY_MS, () => this.#awaitAnswer(sent));
    }

    /** @param {number} sent when the last ping went out */
    #awaitAnswer(sent) {
        if (this.#lastHeard >= sent) {
            this.#ping();
            return;
        }
        this.#timer(ANSWER_WITHIN_MS - PING_EVERY_MS, () => {
            // Anything counts as an answer: a pong may queue behind a large update.
            if (this.#lastHeard >= sent) {
                this.#ping();
            } else {
                this.#lost(new ViewerError('link_silent'));
            }
        });
    }

    /** @param {number} token */
    #answered(token) {
        const sent = this.#pings.get(token);
        if (sent !== undefined) {
            this.#its.stats.roundTrip(this.#clock.now() - sent);
            this.#pings.delete(token);
        }
    }

    /**
     * @param {number} reason
     * @param {string} detail
     */
    #farewell(reason, detail) {
        const [code, sequel] = /** @type {[ErrorCode, Sequel]} */ (FAREWELLS[reason]);
        const error = new ViewerError(code, { detail, final: sequel === 'end' });
        if (sequel !== 'retry') {
            this.#its.session.forget();
        }
        this.#lost(error, sequel === 'at once');
    }

    /**
     * @param {ViewerError} error
     * @param {boolean} [atOnce]
     */
    #lost(error, atOnce = false) {
        if (this.#phase !== 'opening' && this.#phase !== 'live') {
            return;
        }
        log.info('!', error.code, error.detail);
        const { now, random } = this.#clock;
        if (this.#phase === 'live' && now() - this.#liveSince >= GOOD_AFTER_MS) {
            this.#failures = 0;
        }
        this.#dropTransport();
        if (error.final) {
            this.#enter('ended', error);
            return;
        }
        const step = Math.min(this.#failures, BACK_OFF_MS.length - 1);
        const delay = /** @type {number} */ (BACK_OFF_MS[step]) * (0.75 + 0.5 * random());
        this.#failures += 1;
        this.#enter('waiting', error);
        this.#timer(atOnce ? 0 : delay, () => this.#attempt(error));
    }

    #dropTransport() {
        const transport = this.#transport;
        this.#transport = null;
        if (transport) {
            transport.onopen = transport.onmessage = transport.onclose = null;
            transport.close();
        }
    }

    /**
     * @param {number} delay
     * @param {() => void} task
     */
    #timer(delay, task) {
        this.#cancelTimer();
        this.#cancelTimer = this.#clock.after(delay, task);
    }

    /**
     * @param {'waiting' | 'opening' | 'live' | 'ended'} phase
     * @param {ViewerError | null} error
     */
    #enter(phase, error) {
        this.#cancelTimer();
        this.#phase = phase;
        log.info('=', phase, error?.code ?? '');
        this.#its.onstate(this.state, error);
    }
}
