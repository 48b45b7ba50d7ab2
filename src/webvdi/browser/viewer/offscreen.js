/** Canvases that nobody sees. */

/** @import { Rect } from './payloads.js' */

/**
 * A canvas with opaque pixels that are never smoothed.
 * @param {number} width
 * @param {number} height
 */
export function offscreen(width, height) {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
        new OffscreenCanvas(width, height).getContext('2d', { alpha: false }));
    context.imageSmoothingEnabled = false;
    return context;
}

/**
 * Takes pixels of a canvas to be drawn elsewhere, on the same one or another.
 *
 * Drawing from the screen's canvas directly is right but dear where Chromium has no GPU: the canvas
 * is lent as a whole and so copied as a whole, 8 MB, as soon as it is written again (measured at
 * 1920×1080: one copy onto itself 5 ms, sixteen 130 ms; by this way 1.1 ms for all sixteen).
 * What is taken here is lent only until it has been drawn here, which is at once.
 */
export class Taken {
    /** @type {OffscreenCanvasRenderingContext2D | null} */
    #context = null;

    /**
     * A canvas whose top left corner has these pixels, until the next call.
     * @param {CanvasRenderingContext2D} screen
     * @param {Rect} rect
     */
    take(screen, { x, y, width, height }) {
        const context = this.#atLeast(width, height, screen.canvas);
        context.drawImage(screen.canvas, x, y, width, height, 0, 0, width, height);
        return context.canvas;
    }

    /**
     * @param {number} width
     * @param {number} height
     * @param {{width: number, height: number}} most what may come to be needed
     */
    #atLeast(width, height, most) {
        const canvas = this.#context?.canvas;
        if (!this.#context || !canvas || canvas.width < width || canvas.height < height) {
            this.#context = offscreen(most.width, most.height);
        }
        return this.#context;
    }
}
