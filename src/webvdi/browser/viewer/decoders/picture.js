/** What PNG, JPEG and sheets have in common: the browser decodes them, off the main thread. */

import { ProtocolError, ViewerError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint } from './registry.js' */

// Exactness: no colour management and no alpha arithmetic between the file and the canvas.
/** @type {ImageBitmapOptions} */
const EXACT = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

/**
 * The pixels of a picture file; whoever draws them closes them.
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string} type a MIME type
 */
export async function decodePicture(file, type) {
    try {
        return await createImageBitmap(new Blob([file], { type }), EXACT);
    } catch (cause) {
        throw new ViewerError('decode_failed', { detail: type, cause });
    }
}

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
        const bitmap = await decodePicture(payload, this.type);
        if (bitmap.width !== width || bitmap.height !== height) {
            throw new ProtocolError(
                `a picture of ${bitmap.width}x${bitmap.height} for a piece of ${width}x${height}`);
        }
        return (context) => {
            context.drawImage(bitmap, x, y);
            bitmap.close();
        };
    }
}
