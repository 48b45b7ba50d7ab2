/**
 * When the screen may be drawn on.
 *
 *     resting ──something waits──► drawn at once ──► an animation frame is awaited
 *        ▲                                                │
 *        └── nothing waits ◄── it comes: draw all that waits ──something did──► await the next
 *
 * What comes to a screen at rest is drawn at once; what comes faster than the browser shows it
 * waits for the next frame, and is drawn together: it would not be seen earlier.
 *
 * A frame is only asked for after drawing, when there will be one anyway. A page that asks for
 * every frame is slower to answer keys: after one, Chromium puts off what the network brings
 * until the next frame, if one is wanted (DeferRendererTasksAfterInput).
 */

/**
 * Without frames for so long, we go on: covered windows and frames out of sight get none, and
 * are not always said to be hidden. Beyond the slowest page that still shows frames.
 */
export const OVERDUE_MS = 250;

/**
 * @typedef {object} Page
 * @property {() => boolean} hidden nobody sees it, and it gets no frames
 * @property {(task: () => void) => () => void} nextFrame gives the way to cancel
 * @property {(delay: number, task: () => void) => () => void} after likewise
 */

/** @type {Page} */
export const REAL_PAGE = {
    hidden: () => document.hidden,
    nextFrame(task) {
        const frame = requestAnimationFrame(task);
        return () => cancelAnimationFrame(frame);
    },
    after(delay, task) {
        const timer = setTimeout(task, delay);
        return () => clearTimeout(timer);
    },
};

export class Frames {
    #draw;
    #page;
    /** @type {(() => void) | null} ends waiting for the frame that is awaited */
    #cancel = null;

    /**
     * @param {() => boolean} draw all that waits; tells whether anything did
     * @param {Page} page
     */
    constructor(draw, page) {
        this.#draw = draw;
        this.#page = page;
    }

    /** Something waits to be drawn. */
    wanted() {
        if (this.#cancel === null) {
            this.#drawNow();
        } else if (this.#page.hidden()) {
            this.#cancel();
            this.#drawNow();
        }
    }

    #drawNow() {
        if (this.#draw() && this.#cancel === null && !this.#page.hidden()) {
            this.#await();
        }
    }

    #await() {
        const go = () => {
            this.#cancel?.();
            this.#drawNow();
        };
        const cancels = [this.#page.nextFrame(go), this.#page.after(OVERDUE_MS, go)];
        this.#cancel = () => {
            this.#cancel = null;
            cancels.forEach((cancel) => cancel());
        };
    }
}
