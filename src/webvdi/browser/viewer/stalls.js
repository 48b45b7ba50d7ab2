/** Notices when what everything else waits for does not come. */

/** @import { Page } from './frames.js' */

/** No picture takes a device so long to decode. */
export const STALLED_MS = 10000;

/** Only while the page is seen: a hidden one may be as slow as it likes. */
export class Stalls {
    #stalled;
    #page;
    /** @type {object | null} */
    #awaited = null;
    #cancel = () => {};

    /**
     * @param {() => void} stalled
     * @param {Page} page
     */
    constructor(stalled, page) {
        this.#stalled = stalled;
        this.#page = page;
    }

    /** This is what everything waits for now. @param {object | null} awaited null: nothing */
    await(awaited) {
        if (awaited !== this.#awaited) {
            this.#awaited = awaited;
            this.look();
        }
    }

    /** The page is seen, or no longer: the time counts anew. */
    look() {
        this.#cancel();
        this.#cancel = () => {};
        if (this.#awaited && !this.#page.hidden()) {
            this.#cancel = this.#page.after(STALLED_MS, () => {
                if (!this.#page.hidden()) {
                    this.#awaited = null;
                    this.#stalled();
                }
            });
        }
    }
}
