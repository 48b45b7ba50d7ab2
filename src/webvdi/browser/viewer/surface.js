/**
 * The canvas that people see, and what is known of its picture.
 *
 * A new size is only *announced* at first: the old picture stays to be seen, as it was, until
 * something of the new size is drawn. That starts on black, so that nothing of the two is mixed.
 */

import { Exactness } from './exactness.js';
import { isLost } from './offscreen.js';

/** @import { Piece, Update } from './wire_types.js' */
/** @import { Paint, Size } from './decoders/registry.js' */

export class Surface {
    /** @type {CanvasRenderingContext2D} */
    #context;
    #exactness = new Exactness();
    /** @type {Size | null} of the picture that comes next */
    #announced = null;
    #resized;

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {(width: number, height: number) => void} resized the canvas has this size now
     */
    constructor(canvas, resized) {
        this.canvas = canvas;
        this.#resized = resized;
        this.#context = /** @type {CanvasRenderingContext2D} */ (
            canvas.getContext('2d', { alpha: false }));
        /** Whether anything was ever drawn. */
        this.hasPicture = false;
    }

    /** Whether the browser has dropped the picture, as far as it says so. */
    get isLost() {
        return isLost(this.#context);
    }

    /** The share of the picture that is not exact: 0 when all of it is. */
    get lossyShare() {
        return this.#exactness.lossyShare;
    }

    /** What is drawn next is meant for this size. @returns {Size} */
    get nextSize() {
        return this.#announced ?? { width: this.canvas.width, height: this.canvas.height };
    }

    /** Another picture comes, perhaps of the same size. @param {Size} size */
    announce(size) {
        this.#announced = size;
    }

    /** The browser has given the canvas back, as empty as a new one. */
    restored() {
        this.#context.imageSmoothingEnabled = false;
    }

    /**
     * All of an update.
     * @param {Update} update
     * @param {Paint[]} paints of each of its pieces
     */
    draw(update, paints) {
        if (this.#announced) {
            this.#begin(this.#announced);
        }
        paints.forEach((paint, index) => {
            paint.draw(this.#context);
            this.#exactness.drawn(/** @type {Piece} */ (update.pieces[index]), update.lossy);
        });
        this.hasPicture ||= paints.length > 0;
    }

    /** @param {Size} size */
    #begin({ width, height }) {
        this.#announced = null;
        if (width !== this.canvas.width || height !== this.canvas.height) {
            this.canvas.width = width;
            this.canvas.height = height;
            this.#context.imageSmoothingEnabled = false;
            this.#resized(width, height);
        }
        this.#context.fillStyle = '#000';
        this.#context.fillRect(0, 0, width, height);
        this.#exactness.resize(width, height);
    }
}
