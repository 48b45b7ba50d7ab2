/**
 * The payloads of pieces that have a shape of their own: runs of tiles, and sheets.
 *
 * `webvdi.wire.pieces` is the twin; the same golden vectors hold both.
 */

import { ProtocolError } from './errors.js';
import { Codec } from './protocol.js';

/** Width and height of a tile; the last ones of a screen are cut off by its edges. */
export const TILE = 16;
/** Places in the cache of tiles. */
export const SLOTS = 16384;

const RUN_BYTES = 7;
const SHEET_HEAD_BYTES = 3;
const PART_BYTES = 12;

/**
 * @typedef {{column: number, row: number, slot: number, count: number}} Run *count* tiles from
 *     (column, row) rightwards, and as many slots from *slot* on
 * @typedef {{x: number, y: number, width: number, height: number}} Rect in pixels
 * @typedef {Rect & {sheet_x: number, sheet_y: number}} Part a rectangle of the screen, and where
 *     its pixels are in the sheet
 * @typedef {{picture: number, parts: Part[], file: Uint8Array<ArrayBuffer>}} Sheet
 */

/** @param {Uint8Array<ArrayBuffer>} bytes */
const viewOf = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);

/**
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Run[]}
 * @throws {ProtocolError}
 */
export function decodeRuns(payload) {
    if (payload.length === 0 || payload.length % RUN_BYTES !== 0) {
        throw new ProtocolError(`a piece of tiles of ${payload.length} bytes`);
    }
    const view = viewOf(payload);
    const runs = [];
    for (let at = 0; at < payload.length; at += RUN_BYTES) {
        const run = {
            column: view.getUint16(at),
            row: view.getUint16(at + 2),
            slot: view.getUint16(at + 4),
            count: view.getUint8(at + 6),
        };
        if (run.count === 0 || run.slot + run.count > SLOTS) {
            throw new ProtocolError(`${run.count} tiles from slot ${run.slot} on`);
        }
        runs.push(run);
    }
    return runs;
}

/**
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Sheet}
 * @throws {ProtocolError}
 */
export function decodeSheet(payload) {
    const view = viewOf(payload);
    const count = payload.length < SHEET_HEAD_BYTES ? 0 : view.getUint16(1);
    const end = SHEET_HEAD_BYTES + count * PART_BYTES;
    if (count === 0 || end > payload.length) {
        throw new ProtocolError(`a sheet of ${count} parts in ${payload.length} bytes`);
    }
    const picture = view.getUint8(0);
    if (picture !== Codec.PNG && picture !== Codec.JPEG) {
        throw new ProtocolError(`a sheet of codec ${picture}`);
    }
    const parts = [];
    for (let at = SHEET_HEAD_BYTES; at < end; at += PART_BYTES) {
        const part = {
            x: view.getUint16(at),
            y: view.getUint16(at + 2),
            width: view.getUint16(at + 4),
            height: view.getUint16(at + 6),
            sheet_x: view.getUint16(at + 8),
            sheet_y: view.getUint16(at + 10),
        };
        if (part.width === 0 || part.height === 0) {
            throw new ProtocolError('an empty part of a sheet');
        }
        parts.push(part);
    }
    return { picture, parts, file: payload.subarray(end) };
}

/**
 * Whether a rectangle lies in another one.
 * @param {Rect} inner
 * @param {Rect} outer
 */
export function within(inner, outer) {
    return inner.x >= outer.x && inner.y >= outer.y
        && inner.x + inner.width <= outer.x + outer.width
        && inner.y + inner.height <= outer.y + outer.height;
}

/**
 * The pixels of a run's tiles, cut off at the screen's edges.
 * @param {Run} run
 * @param {{width: number, height: number}} screen
 * @returns {Rect}
 * @throws {ProtocolError} a tile of it is not on the screen
 */
export function areaOf({ column, row, count }, screen) {
    const x = column * TILE;
    const y = row * TILE;
    const last = x + (count - 1) * TILE;
    if (last >= screen.width || y >= screen.height) {
        throw new ProtocolError('tiles outside the screen');
    }
    return {
        x,
        y,
        width: Math.min(last + TILE, screen.width) - x,
        height: Math.min(y + TILE, screen.height) - y,
    };
}
