/** How well the picture comes through: counts over the last seconds, and since the start. */

import { areaOf, decodeRuns, decodeSheet } from './payloads.js';
import { Codec } from './protocol.js';

/** @import { Drawn } from './screen.js' */
/** @import { NumberedInput, Piece } from './wire_types.js' */

const WINDOW_MS = 2000;
const ROUND_TRIPS = 5;
/** Key presses whose answer is awaited, and latencies remembered. */
const MAX_PRESSES = 16;
/** A key that shows nothing for so long counts as this slow. */
const ANSWER_WITHIN_MS = 2000;

/** Keys that are noticed to be held down: more than anybody has fingers. */
const MAX_HELD = 32;

/** Keys that show nothing by themselves (keysymdef.h). @param {number} keysym */
const isModifier = (keysym) => (keysym >= 0xffe1 && keysym <= 0xffee) // Shift_L to Hyper_R
    || (keysym >= 0xfe01 && keysym <= 0xfe13) // ISO_Lock to ISO_Level5_Lock
    || [0xff7e, 0xff7f, 0xff14].includes(keysym); // Mode_switch, Num_Lock, Scroll_Lock

/** Codec names by number, for people. */
const CODEC_NAMES = Object.keys(Codec).map((name) => name.toLowerCase());

/**
 * @typedef {{name: string, bytes: number, pixels: number}} Share what a piece brought
 * @typedef {{input: number, time: number, handled: number | null}} Press of a key
 */

/**
 * @typedef {object} Summary
 * @property {number | null} roundTrip milliseconds, median of the last few pings
 * @property {number | null} keyToPicture milliseconds, median of the last few key presses: from
 *     the press to the drawing of the first update that came after the session had handled it, at
 *     most 2000; modifiers and repetitions do not count
 * @property {number} bitsPerSecond received
 * @property {number} updatesPerSecond drawn
 * @property {number} framesPerSecond of the page's frames, those that showed something new
 * @property {number} decode milliseconds an update, mean
 * @property {Record<string, number>} codecs bytes of each codec in the window; a sheet counts as
 *     what its picture is
 * @property {Record<string, number>} pixels likewise: what each codec drew
 * @property {{bytes: number, updates: number, pieces: number}} total since the start
 */

/** @param {number[]} values */
function median(values) {
    return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
}

/** @param {{width: number, height: number}[]} areas */
const sizeOf = (areas) => areas.reduce((total, { width, height }) => total + width * height, 0);

/**
 * What a piece is, costs and draws.
 * @param {Piece} piece that its decoder has accepted
 * @returns {Share}
 */
function shareOf({ codec, x, y, width, height, payload }) {
    const share = (/** @type {number} */ number, /** @type {number} */ pixels) => (
        { name: CODEC_NAMES[number] ?? String(number), bytes: payload.length, pixels });
    switch (codec) {
        case Codec.KEEP: return share(codec, 0);
        case Codec.CACHED: {
            // The piece is the box around its tiles: they end at its edges, as at the screen's.
            const box = { width: x + width, height: y + height };
            return share(codec, sizeOf(decodeRuns(payload).map((run) => areaOf(run, box))));
        }
        case Codec.SHEET: {
            const { picture, parts } = decodeSheet(payload);
            return share(picture, sizeOf(parts));
        }
        default: return share(codec, width * height);
    }
}

export class Stats {
    /** @type {{time: number, bytes: number}[]} */
    #received = [];
    /** @type {{time: number, decode: number, shares: Share[]}[]} */
    #drawn = [];
    /** @type {{time: number}[]} */
    #frames = [];
    /** @type {number[]} */
    #roundTrips = [];
    /** @type {Press[]} without an answer so far */
    #presses = [];
    /** @type {Set<number>} keysyms of keys that are down */
    #held = new Set();
    /** @type {number[]} */
    #latencies = [];
    #total = { bytes: 0, updates: 0, pieces: 0 };
    #now;

    /** @param {() => number} [now] milliseconds */
    constructor(now = () => performance.now()) {
        this.#now = now;
    }

    /** @param {number} bytes of one message */
    received(bytes) {
        this.#received.push({ time: this.#now(), bytes });
        this.#total.bytes += bytes;
        this.#prune();
    }

    /** An input goes out. @param {NumberedInput} message */
    input(message) {
        if (message.type === 'ReleaseKeys') {
            this.#held.clear();
        }
        if (message.type === 'Key' && this.#pressed(message)) {
            this.#overdue();
            const press = { input: message.input, time: this.#now(), handled: null };
            this.#presses = [...this.#presses, press].slice(-MAX_PRESSES);
        }
    }

    /**
     * Whether a key went down that may show something, and was up before.
     * @param {{down: boolean, keysym: number}} key
     */
    #pressed({ down, keysym }) {
        const held = this.#held.delete(keysym);
        if (down && this.#held.size < MAX_HELD) {
            this.#held.add(keysym);
        }
        return down && !held && !isModifier(keysym);
    }

    /** @param {number} input this and all before it are handled */
    confirmed(input) {
        const now = this.#now();
        for (const press of this.#presses) {
            if (press.input <= input) {
                press.handled ??= now;
            }
        }
    }

    /** Updates were drawn, in one task. @param {Drawn[]} drawn */
    drawn(drawn) {
        const time = this.#now();
        for (const { update, decode } of drawn) {
            this.#drawn.push({ time, decode, shares: update.pieces.map(shareOf) });
            this.#total.updates += 1;
            this.#total.pieces += update.pieces.length;
        }
        const newest = drawn.at(-1);
        if (newest) {
            this.#answer(time, time - newest.cost);
        }
        this.#prune();
    }

    /** A frame of the page shows something new. */
    shown() {
        this.#frames.push({ time: this.#now() });
        this.#prune();
    }

    /** @param {number} milliseconds */
    roundTrip(milliseconds) {
        this.#roundTrips = [...this.#roundTrips, milliseconds].slice(-ROUND_TRIPS);
    }

    /** A new connection: old round trips say nothing about it. */
    reset() {
        this.#roundTrips = [];
        this.#presses = [];
        this.#held.clear();
        this.#latencies = [];
    }

    /** @returns {Summary} */
    summary() {
        this.#prune();
        this.#overdue();
        const bytes = this.#received.reduce((sum, entry) => sum + entry.bytes, 0);
        const decode = this.#drawn.reduce((sum, entry) => sum + entry.decode, 0);
        return {
            roundTrip: median(this.#roundTrips),
            keyToPicture: median(this.#latencies),
            bitsPerSecond: bytes * 8 * 1000 / WINDOW_MS,
            updatesPerSecond: this.#drawn.length * 1000 / WINDOW_MS,
            framesPerSecond: this.#frames.length * 1000 / WINDOW_MS,
            decode: this.#drawn.length ? decode / this.#drawn.length : 0,
            ...this.#shares(),
            total: { ...this.#total },
        };
    }

    /**
     * What the session had handled when an update came is answered by it.
     * @param {number} now
     * @param {number} arrived
     */
    #answer(now, arrived) {
        this.#overdue();
        this.#settle(({ handled }) => handled !== null && handled <= arrived, now);
    }

    #overdue() {
        const now = this.#now();
        this.#settle(({ time }) => now - time >= ANSWER_WITHIN_MS, now);
    }

    /**
     * @param {(press: Press) => boolean} which
     * @param {number} now
     */
    #settle(which, now) {
        const latencies = this.#presses.filter(which)
            .map(({ time }) => Math.min(now - time, ANSWER_WITHIN_MS));
        this.#latencies = [...this.#latencies, ...latencies].slice(-MAX_PRESSES);
        this.#presses = this.#presses.filter((press) => !which(press));
    }

    #shares() {
        /** @type {Record<string, number>} */
        const codecs = {};
        /** @type {Record<string, number>} */
        const pixels = {};
        for (const share of this.#drawn.flatMap(({ shares }) => shares)) {
            codecs[share.name] = (codecs[share.name] ?? 0) + share.bytes;
            pixels[share.name] = (pixels[share.name] ?? 0) + share.pixels;
        }
        return { codecs, pixels };
    }

    #prune() {
        const oldest = this.#now() - WINDOW_MS;
        for (const list of [this.#received, this.#drawn, this.#frames]) {
            const first = list.findIndex(({ time }) => time > oldest);
            list.splice(0, first === -1 ? list.length : first);
        }
    }
}
