/**
 * Pointing at the screen without touching it: what somebody without control sends of the mouse.
 */

/** @import { Clock } from './connect.js' */
/** @import { Pointer } from './wire_types.js' */

export const EVERY_MS = 50;

/** Sends places, at most twenty a second, the last one always. */
export class Pointing {
    /** @type {{x: number, y: number} | null} */
    #waiting = null;
    #last = -Infinity;
    #cancel = () => {};
    #send;
    #clock;

    /**
     * @param {(pointer: Pointer) => void} send
     * @param {Clock} clock
     */
    constructor(send, clock) {
        this.#send = send;
        this.#clock = clock;
    }

    /** @param {number} x @param {number} y in screen pixels */
    moveTo(x, y) {
        const first = this.#waiting === null;
        this.#waiting = { x, y };
        const pause = this.#last + EVERY_MS - this.#clock.now();
        if (pause <= 0) {
            this.#flush();
        } else if (first) {
            this.#cancel = this.#clock.after(pause, () => this.#flush());
        }
    }

    /** Forgets what is still to be sent. */
    stop() {
        this.#cancel();
        this.#waiting = null;
    }

    #flush() {
        if (this.#waiting) {
            this.#cancel();
            const { x, y } = this.#waiting;
            this.#waiting = null;
            this.#last = this.#clock.now();
            this.#send({ type: 'Pointer', x, y, buttons: 0 });
        }
    }
}
