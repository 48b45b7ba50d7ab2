/** Fill: one colour. */

import { ProtocolError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint } from './registry.js' */

export class FillDecoder {
    /**
     * @param {Piece} piece
     * @returns {Paint}
     */
    decode({ x, y, width, height, payload }) {
        if (payload.length !== 3) {
            throw new ProtocolError(`a fill piece of ${payload.length} bytes`);
        }
        const [red, green, blue] = payload;
        return {
            draw(context) {
                context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
                context.fillRect(x, y, width, height);
            },
        };
    }
}
