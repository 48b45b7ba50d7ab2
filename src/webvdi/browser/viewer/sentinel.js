/**
 * A pixel that tells whether a canvas still has what was drawn on it.
 *
 * Safari drops the pixels of all canvases while a page is not seen, and says so by no event. One
 * that nobody sees stands for the others, then. Reading a pixel back is dear, a round trip to the
 * GPU, so it is only done when the page is seen again.
 */

/** @import { Context } from './offscreen.js' */

const COLOUR = '#f0f';

/**
 * Whether a pixel is the sentinel's, give or take: some browsers change what pages read back a
 * little, against their being told apart by it.
 * @param {Iterable<number>} pixel R, G, B, A
 */
export const isSentinel = ([red = 0, green = 0, blue = 0]) => red > 223 && green < 32 && blue > 223;

export class Sentinel {
    #context;
    #x;
    #y;
    /** Some browsers change it a lot: then it tells nothing. */
    #tells;

    /**
     * @param {Context} context
     * @param {number} x where nothing else is drawn
     * @param {number} y
     */
    constructor(context, x, y) {
        this.#context = context;
        this.#x = x;
        this.#y = y;
        context.fillStyle = COLOUR;
        context.fillRect(x, y, 1, 1);
        this.#tells = this.#stands();
    }

    /** Whether the canvas has lost its pixels. */
    get isGone() {
        return this.#tells && !this.#stands();
    }

    #stands() {
        try {
            return isSentinel(this.#context.getImageData(this.#x, this.#y, 1, 1).data);
        } catch {
            return false;
        }
    }
}
