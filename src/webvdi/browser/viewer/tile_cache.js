/**
 * Tiles that the viewer keeps, in numbered slots on a canvas of their own.
 *
 * The session says what is kept where and what is drawn from where; nothing is decided here. It
 * outlives sizes of the screen, and connections that the next one resumes.
 */

import { ProtocolError } from './errors.js';
import { isLost, offscreen } from './offscreen.js';
import { SLOTS, TILE } from './payloads.js';

/** @import { Context, Lost } from './offscreen.js' */
/** @import { Rect, Run } from './payloads.js' */

/** Slots beside each other: 2048 pixels, as high as wide, which every device can draw from. */
const SLOTS_A_ROW = 128;

/**
 * @typedef {object} Span slots that lie beside each other, and their place on the screen
 * @property {number} slotX in pixels
 * @property {number} slotY
 * @property {number} x
 * @property {number} width cut off at the screen's edge
 * @property {number} tiles
 */

/**
 * A run's slots, cut where a row of them ends.
 * @param {number} slot
 * @param {number} count
 * @param {Rect} area
 * @returns {Span[]}
 */
function spansOf(slot, count, { x, width }) {
    const spans = [];
    for (let done = 0; done < count;) {
        const first = slot + done;
        const column = first % SLOTS_A_ROW;
        const tiles = Math.min(count - done, SLOTS_A_ROW - column);
        spans.push({
            slotX: column * TILE,
            slotY: Math.floor(first / SLOTS_A_ROW) * TILE,
            x: x + done * TILE,
            width: Math.min(tiles * TILE, width - done * TILE),
            tiles,
        });
        done += tiles;
    }
    return spans;
}

export class TileCache {
    /** @type {Context | null} 16 MiB, which browsers take when something is first kept */
    #context = null;
    #kept = new Uint8Array(SLOTS);
    /** @type {Context | null} what is to be kept, on its way */
    #taken = null;
    #lost;

    /** @param {Lost} lost what was kept is gone */
    constructor(lost) {
        this.#lost = lost;
    }

    /** Whether anything can be kept here. */
    get available() {
        try {
            this.#atlas();
            return true;
        } catch {
            return false;
        }
    }

    get isLost() {
        return isLost(this.#context) || isLost(this.#taken);
    }

    /**
     * Keeps tiles of the screen.
     * @param {CanvasRenderingContext2D} screen
     * @param {[Run, Rect][]} runs each with its tiles' area, cut off at the screen's edges
     * @param {Rect} box around them
     */
    keep(screen, runs, box) {
        const context = this.#atlas();
        const taken = this.#take(screen, box);
        for (const [{ slot, count }, area] of runs) {
            const { y, height } = area;
            for (const { slotX, slotY, x, width, tiles } of spansOf(slot, count, area)) {
                if (width < tiles * TILE || height < TILE) {
                    context.fillRect(slotX, slotY, tiles * TILE, TILE);
                }
                context.drawImage(taken,
                    x - box.x, y - box.y, width, height, slotX, slotY, width, height);
            }
            this.#kept.fill(1, slot, slot + count);
        }
    }

    /**
     * Draws kept tiles.
     * @param {CanvasRenderingContext2D} screen
     * @param {[Run, Rect][]} runs each with its tiles' area, cut off at the screen's edges
     * @throws {ProtocolError} nothing was kept there; then nothing is drawn
     */
    draw(screen, runs) {
        const { canvas } = this.#atlas();
        for (const [{ slot, count }] of runs) {
            if (this.#kept.subarray(slot, slot + count).includes(0)) {
                throw new ProtocolError(`tiles from slot ${slot} on, where none were kept`);
            }
        }
        for (const [{ slot, count }, area] of runs) {
            const { y, height } = area;
            for (const { slotX, slotY, x, width } of spansOf(slot, count, area)) {
                screen.drawImage(canvas, slotX, slotY, width, height, x, y, width, height);
            }
        }
    }

    /**
     * Pixels of the screen on a canvas of their size, so that the screen's is not lent: see Taken.
     * @param {CanvasRenderingContext2D} screen
     * @param {Rect} box
     */
    #take(screen, { x, y, width, height }) {
        const context = this.#taken ??= offscreen(width, height, this.#lost);
        // Even to the same size: it starts anew, and what the atlas has not yet drawn of the old
        // pixels need not be copied.
        context.canvas.width = width;
        context.canvas.height = height;
        context.drawImage(screen.canvas, x, y, width, height, 0, 0, width, height);
        return context.canvas;
    }

    #atlas() {
        this.#context ??= offscreen(SLOTS_A_ROW * TILE, SLOTS / SLOTS_A_ROW * TILE, this.#lost);
        this.#context.fillStyle = '#000';
        return this.#context;
    }
}
