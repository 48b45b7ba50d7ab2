/** Sheet: many rectangles in one picture file, which costs the browser one decoding. */

import { ProtocolError } from '../errors.js';
import { decodeSheet, within } from '../payloads.js';
import { Codec } from '../protocol.js';
import { decodePicture } from './picture.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Part } from '../payloads.js' */
/** @import { Paint } from './registry.js' */

/** @param {number} picture */
const typeOf = (picture) => (picture === Codec.PNG ? 'image/png' : 'image/jpeg');

export class SheetDecoder {
    /**
     * @param {Piece} piece
     * @returns {Promise<Paint>}
     */
    decode(piece) {
        const { picture, parts, file } = decodeSheet(piece.payload);
        if (!parts.every((part) => within(part, piece))) {
            throw new ProtocolError("a sheet's part outside its piece");
        }
        return this.#decoded(parts, file, typeOf(picture));
    }

    /**
     * @param {Part[]} parts
     * @param {Uint8Array<ArrayBuffer>} file
     * @param {string} type
     * @returns {Promise<Paint>}
     */
    async #decoded(parts, file, type) {
        const bitmap = await decodePicture(file, type);
        for (const { sheet_x: x, sheet_y: y, width, height } of parts) {
            if (x + width > bitmap.width || y + height > bitmap.height) {
                throw new ProtocolError('a part from outside its sheet');
            }
        }
        return (context) => {
            for (const { x, y, width, height, sheet_x: fromX, sheet_y: fromY } of parts) {
                context.drawImage(bitmap, fromX, fromY, width, height, x, y, width, height);
            }
            bitmap.close();
        };
    }
}
