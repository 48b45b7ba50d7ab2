/**
 * Where slots lie on the canvas of kept tiles, and in how few strokes tiles get in and out. Pure.
 */

import { SLOTS, TILE } from './payloads.js';

/** @import { Rect, Run } from './payloads.js' */

/** Slots beside each other: 2048 pixels, which every device can draw from. */
export const SLOTS_A_ROW = 128;

/** The canvas of all slots, in pixels: as high as wide. */
export const ATLAS = { width: SLOTS_A_ROW * TILE, height: SLOTS / SLOTS_A_ROW * TILE };

/** Tiles that are on their way into their slots at a time: 2 MiB. */
export const MAX_LOAD = 2048;

/**
 * The pixels of a place: of a slot, or of one on a canvas that is made up alike.
 * @param {number} place
 */
export const placeOf = (place) => ({
    x: place % SLOTS_A_ROW * TILE, y: Math.floor(place / SLOTS_A_ROW) * TILE,
});

/** Places from this one to the end of its row. @param {number} place */
const restOfRow = (place) => SLOTS_A_ROW - place % SLOTS_A_ROW;

/**
 * @typedef {object} Span slots that lie beside each other, and their place on the screen
 * @property {number} slotX in pixels
 * @property {number} slotY
 * @property {number} x
 * @property {number} width cut off at the screen's edge
 */

/**
 * A run's slots, cut where a row of them ends.
 * @param {Run} run
 * @param {Rect} area of its tiles, cut off at the screen's edges
 * @returns {Span[]}
 */
export function spansOf({ slot, count }, { x, width }) {
    const spans = [];
    for (let done = 0; done < count;) {
        const tiles = Math.min(count - done, restOfRow(slot + done));
        const place = placeOf(slot + done);
        spans.push({
            slotX: place.x,
            slotY: place.y,
            x: x + done * TILE,
            width: Math.min(tiles * TILE, width - done * TILE),
        });
        done += tiles;
    }
    return spans;
}

/**
 * Tiles on their way from the screen into their slots, by way of a canvas on which they lie side
 * by side in the order of the runs: so what the screen has here and there, but slots have together,
 * is picked up in a stroke each and put down in a few.
 */
export class Load {
    /** @type {(Rect & {place: number})[]} what to pick up from the screen, and put where */
    picked = [];
    /** @type {{place: number, slot: number, tiles: number}[]} and which slots it is for */
    put = [];
    #end;

    /** @param {number} slot the first one: rows end at the same ones, if slots follow each other */
    constructor(slot) {
        this.#end = slot % SLOTS_A_ROW;
    }

    get full() {
        return this.#end >= MAX_LOAD;
    }

    /** Of the canvas in between, in pixels. */
    get height() {
        return Math.ceil(this.#end / SLOTS_A_ROW) * TILE;
    }

    /**
     * Takes as many tiles as go in one stroke.
     * @param {number} slot
     * @param {number} count
     * @param {Rect} area the tiles' pixels, cut off at the screen's edges
     * @returns {number} how many tiles these are
     */
    add(slot, count, { x, y, width, height }) {
        const place = this.#end;
        const tiles = Math.min(count, restOfRow(slot), restOfRow(place));
        this.picked.push({ x, y, width: Math.min(width, tiles * TILE), height, place });
        const last = this.put.at(-1);
        const follows = last && last.slot + last.tiles === slot
            && slot % SLOTS_A_ROW !== 0 && place % SLOTS_A_ROW !== 0;
        if (follows) {
            last.tiles += tiles;
        } else {
            this.put.push({ place, slot, tiles });
        }
        this.#end += tiles;
        return tiles;
    }
}

/**
 * All that is to be kept, in loads of a bounded size.
 * @param {[Run, Rect][]} runs each with its tiles' area, cut off at the screen's edges
 * @returns {Generator<Load>}
 */
export function* loadsOf(runs) {
    /** @type {Load | null} */
    let load = null;
    for (const [{ slot, count }, area] of runs) {
        for (let done = 0; done < count;) {
            load ??= new Load(slot + done);
            done += load.add(slot + done, count - done, {
                ...area, x: area.x + done * TILE, width: area.width - done * TILE,
            });
            if (load.full) {
                yield load;
                load = null;
            }
        }
    }
    if (load) {
        yield load;
    }
}
