/**
 * The guest's pointer: the browser's own cursor for a mouse, a drawn one for touch.
 *
 * It is shown pixel for pixel, whatever the screen's scale: a pointer is read by its size.
 */

/** @import { CursorShape } from './wire_types.js' */
/** @import { Layout } from './layout.js' */

// Browsers ignore cursors that are larger.
const MAX_SIDE = 128;

/**
 * @param {CursorShape} shape
 * @returns {HTMLCanvasElement} the shape, made smaller where it is too large
 */
function picture({ width, height, rgba }) {
    const full = document.createElement('canvas');
    full.width = width;
    full.height = height;
    const pixels = new ImageData(new Uint8ClampedArray(rgba), width, height);
    full.getContext('2d')?.putImageData(pixels, 0, 0);
    const ratio = MAX_SIDE / Math.max(width, height);
    if (ratio >= 1) {
        return full;
    }
    const small = document.createElement('canvas');
    small.width = Math.max(1, Math.floor(width * ratio));
    small.height = Math.max(1, Math.floor(height * ratio));
    small.getContext('2d')?.drawImage(full, 0, 0, small.width, small.height);
    return small;
}

export class Cursor {
    #canvas;
    #layout;
    #overlay = document.createElement('img');
    #hot = { x: 0, y: 0 };
    #place = { x: 0, y: 0 };
    #touch = false;

    /**
     * @param {HTMLCanvasElement} canvas that wears the cursor
     * @param {Layout} layout
     */
    constructor(canvas, layout) {
        this.#canvas = canvas;
        this.#layout = layout;
        this.#overlay.alt = '';
        this.#overlay.setAttribute('aria-hidden', 'true');
        this.#overlay.style.cssText = 'position:absolute;pointer-events:none;display:none';
        canvas.after(this.#overlay);
    }

    /** @param {CursorShape} shape */
    show(shape) {
        const { width, height, hot_x: hotX, hot_y: hotY } = shape;
        if (width === 0 || height === 0) {
            this.#canvas.style.cursor = 'none';
            this.#overlay.removeAttribute('src');
        } else {
            const image = picture(shape);
            const ratio = image.width / width;
            // A hotspot outside of its picture makes browsers ignore the whole cursor.
            this.#hot = {
                x: Math.min(image.width - 1, Math.floor(hotX * ratio)),
                y: Math.min(image.height - 1, Math.floor(hotY * ratio)),
            };
            const url = image.toDataURL('image/png');
            this.#canvas.style.cursor = `url(${url}) ${this.#hot.x} ${this.#hot.y}, default`;
            this.#overlay.src = url;
        }
        this.place();
    }

    /** Touch has no cursor of its own, so one is drawn. @param {boolean} touch */
    setTouch(touch) {
        this.#touch = touch;
        this.place();
    }

    /**
     * @param {number} x in screen pixels
     * @param {number} y
     */
    moveTo(x, y) {
        this.#place = { x, y };
        if (this.#touch) {
            this.place();
        }
    }

    /** Puts the drawn cursor where it belongs, or hides it. */
    place() {
        const { style } = this.#overlay;
        const shown = this.#touch && this.#overlay.hasAttribute('src');
        style.display = shown ? 'block' : 'none';
        if (shown) {
            const { scale } = this.#layout;
            style.left = `${this.#canvas.offsetLeft + this.#place.x * scale - this.#hot.x}px`;
            style.top = `${this.#canvas.offsetTop + this.#place.y * scale - this.#hot.y}px`;
        }
    }
}
