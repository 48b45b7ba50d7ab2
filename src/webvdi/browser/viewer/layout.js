/**
 * Where the screen lies in its element, and which of its pixels is under a point of the page.
 */

/** A ratio this little above a whole number is taken for it: sharp beats exactly full. */
const SNAP = 0.02;

/**
 * How large the screen is shown, in CSS pixels per screen pixel.
 *
 * 'off' is 1 exactly, whatever the device; 'fit' is as large as the space allows. Crisp says
 * that a screen pixel is a whole number of device pixels: then it must not be smoothed.
 * @param {'fit' | 'off'} scaling
 * @param {{width: number, height: number}} space in CSS pixels
 * @param {{width: number, height: number}} screen
 * @param {number} devicePixelRatio
 */
export function scaleOf(scaling, space, screen, devicePixelRatio) {
    if (scaling === 'off' || !screen.width || !screen.height || !space.width || !space.height) {
        return { scale: 1, crisp: Number.isInteger(devicePixelRatio) };
    }
    const fit = Math.min(space.width / screen.width, space.height / screen.height);
    const device = fit * devicePixelRatio;
    const whole = Math.floor(device);
    if (whole >= 1 && device - whole <= SNAP * whole) {
        return { scale: whole / devicePixelRatio, crisp: true };
    }
    return { scale: fit, crisp: false };
}

export class Layout {
    /** @type {'fit' | 'off'} */
    #scaling = 'fit';
    #element;
    #canvas;

    /**
     * @param {HTMLElement} element the space there is
     * @param {HTMLCanvasElement} canvas
     */
    constructor(element, canvas) {
        this.#element = element;
        this.#canvas = canvas;
        this.scale = 1;
        /** Called after each change. @type {() => void} */
        this.onchange = () => {};
        this.observer = new ResizeObserver(() => this.apply());
        this.observer.observe(element);
    }

    get scaling() {
        return this.#scaling;
    }

    set scaling(scaling) {
        this.#scaling = scaling;
        this.apply();
    }

    /** The space in device pixels, for *Attach*. */
    get deviceSpace() {
        const ratio = globalThis.devicePixelRatio || 1;
        return {
            width: Math.min(0xffff, Math.round(this.#element.clientWidth * ratio)),
            height: Math.min(0xffff, Math.round(this.#element.clientHeight * ratio)),
        };
    }

    /** Puts the canvas where it belongs. */
    apply() {
        const element = this.#element;
        const canvas = this.#canvas;
        const off = this.#scaling === 'off';
        element.style.overflow = off ? 'auto' : 'hidden';
        const space = { width: element.clientWidth, height: element.clientHeight };
        const { scale, crisp } = scaleOf(
            this.#scaling, space, canvas, globalThis.devicePixelRatio || 1);
        this.scale = scale;
        const width = canvas.width * scale;
        const height = canvas.height * scale;
        const { style } = canvas;
        style.width = `${width}px`;
        style.height = `${height}px`;
        style.left = off ? '0' : `${Math.max(0, Math.floor((space.width - width) / 2))}px`;
        style.top = off ? '0' : `${Math.max(0, Math.floor((space.height - height) / 2))}px`;
        style.imageRendering = crisp ? 'pixelated' : 'auto';
        this.onchange();
    }

    /**
     * The screen pixel under a point of the window; outside the screen, the nearest one.
     * @param {number} clientX
     * @param {number} clientY
     */
    pixelAt(clientX, clientY) {
        const { width, height } = this.#canvas;
        const box = this.#canvas.getBoundingClientRect();
        const x = Math.floor((clientX - box.left) / this.scale);
        const y = Math.floor((clientY - box.top) / this.scale);
        return {
            x: Math.max(0, Math.min(width - 1, x)),
            y: Math.max(0, Math.min(height - 1, y)),
            inside: x >= 0 && y >= 0 && x < width && y < height,
        };
    }

    close() {
        this.observer.disconnect();
    }
}
