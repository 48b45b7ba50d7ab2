/** Canvases that nobody sees. */

import { ViewerError } from './errors.js';

/** @import { Rect } from './payloads.js' */

/**
 * @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Context
 * @typedef {() => unknown} Lost the browser has dropped the canvas's pixels
 */

/**
 * @param {number} width
 * @param {number} height
 * @returns {OffscreenCanvas | HTMLCanvasElement}
 */
function canvasOf(width, height) {
    if ('OffscreenCanvas' in globalThis) {
        return new OffscreenCanvas(width, height);
    }
    return Object.assign(document.createElement('canvas'), { width, height });
}

/**
 * A canvas with opaque pixels that are never smoothed.
 * @param {number} width
 * @param {number} height
 * @param {Lost | null} lost null: nothing stays on it
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {Context}
 * @throws {ViewerError} canvas_unavailable
 */
export function offscreen(width, height, lost, settings = {}) {
    const canvas = canvasOf(width, height);
    const context = /** @type {Context | null} */ (
        canvas.getContext('2d', { alpha: false, ...settings }));
    if (context === null) {
        throw new ViewerError('canvas_unavailable', { detail: `${width}x${height}` });
    }
    if (lost) {
        canvas.addEventListener?.('contextlost', lost);
    }
    context.imageSmoothingEnabled = false;
    return context;
}

/**
 * Whether the browser has dropped a canvas's pixels, as far as it says so: with the GPU's process,
 * or to save memory.
 * @param {Context | null} context
 */
export const isLost = (context) => context?.isContextLost?.() ?? false;

/**
 * Takes pixels of a canvas to be drawn elsewhere, on the same one or another.
 *
 * Drawing from the screen's canvas directly is right but dear where Chromium has no GPU: the canvas
 * is lent as a whole and so copied as a whole, 8 MB, as soon as it is written again (measured at
 * 1920×1080: one copy onto itself 5 ms, sixteen 130 ms; by this way 1.1 ms for all sixteen).
 * What is taken here is lent only until it has been drawn here, which is at once.
 */
export class Taken {
    /** @type {Context | null} */
    #context = null;
    #lost;

    /** @param {Lost} lost */
    constructor(lost) {
        this.#lost = lost;
    }

    get isLost() {
        return isLost(this.#context);
    }

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
        this.#context ??= offscreen(most.width, most.height, this.#lost);
        const { canvas } = this.#context;
        if (canvas.width < width || canvas.height < height) {
            canvas.width = most.width;
            canvas.height = most.height;
            this.#context.imageSmoothingEnabled = false;
        }
        return this.#context;
    }
}
