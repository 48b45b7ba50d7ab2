/**
 * Fingers as a mouse: a tap clicks, a long press or a tap with two fingers clicks right, one
 * moving finger drags, two turn the wheel.
 */

import { MAX_NOTCHES } from '../protocol.js';

/** @import { Clock } from '../connect.js' */
/** @import { Mouse } from './pointer.js' */

const LEFT = 1;
const RIGHT = 4;
const LONG_PRESS_MS = 500;
// A finger is never quite still (CSS pixels).
const SLOP = 10;
const PIXELS_PER_NOTCH = 32;

/** @typedef {{x: number, y: number}} Place in CSS pixels of the window */

/**
 *     idle ─finger─► touching ─moved─► dragging
 *                       │ └─held─► held (right click done)
 *                    2nd finger ─► pair ─moved─► scrolling
 */
export class Gestures {
    /** @type {'idle' | 'touching' | 'dragging' | 'held' | 'pair' | 'scrolling'} */
    #state = 'idle';
    /** @type {Map<number, Place>} */
    #fingers = new Map();
    /** @type {Place} where the gesture began */
    #start = { x: 0, y: 0 };
    #cancelTimer = () => {};
    #mouse;
    #pixelAt;
    #clock;

    /**
     * @param {Mouse} mouse
     * @param {(x: number, y: number) => Place} pixelAt screen pixel under a point of the window
     * @param {Pick<Clock, 'after'>} clock
     */
    constructor(mouse, pixelAt, clock) {
        this.#mouse = mouse;
        this.#pixelAt = pixelAt;
        this.#clock = clock;
    }

    /** @param {number} id @param {Place} place */
    down(id, place) {
        this.#fingers.set(id, place);
        if (this.#state === 'idle') {
            this.#state = 'touching';
            this.#start = place;
            this.#cancelTimer = this.#clock.after(LONG_PRESS_MS, () => this.#longPress());
        } else if (this.#state === 'touching' && this.#fingers.size === 2) {
            this.#cancelTimer();
            this.#state = 'pair';
            this.#start = this.#centre();
        }
    }

    /** @param {number} id @param {Place} place */
    move(id, place) {
        if (!this.#fingers.has(id)) {
            return;
        }
        this.#fingers.set(id, place);
        const centre = this.#centre();
        const moved = Math.hypot(centre.x - this.#start.x, centre.y - this.#start.y) > SLOP;
        if (this.#state === 'touching' && moved) {
            this.#cancelTimer();
            this.#goTo(this.#start);
            this.#mouse.press(LEFT);
            this.#state = 'dragging';
        } else if (this.#state === 'pair' && moved) {
            this.#goTo(this.#start);
            this.#state = 'scrolling';
        }
        if (this.#state === 'dragging') {
            this.#goTo(place);
        } else if (this.#state === 'scrolling') {
            this.#scroll(centre);
        }
    }

    /** @param {number} id */
    up(id) {
        if (!this.#fingers.has(id)) {
            return;
        }
        this.#cancelTimer();
        if (this.#state === 'touching') {
            this.#click(LEFT);
        } else if (this.#state === 'pair') {
            this.#click(RIGHT);
        } else if (this.#state === 'dragging') {
            this.#mouse.press(0);
        }
        this.#fingers.delete(id);
        // What is left of a gesture does nothing until all fingers are up.
        this.#state = this.#fingers.size ? 'held' : 'idle';
    }

    /** The browser took the fingers away. */
    cancel() {
        this.#cancelTimer();
        this.#mouse.press(0);
        this.#fingers.clear();
        this.#state = 'idle';
    }

    #longPress() {
        this.#click(RIGHT);
        this.#state = 'held';
        globalThis.navigator?.vibrate?.(15);
    }

    /** @param {number} button */
    #click(button) {
        this.#goTo(this.#start);
        this.#mouse.press(button);
        this.#mouse.press(0);
    }

    /** @param {Place} place */
    #goTo({ x, y }) {
        const pixel = this.#pixelAt(x, y);
        this.#mouse.moveTo(pixel.x, pixel.y);
    }

    /** The picture follows the fingers. @param {Place} centre */
    #scroll(centre) {
        const dx = Math.trunc((this.#start.x - centre.x) / PIXELS_PER_NOTCH);
        const dy = Math.trunc((this.#start.y - centre.y) / PIXELS_PER_NOTCH);
        if (dx || dy) {
            this.#mouse.wheel({ dx: clampNotches(dx), dy: clampNotches(dy) });
            this.#start = {
                x: this.#start.x - dx * PIXELS_PER_NOTCH, y: this.#start.y - dy * PIXELS_PER_NOTCH,
            };
        }
    }

    /** @returns {Place} */
    #centre() {
        const places = [...this.#fingers.values()];
        const sum = places.reduce((a, b) => ({ x: a.x + b.x, y: a.y + b.y }), { x: 0, y: 0 });
        return { x: sum.x / places.length, y: sum.y / places.length };
    }
}

/** @param {number} notches */
const clampNotches = (notches) => Math.max(-MAX_NOTCHES, Math.min(MAX_NOTCHES, notches));

/**
 * Listens to fingers on the element.
 * @param {HTMLElement} element
 * @param {HTMLElement} canvas where a gesture must begin: beside the picture is no guest
 * @param {Gestures} gestures
 * @param {{enabled: () => boolean, used: (event: PointerEvent) => void}} hooks
 * @param {AbortSignal} signal
 */
export function listenToTouch(element, canvas, gestures, hooks, signal) {
    /** @param {(event: PointerEvent) => void} handle */
    const only = (handle) => (/** @type {PointerEvent} */ event) => {
        if (event.pointerType === 'touch' && hooks.enabled()) {
            hooks.used(event);
            handle(event);
        }
    };
    element.addEventListener('pointerdown', only((event) => {
        if (event.isPrimary && event.target !== canvas) {
            return;
        }
        gestures.down(event.pointerId, { x: event.clientX, y: event.clientY });
    }), { signal });
    element.addEventListener('pointermove', only((event) => (
        gestures.move(event.pointerId, { x: event.clientX, y: event.clientY }))), { signal });
    element.addEventListener('pointerup', only((event) => gestures.up(event.pointerId)), { signal });
    element.addEventListener('pointercancel', only(() => gestures.cancel()), { signal });
}
