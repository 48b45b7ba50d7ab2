/**
 * When the screen may be drawn on.
 *
 *     resting ──something waits──► drawn at once ──► an animation frame is awaited
 *        ▲                                            │ meanwhile: at once too, while it is cheap
 *        └── nothing waits ◄── it comes: draw all that waits ──something did──► await the next
 *
 * What comes is drawn at once, for whoever presses a key waits for it, and so does the session for
 * its acknowledgement. Only when that has taken a good part of a frame's time does the rest wait
 * for the frame, and is drawn together: the page could not show it earlier.
 *
 * A frame is only asked for around drawing, when there will be one anyway. A page that asks for
 * every frame is slower to answer keys: after one, Chromium puts off what the network brings
 * until the next frame, if one is wanted (DeferRendererTasksAfterInput).
 */

/** Drawing that a frame may hold up others with: a quarter of what there is at 60 a second. */
export const BUDGET_MS = 4;

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
    #now;
    /** @type {(() => void) | null} ends waiting for the frame that is awaited */
    #cancel = null;
    /** Milliseconds spent on drawing while it is. */
    #spent = 0;
    /** Something was put off until it comes. */
    #waits = false;
    /** Something was drawn that no frame has shown yet. */
    #drew = false;
    #shown;

    /**
     * @param {() => boolean} draw all that waits; tells whether anything did
     * @param {Page} page
     * @param {() => number} now milliseconds
     * @param {() => void} [shown] a frame shows what was drawn since the one before
     */
    constructor(draw, page, now, shown = () => {}) {
        this.#shown = shown;
        this.#draw = draw;
        this.#page = page;
        this.#now = now;
    }

    /** Something waits to be drawn. */
    wanted() {
        if (this.#page.hidden()) {
            this.#cancel?.();
            this.#draw();
        } else if (this.#cancel === null || this.#spent < BUDGET_MS) {
            this.#drawNow();
        } else {
            this.#waits = true;
        }
    }

    /** The page is hidden: no frame will come. */
    hidden() {
        const waits = this.#waits;
        this.#cancel?.();
        if (waits) {
            this.#draw();
        }
    }

    #drawNow() {
        const resting = this.#cancel === null;
        if (resting) {
            // Before drawing: so the page's other callbacks of that frame come after ours, and
            // see the newest picture.
            this.#await();
        }
        const began = this.#now();
        const drew = this.#draw();
        this.#spent += this.#now() - began;
        this.#drew ||= drew;
        if (resting && !drew) {
            this.#cancel?.();
        }
    }

    #await() {
        const go = () => {
            const waits = this.#waits;
            this.#cancel?.();
            if (waits) {
                this.#drawNow();
            }
        };
        const frame = () => {
            go();
            if (this.#drew) {
                this.#drew = false;
                this.#shown();
            }
        };
        const cancels = [this.#page.nextFrame(frame), this.#page.after(OVERDUE_MS, go)];
        this.#cancel = () => {
            this.#cancel = null;
            this.#spent = 0;
            this.#waits = false;
            cancels.forEach((cancel) => cancel());
        };
    }
}
