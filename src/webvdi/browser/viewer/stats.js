/** How well the picture comes through: counts over the last seconds, and since the start. */

import { Codec } from './protocol.js';

/** @import { Drawn } from './screen.js' */

const WINDOW_MS = 2000;
const ROUND_TRIPS = 5;

/** Codec names by number, for people. */
const CODEC_NAMES = Object.keys(Codec).map((name) => name.toLowerCase());

/**
 * @typedef {object} Summary
 * @property {number | null} roundTrip milliseconds, median of the last few pings
 * @property {number} bitsPerSecond received
 * @property {number} updatesPerSecond drawn
 * @property {number} decode milliseconds an update, mean
 * @property {Record<string, number>} codecs bytes of each codec in the window
 * @property {{bytes: number, updates: number, pieces: number}} total since the start
 */

export class Stats {
    /** @type {{time: number, bytes: number}[]} */
    #received = [];
    /** @type {{time: number, decode: number, codecs: [number, number][]}[]} */
    #drawn = [];
    /** @type {number[]} */
    #roundTrips = [];
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

    /** @param {Drawn} drawn */
    drawn({ update, decode }) {
        this.#drawn.push({
            time: this.#now(),
            decode,
            codecs: update.pieces.map(({ codec, payload }) => [codec, payload.length]),
        });
        this.#total.updates += 1;
        this.#total.pieces += update.pieces.length;
        this.#prune();
    }

    /** @param {number} milliseconds */
    roundTrip(milliseconds) {
        this.#roundTrips = [...this.#roundTrips, milliseconds].slice(-ROUND_TRIPS);
    }

    /** A new connection: old round trips say nothing about it. */
    reset() {
        this.#roundTrips = [];
    }

    /** @returns {Summary} */
    summary() {
        this.#prune();
        const bytes = this.#received.reduce((sum, entry) => sum + entry.bytes, 0);
        const decode = this.#drawn.reduce((sum, entry) => sum + entry.decode, 0);
        /** @type {Record<string, number>} */
        const codecs = {};
        for (const [codec, size] of this.#drawn.flatMap((entry) => entry.codecs)) {
            const name = CODEC_NAMES[codec] ?? String(codec);
            codecs[name] = (codecs[name] ?? 0) + size;
        }
        const sorted = [...this.#roundTrips].sort((a, b) => a - b);
        return {
            roundTrip: sorted[Math.floor(sorted.length / 2)] ?? null,
            bitsPerSecond: bytes * 8 * 1000 / WINDOW_MS,
            updatesPerSecond: this.#drawn.length * 1000 / WINDOW_MS,
            decode: this.#drawn.length ? decode / this.#drawn.length : 0,
            codecs,
            total: { ...this.#total },
        };
    }

    #prune() {
        const oldest = this.#now() - WINDOW_MS;
        for (const list of [this.#received, this.#drawn]) {
            const first = list.findIndex(({ time }) => time > oldest);
            list.splice(0, first === -1 ? list.length : first);
        }
    }
}
