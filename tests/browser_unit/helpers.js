/** What several tests need: a clock that is turned by hand, a transport without a network. */

import { readFileSync } from 'node:fs';

import {
    decodeFromViewer, encodeToViewer,
} from '../../src/webvdi/browser/viewer/protocol.js';

export const ROOT = new URL('../../', import.meta.url);
export const BROWSER = new URL('src/webvdi/browser/', ROOT);

export const readJson = (url) => JSON.parse(readFileSync(url, 'utf8'));

export const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
export const hexOf = (bytes) => Buffer.from(bytes).toString('hex');

/** Lets promises that are settled run their continuations. */
export const settled = () => new Promise((resolve) => {
    setImmediate(resolve);
});

export class FakeClock {
    constructor() {
        this.time = 0;
        this.timers = [];
        this.chance = 0.5; // the middle: delays as they stand in the table
        this.now = () => this.time;
        this.random = () => this.chance;
        this.after = (delay, task) => {
            const timer = { due: this.time + delay, task };
            this.timers.push(timer);
            return () => {
                this.timers = this.timers.filter((each) => each !== timer);
            };
        };
    }

    /** How long until something happens by itself, in milliseconds. */
    get next() {
        return Math.min(...this.timers.map(({ due }) => due)) - this.time;
    }

    advance(milliseconds) {
        const end = this.time + milliseconds;
        for (;;) {
            const [timer] = this.timers.filter(({ due }) => due <= end)
                .sort((a, b) => a.due - b.due);
            if (!timer) {
                break;
            }
            this.timers = this.timers.filter((each) => each !== timer);
            this.time = timer.due;
            timer.task();
        }
        this.time = end;
    }
}

export class FakeTransport {
    constructor() {
        this.sent = [];
        this.closed = false;
        this.bufferedAmount = 0;
        this.onopen = this.onmessage = this.onclose = null;
    }

    send(bytes) {
        this.sent.push(decodeFromViewer(bytes));
    }

    close() {
        this.closed = true;
    }

    /** The session says something. */
    say(message) {
        this.onmessage?.(encodeToViewer(message));
    }

    /** What was sent since the last call, without *Ping*. */
    take() {
        const sent = this.sent.filter(({ type }) => type !== 'Ping');
        this.sent = [];
        return sent;
    }
}

export const welcome = (values = {}) => ({
    type: 'Welcome', version: 3, viewer: 1, role: 3, resumed: false, last_input: 0,
    resume_key: 'key', name: 'demo', ...values,
});
