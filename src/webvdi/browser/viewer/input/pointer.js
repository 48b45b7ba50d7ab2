/**
 * The mouse: moves at most once a frame, buttons at once, everything in order.
 *
 * A guest without an absolute pointer gets motions instead; then the browser's pointer is locked
 * to the screen, for it would leave the guest's behind.
 */

import { MAX_NOTCHES } from '../protocol.js';

/** @import { Input } from '../wire_types.js' */

// One notch of a wheel, in the units in which browsers report it.
const PIXELS_PER_NOTCH = 100;
const LINES_PER_NOTCH = 3;
const NOTCHES_PER_PAGE = 8;
// A wheel event this large is whole notches by itself; smaller ones come from trackpads and add up.
const WHEEL_STEP = 0.5;
// A pause this long starts a new gesture.
const GESTURE_MS = 400;

/** PointerEvent.buttons (1 left, 2 right, 4 middle) to ours (1 left, 2 middle, 4 right). */
export const buttonsOf = (/** @type {number} */ buttons) => (
    (buttons & 0b11001) | (buttons & 2) << 1 | (buttons & 4) >> 1);

/** @param {number} value @param {number} limit */
const within = (value, limit) => Math.max(-limit, Math.min(limit, value)) || 0;

/** Turns wheel events into whole notches. */
export class Notches {
    #x = 0;
    #y = 0;
    #last = -Infinity;

    /**
     * @param {Pick<WheelEvent, 'deltaX' | 'deltaY' | 'deltaMode' | 'timeStamp'>} event
     * @returns {{dx: number, dy: number}}
     */
    add({ deltaX, deltaY, deltaMode, timeStamp }) {
        if (timeStamp - this.#last > GESTURE_MS) {
            this.#x = this.#y = 0;
        }
        this.#last = timeStamp;
        const unit = [1 / PIXELS_PER_NOTCH, 1 / LINES_PER_NOTCH, NOTCHES_PER_PAGE][deltaMode] ?? 0;
        const [dx, restX] = this.#whole(deltaX * unit, this.#x);
        const [dy, restY] = this.#whole(deltaY * unit, this.#y);
        this.#x = restX;
        this.#y = restY;
        return { dx, dy };
    }

    /**
     * @param {number} turn in notches
     * @param {number} rest left over from before
     * @returns {[number, number]} whole notches, and what is left over now
     */
    #whole(turn, rest) {
        if (Math.abs(turn) >= WHEEL_STEP) {
            return [within(Math.sign(turn) * Math.max(1, Math.round(Math.abs(turn))), MAX_NOTCHES), 0];
        }
        // Turning back starts anew: what was left over belonged to the other way.
        const sum = Math.sign(turn) * Math.sign(rest) < 0 ? turn : turn + rest;
        const notches = Math.trunc(sum) || 0; // never -0
        return [notches, sum - notches];
    }
}

/** What a mouse does, as messages; also driven by touch. Pure but for the frame that it asks for. */
export class Mouse {
    /** Position, not yet rounded to a message. */
    #x = 0;
    #y = 0;
    #dx = 0;
    #dy = 0;
    #buttons = 0;
    #moved = false;
    #frameAsked = false;
    #send;
    #nextFrame;

    /**
     * @param {(input: Input) => void} send
     * @param {(task: () => void) => void} nextFrame runs the task with the next frame
     */
    constructor(send, nextFrame) {
        this.#send = send;
        this.#nextFrame = nextFrame;
        /** Whether the guest has an absolute pointer. */
        this.absolute = true;
        /** Called with each new place. @type {(x: number, y: number) => void} */
        this.onmove = () => {};
    }

    get buttons() {
        return this.#buttons;
    }

    /** @param {number} x @param {number} y in screen pixels */
    moveTo(x, y) {
        if (x !== this.#x || y !== this.#y) {
            this.moveBy(x - this.#x, y - this.#y);
        }
    }

    /** @param {number} dx @param {number} dy in screen pixels */
    moveBy(dx, dy) {
        this.#x += dx;
        this.#y += dy;
        this.#dx += dx;
        this.#dy += dy;
        this.#moved = true;
        this.onmove(this.#x, this.#y);
        if (!this.#frameAsked) {
            // The first move goes out at once; what follows within the frame waits for the next.
            this.flush();
            this.#frameAsked = true;
            this.#nextFrame(() => {
                this.#frameAsked = false;
                this.flush();
            });
        }
    }

    /** @param {number} buttons mask of those that are down */
    press(buttons) {
        if (buttons !== this.#buttons) {
            this.flush();
            this.#buttons = buttons;
            this.#report();
        }
    }

    /** @param {{dx: number, dy: number}} notches */
    wheel({ dx, dy }) {
        if (dx || dy) {
            this.flush();
            const [x, y] = this.absolute ? [this.#x, this.#y] : [0, 0];
            this.#send({ type: 'Wheel', x, y, dx, dy });
        }
    }

    /** Sends a move that is waiting. */
    flush() {
        const far = this.absolute || Math.abs(this.#dx) >= 1 || Math.abs(this.#dy) >= 1;
        if (this.#moved && far) {
            this.#report();
        }
    }

    /** The session has released everything already. */
    clear() {
        this.#buttons = 0;
    }

    #report() {
        this.#moved = false;
        if (this.absolute) {
            this.#dx = this.#dy = 0;
            this.#send({ type: 'Pointer', x: this.#x, y: this.#y, buttons: this.#buttons });
            return;
        }
        const dx = within(Math.trunc(this.#dx), 0x7fff);
        const dy = within(Math.trunc(this.#dy), 0x7fff);
        this.#dx -= dx;
        this.#dy -= dy;
        this.#send({ type: 'Motion', dx, dy, buttons: this.#buttons });
    }
}

/** Listens to mice and pens on the element. */
export class Pointer {
    #notches = new Notches();
    #canvas;
    #layout;
    #mouse;

    /**
     * @param {HTMLElement} element
     * @param {HTMLCanvasElement} canvas
     * @param {import('../layout.js').Layout} layout
     * @param {Mouse} mouse
     * @param {{enabled: () => boolean, pointing: () => boolean,
     *     used: (event: PointerEvent) => void}} hooks
     * @param {AbortSignal} signal ends the listening
     */
    constructor(element, canvas, layout, mouse, hooks, signal) {
        this.#canvas = canvas;
        this.#layout = layout;
        this.#mouse = mouse;
        const options = { signal };
        for (const type of /** @type {const} */ (
            ['pointerdown', 'pointermove', 'pointerup', 'pointercancel'])) {
            element.addEventListener(type, (event) => {
                if (event.pointerType !== 'touch' && hooks.pointing()) {
                    hooks.used(event);
                    if (hooks.enabled()) {
                        this.#pointer(event);
                    } else if (layout.pixelAt(event.clientX, event.clientY).inside) {
                        this.#place(event);
                    }
                }
            }, options);
        }
        element.addEventListener('wheel', (event) => {
            if (hooks.enabled() && layout.pixelAt(event.clientX, event.clientY).inside) {
                event.preventDefault();
                this.#place(event);
                mouse.wheel(this.#notches.add(event));
            }
        }, { passive: false, signal });
        // A middle click would scroll, side buttons would leave the page, a right click would
        // open the browser's menu: all of these are the guest's.
        for (const type of ['contextmenu', 'mousedown', 'mouseup', 'auxclick', 'dragstart']) {
            canvas.addEventListener(type, (event) => event.preventDefault(), options);
        }
    }

    /** @param {PointerEvent} event */
    #pointer(event) {
        const { inside } = this.#layout.pixelAt(event.clientX, event.clientY);
        if (event.type === 'pointerdown') {
            if (!inside && !this.#locked) {
                return; // beside the screen
            }
            this.#capture(event);
        } else if (event.buttons && !this.#mouse.buttons && !this.#locked) {
            return; // a drag that began elsewhere
        }
        this.#place(event);
        this.#mouse.press(buttonsOf(event.type === 'pointercancel' ? 0 : event.buttons));
    }

    /** @param {PointerEvent} event */
    #capture(event) {
        if (this.#mouse.absolute) {
            // On the canvas, not the element: the captured pointer looks as its target says.
            this.#canvas.setPointerCapture(event.pointerId);
        } else if (!this.#locked) {
            // Refused where the browser does not allow it; then motions come from plain moves.
            Promise.resolve(this.#canvas.requestPointerLock()).catch(() => {});
        }
    }

    get #locked() {
        return document.pointerLockElement === this.#canvas;
    }

    /** @param {MouseEvent} event */
    #place(event) {
        if (this.#locked) {
            const { scale } = this.#layout;
            if (event.movementX || event.movementY) {
                this.#mouse.moveBy(event.movementX / scale, event.movementY / scale);
            }
        } else {
            const { x, y } = this.#layout.pixelAt(event.clientX, event.clientY);
            this.#mouse.moveTo(x, y);
        }
    }
}
