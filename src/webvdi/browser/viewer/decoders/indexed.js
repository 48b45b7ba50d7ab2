/** Indexed: a palette and packed indices. Synchronous, so that a typed letter is drawn at once. */

import { ProtocolError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint } from './registry.js' */

/** @param {number} colours */
const bitsPerIndex = (colours) => (colours <= 2 ? 1 : colours <= 4 ? 2 : colours <= 16 ? 4 : 8);

/**
 * The palette as 32-bit words in the order that ImageData has in memory; unused entries are 0,
 * which no colour is, because its alpha is 255.
 * @param {Uint8Array} payload
 * @param {number} colours
 */
function palette(payload, colours) {
    const bytes = new Uint8Array(256 * 4);
    for (let colour = 0; colour < colours; colour += 1) {
        bytes.set(payload.subarray(1 + colour * 3, 4 + colour * 3), colour * 4);
        bytes[colour * 4 + 3] = 255;
    }
    return new Uint32Array(bytes.buffer);
}

/**
 * The pixels R, G, B, A of an indexed piece.
 * @param {Pick<Piece, 'width' | 'height' | 'payload'>} piece
 * @throws {ProtocolError}
 */
export function unpackIndexed({ width, height, payload }) {
    const colours = (payload[0] ?? 0) + 1;
    const bits = bitsPerIndex(colours);
    const start = 1 + colours * 3;
    const stride = Math.ceil(width * bits / 8);
    if (payload.length !== start + stride * height) {
        throw new ProtocolError(`an indexed piece of ${payload.length} bytes`);
    }
    const words = palette(payload, colours);
    const pixels = new Uint32Array(width * height);
    const perByte = 8 / bits;
    const mask = (1 << bits) - 1;
    let target = 0;
    let missing = 0;
    for (let row = 0; row < height; row += 1) {
        const rowStart = start + row * stride;
        for (let column = 0; column < width; column += 1) {
            const byte = /** @type {number} */ (payload[rowStart + Math.trunc(column / perByte)]);
            const shift = 8 - bits * (column % perByte + 1);
            const word = /** @type {number} */ (words[(byte >> shift) & mask]);
            missing |= word === 0 ? 1 : 0;
            pixels[target] = word;
            target += 1;
        }
    }
    if (missing) {
        throw new ProtocolError('an index beyond the palette');
    }
    return new Uint8ClampedArray(pixels.buffer);
}

export class IndexedDecoder {
    /**
     * @param {Piece} piece
     * @returns {Paint}
     */
    decode(piece) {
        const { x, y, width, height } = piece;
        if (width === 0 || height === 0) {
            return { draw() {} };
        }
        const image = new ImageData(unpackIndexed(piece), width, height);
        return { draw: (context) => context.putImageData(image, x, y) };
    }
}
