/** Sheet: many rectangles in one picture file, which costs the browser one decoding. */

import { ProtocolError } from '../errors.js';
import { decodeSheet, within } from '../payloads.js';
import { Codec } from '../protocol.js';
import { decodePicture } from './picture.js';
import { JPEG, PNG, sizeOf } from './picture_size.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Part } from '../payloads.js' */
/** @import { Paint } from './registry.js' */

/** Pixels that a sheet may have: 256 MiB, when it is decoded. */
export const MAX_SHEET_AREA = 1 << 26;

/**
 * @param {{width: number, height: number}} size of the sheet
 * @param {Part[]} parts
 * @throws {ProtocolError}
 */
function mustHold({ width, height }, parts) {
    if (width * height > MAX_SHEET_AREA) {
        throw new ProtocolError(`a sheet of ${width}x${height}`);
    }
    for (const part of parts) {
        if (part.sheet_x + part.width > width || part.sheet_y + part.height > height) {
            throw new ProtocolError('a part from outside its sheet');
        }
    }
}

export class SheetDecoder {
    /**
     * @param {Piece} piece
     * @returns {Promise<Paint>}
     * @throws {ProtocolError} at once, where the payload says so: nothing is decoded in vain
     */
    decode(piece) {
        const { picture, parts, file } = decodeSheet(piece.payload);
        if (!parts.every((part) => within(part, piece))) {
            throw new ProtocolError("a sheet's part outside its piece");
        }
        const type = picture === Codec.PNG ? PNG : JPEG;
        mustHold(sizeOf(file, type), parts);
        return this.#decoded(parts, file, type);
    }

    /**
     * @param {Part[]} parts
     * @param {Uint8Array<ArrayBuffer>} file
     * @param {string} type
     * @returns {Promise<Paint>}
     */
    async #decoded(parts, file, type) {
        const bitmap = await decodePicture(file, type);
        try {
            mustHold(bitmap, parts);
        } catch (error) {
            bitmap.close();
            throw error;
        }
        return {
            draw(context) {
                for (const { x, y, width, height, sheet_x: fromX, sheet_y: fromY } of parts) {
                    context.drawImage(bitmap, fromX, fromY, width, height, x, y, width, height);
                }
            },
            close: () => bitmap.close(),
        };
    }
}
