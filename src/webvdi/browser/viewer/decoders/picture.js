/** What PNG and JPEG have in common: the browser decodes them, off the main thread. */

import { ProtocolError, ViewerError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint } from './registry.js' */

// Exactness: no colour management and no alpha arithmetic between the file and the canvas.
/** @type {ImageBitmapOptions} */
const EXACT = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

export class PictureDecoder {
    /** @param {string} type a MIME type */
    constructor(type) {
        this.type = type;
    }

    /**
     * @param {Piece} piece
     * @returns {Promise<Paint>}
     */
    async decode({ x, y, width, height, payload }) {
        const bitmap = await this.#bitmap(payload);
        if (bitmap.width !== width || bitmap.height !== height) {
            throw new ProtocolError(
                `a picture of ${bitmap.width}x${bitmap.height} for a piece of ${width}x${height}`);
        }
        return (context) => {
            context.drawImage(bitmap, x, y);
            bitmap.close();
        };
    }

    /** @param {Uint8Array<ArrayBuffer>} payload */
    async #bitmap(payload) {
        try {
            return await createImageBitmap(new Blob([payload], { type: this.type }), EXACT);
        } catch (cause) {
            throw new ViewerError('decode_failed', { detail: this.type, cause });
        }
    }
}
