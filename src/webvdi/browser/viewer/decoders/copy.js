/** Copy: pixels that are on the screen already, from another place. */

import { ProtocolError } from '../errors.js';

/** @import { Taken } from '../offscreen.js' */
/** @import { Piece } from '../wire_types.js' */
/** @import { Paint, Size } from './registry.js' */

export class CopyDecoder {
    #taken;

    /** @param {Taken} taken */
    constructor(taken) {
        this.#taken = taken;
    }

    /**
     * @param {Piece} piece
     * @param {Size} screen
     * @returns {Paint}
     */
    decode({ x, y, width, height, payload }, screen) {
        if (payload.length !== 4) {
            throw new ProtocolError(`a copy piece of ${payload.length} bytes`);
        }
        const view = new DataView(payload.buffer, payload.byteOffset, 4);
        const fromX = view.getUint16(0);
        const fromY = view.getUint16(2);
        if (fromX + width > screen.width || fromY + height > screen.height) {
            throw new ProtocolError('a copy from outside the screen');
        }
        return {
            draw: (context) => {
                const taken = this.#taken.take(context, { x: fromX, y: fromY, width, height });
                context.drawImage(taken, 0, 0, width, height, x, y, width, height);
            },
        };
    }
}
