/**
 * Tiles that the viewer keeps, in numbered slots on a canvas of their own.
 *
 * The session says what is kept where and what is drawn from where; nothing is decided here. It
 * outlives sizes of the screen, and connections that the next one resumes.
 */

import { ProtocolError } from './errors.js';
import { isLost, offscreen } from './offscreen.js';
import { SLOTS, TILE } from './payloads.js';
import { Sentinel } from './sentinel.js';
import { ATLAS, loadsOf, placeOf, spansOf } from './slots.js';

/** @import { Context, Lost } from './offscreen.js' */
/** @import { Rect, Run } from './payloads.js' */
/** @import { Load } from './slots.js' */

export class TileCache {
    /** @type {Context | null} 16 MiB, if anything can be kept */
    #context = null;
    /** @type {Sentinel | null} below the slots */
    #sentinel = null;
    #kept = new Uint8Array(SLOTS);
    /** @type {Context | null} what is to be kept, on its way */
    #carrier = null;
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
        return isLost(this.#context) || isLost(this.#carrier);
    }

    /** Whether what was kept is gone, though the browser did not say so. Not to be asked often. */
    get isWiped() {
        return this.#sentinel?.isGone ?? false;
    }

    /** Nothing is kept any more. */
    clear() {
        this.#kept.fill(0);
    }

    /**
     * Keeps tiles of the screen.
     * @param {CanvasRenderingContext2D} screen
     * @param {[Run, Rect][]} runs each with its tiles' area, cut off at the screen's edges
     */
    keep(screen, runs) {
        const atlas = this.#atlas();
        for (const load of loadsOf(runs)) {
            const { canvas } = this.#pickUp(screen, load);
            for (const { place, slot, tiles } of load.put) {
                const from = placeOf(place);
                const to = placeOf(slot);
                const width = tiles * TILE;
                atlas.drawImage(canvas, from.x, from.y, width, TILE, to.x, to.y, width, TILE);
            }
        }
        for (const [{ slot, count }] of runs) {
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
        for (const [run, area] of runs) {
            const { y, height } = area;
            for (const { slotX, slotY, x, width } of spansOf(run, area)) {
                screen.drawImage(canvas, slotX, slotY, width, height, x, y, width, height);
            }
        }
    }

    /**
     * Tiles of the screen on a canvas of their own, so that the screen's is not lent: see Taken.
     * @param {CanvasRenderingContext2D} screen
     * @param {Load} load
     */
    #pickUp(screen, { picked, height: loadHeight }) {
        const context = this.#carrier ??= offscreen(ATLAS.width, loadHeight, this.#lost);
        // Even to the same size: it starts anew. So it is black where a tile is cut off, and what
        // the atlas has not yet drawn of the old pixels need not be copied.
        context.canvas.height = loadHeight;
        for (const { x, y, width, height, place } of picked) {
            const to = placeOf(place);
            context.drawImage(screen.canvas, x, y, width, height, to.x, to.y, width, height);
        }
        return context;
    }

    #atlas() {
        if (this.#context === null) {
            // Else Chromium takes it from the GPU for good when the sentinel has been read twice.
            const settings = { willReadFrequently: false };
            this.#context = offscreen(ATLAS.width, ATLAS.height + 1, this.#lost, settings);
            this.#sentinel = new Sentinel(this.#context, 0, ATLAS.height);
        }
        return this.#context;
    }
}
