/** Which tiles of the picture are only nearly right: drawn with loss, and not refined since. */

import { TILE, areaOf, decodeRuns, decodeSheet } from './payloads.js';
import { Codec, Loss } from './protocol.js';

/** @import { Piece } from './wire_types.js' */
/** @import { Rect } from './payloads.js' */

/**
 * Kept by tile, and on the safe side: a tile that is covered only in part stays lossy.
 */
export class Exactness {
    #width = 0;
    #height = 0;
    #columns = 0;
    #lossy = new Uint8Array(0);

    /** A new picture, which is black and so exact. @param {number} width @param {number} height */
    resize(width, height) {
        this.#width = width;
        this.#height = height;
        this.#columns = Math.ceil(width / TILE);
        this.#lossy = new Uint8Array(this.#columns * Math.ceil(height / TILE));
    }

    /** The share of the picture that is lossy: 0 when it is exact. */
    get lossyShare() {
        const lossy = this.#lossy.reduce((sum, each) => sum + each, 0);
        return lossy / Math.max(1, this.#lossy.length);
    }

    /**
     * A piece has been drawn.
     * @param {Piece} piece that its decoder has accepted
     * @param {number} loss of its update, a `Loss`
     */
    drawn(piece, loss) {
        const sketch = (loss & Loss.SKETCH) !== 0;
        switch (piece.codec) {
            case Codec.JPEG: this.#mark(piece, true); break;
            case Codec.COPY: this.#move(piece); break;
            case Codec.KEEP: break;
            case Codec.CACHED: {
                const screen = { width: this.#width, height: this.#height };
                decodeRuns(piece.payload).forEach((run) => (
                    this.#mark(areaOf(run, screen), false)));
                break;
            }
            case Codec.SHEET: {
                const { picture, parts } = decodeSheet(piece.payload);
                parts.forEach((part) => this.#mark(part, sketch || picture === Codec.JPEG));
                break;
            }
            default: this.#mark(piece, sketch);
        }
    }

    /**
     * Tiles of a rectangle: all that it touches, or only those that it covers.
     * @param {Rect} rect
     * @param {boolean} touched
     */
    #tiles({ x, y, width, height }, touched) {
        const right = x + width;
        const bottom = y + height;
        const near = touched ? Math.floor : Math.ceil;
        /** @param {number} end @param {number} edge */
        const far = (end, edge) => (touched || end === edge ? Math.ceil : Math.floor)(end / TILE);
        return {
            left: near(x / TILE),
            top: near(y / TILE),
            right: far(right, this.#width),
            bottom: far(bottom, this.#height),
        };
    }

    /**
     * @param {Rect} rect
     * @param {boolean} lossy
     */
    #mark(rect, lossy) {
        const { left, top, right, bottom } = this.#tiles(rect, lossy);
        for (let row = top; row < bottom && left < right; row += 1) {
            const start = row * this.#columns;
            this.#lossy.fill(lossy ? 1 : 0, start + left, start + right);
        }
    }

    /** @param {Piece} piece */
    #move({ x, y, width, height, payload }) {
        const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
        const dx = view.getUint16(0) - x;
        const dy = view.getUint16(2) - y;
        if (!this.#lossy.includes(1)) {
            return;
        }
        const before = this.#lossy.slice();
        const whole = this.#tiles({ x, y, width, height }, false);
        const { left, top, right, bottom } = this.#tiles({ x, y, width, height }, true);
        for (let row = top; row < bottom; row += 1) {
            for (let column = left; column < right; column += 1) {
                const at = row * this.#columns + column;
                const covered = column >= whole.left && column < whole.right
                    && row >= whole.top && row < whole.bottom;
                const source = this.#anyLossy(before, {
                    x: Math.max(x, column * TILE) + dx,
                    y: Math.max(y, row * TILE) + dy,
                    right: Math.min(x + width, (column + 1) * TILE) + dx,
                    bottom: Math.min(y + height, (row + 1) * TILE) + dy,
                });
                this.#lossy[at] = source || (!covered && before[at]) ? 1 : 0;
            }
        }
    }

    /**
     * @param {Uint8Array} lossy
     * @param {{x: number, y: number, right: number, bottom: number}} area not empty
     */
    #anyLossy(lossy, { x, y, right, bottom }) {
        for (let row = Math.floor(y / TILE); row * TILE < bottom; row += 1) {
            for (let column = Math.floor(x / TILE); column * TILE < right; column += 1) {
                if (lossy[row * this.#columns + column]) {
                    return true;
                }
            }
        }
        return false;
    }
}
