/**
 * What a viewer remembers from one connection to the next: its way back in, the last update it
 * drew, and the inputs that the session has not yet confirmed. Pure; times are arguments.
 *
 * An input is handled once or not at all. After a resume the session says how far it got: what
 * is newer and younger than five seconds goes out again under new numbers, what is older is
 * dropped, for nobody wants to see yesterday's typing. After a fresh attach nothing is repeated,
 * because nobody can say what the old connection had done.
 */

import { Capability, Credential, VERSION } from './protocol.js';

/** @import { Attach, Input, NumberedInput, Welcome } from './wire_types.js' */

export const RESEND_WITHIN_MS = 5000;
// Bounds of what is kept for a resume; a person cannot type so much in five seconds.
export const MAX_KEPT = 512;
export const MAX_KEPT_CHARACTERS = 2 << 20;

/** @param {Input} input */
const weight = (input) => ('text' in input ? input.text.length : 0);

export class Session {
    #resumeKey = '';
    #lastUpdate = 0;
    #lastInput = 0;
    /** @type {{message: NumberedInput, time: number}[]} */
    #kept = [];
    #keptCharacters = 0;

    get canResume() {
        return this.#resumeKey !== '';
    }

    /** Inputs not yet confirmed. */
    get pending() {
        return this.#kept.length;
    }

    /**
     * The first message of a connection.
     * @param {string | null} ticket null: with the resume key
     * @param {{width: number, height: number}} space
     * @param {boolean} tiles it can keep tiles
     * @returns {Attach}
     */
    attach(ticket, space, tiles = true) {
        return {
            type: 'Attach',
            version: VERSION,
            kind: ticket === null ? Credential.RESUME_KEY : Credential.TICKET,
            credential: ticket ?? this.#resumeKey,
            last_update: ticket === null ? this.#lastUpdate : 0,
            capabilities: Capability.JPEG | Capability.PNG | (tiles ? Capability.TILES : 0),
            ...space,
        };
    }

    /**
     * The session let us in.
     * @param {Welcome} welcome
     * @param {number} now milliseconds
     * @returns {NumberedInput[]} what has to be sent again
     */
    welcomed(welcome, now) {
        this.#resumeKey = welcome.resume_key;
        const waiting = welcome.resumed ? this.#kept : [];
        const again = waiting.filter(({ message, time }) => (
            message.input > welcome.last_input && now - time < RESEND_WITHIN_MS));
        this.#clearKept();
        this.#lastInput = welcome.last_input;
        if (!welcome.resumed) {
            this.#lastUpdate = 0;
        }
        const resent = again.map(({ message, time }) => this.number(message, time));
        // The key-up of a key that was down when the line broke is lost: let go of everything.
        return resent.length ? [...resent, this.number({ type: 'ReleaseKeys' }, now)] : [];
    }

    /**
     * Numbers an input and keeps it until it is confirmed.
     * @param {Input} input
     * @param {number} now milliseconds
     * @returns {NumberedInput}
     */
    number(input, now) {
        this.#lastInput += 1;
        const message = { ...input, input: this.#lastInput };
        this.#kept.push({ message, time: now });
        this.#keptCharacters += weight(message);
        while (this.#kept.length > MAX_KEPT || this.#keptCharacters > MAX_KEPT_CHARACTERS) {
            this.#dropOldest();
        }
        return message;
    }

    /** @param {number} input this and all before it are handled */
    confirmed(input) {
        while (this.#kept[0] && this.#kept[0].message.input <= input) {
            this.#dropOldest();
        }
    }

    /** @param {number} update this and all before it are drawn */
    drawn(update) {
        this.#lastUpdate = update;
    }

    /** The next attach is a fresh one. */
    forget() {
        this.#resumeKey = '';
        this.#lastUpdate = 0;
        this.#clearKept();
    }

    #dropOldest() {
        const oldest = this.#kept.shift();
        this.#keptCharacters -= oldest ? weight(oldest.message) : 0;
    }

    #clearKept() {
        this.#kept = [];
        this.#keptCharacters = 0;
    }
}
