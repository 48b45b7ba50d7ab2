/** What PNG, JPEG and sheets have in common: the browser decodes them, off the main thread. */

import { ProtocolError, ViewerError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint } from './registry.js' */

// Exactness: no colour management and no alpha arithmetic between the file and the canvas.
/** @type {ImageBitmapOptions} */
const EXACT = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

/**
 * Pixels up to which a PNG goes to the decoder directly, without a blob, which has to travel
 * through the browser's main process. In Chromium 64×32 are there after 0.5 instead of 1.5 ms, 512×512
 * after 2.2 instead of 3.6, and each takes 1 to 2 ms less of a processor. Of larger ones the page's own
 * thread would have to copy too much: 3 ms a megapixel.
 *
 * A worker in between would bring nothing (64×32: 1.7 ms, 1920×1080: 22 instead of 23): either way it
 * is another thread that decodes.
 */
const DIRECT_AREA = 512 * 512;

const PNG = 'image/png';

/** The pixels of a PNG (W3C PNG, 11.2.1 IHDR); of what is none, infinitely many. @param {Uint8Array} file */
function areaOfPng(file) {
    if (file.length < 24) {
        return Infinity;
    }
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    return view.getUint32(16) * view.getUint32(20);
}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string} type a MIME type
 */
async function decodeDirectly(file, type) {
    const decoder = new ImageDecoder({ data: file, type, colorSpaceConversion: 'none' });
    try {
        const { image } = await decoder.decode();
        try {
            // A bitmap is cheap to draw parts of; a frame is converted as a whole each time.
            return await createImageBitmap(image, EXACT);
        } finally {
            image.close();
        }
    } finally {
        decoder.close();
    }
}

/**
 * The pixels of a picture file; whoever draws them closes them.
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string} type a MIME type
 * @returns {Promise<ImageBitmap>}
 */
export async function decodePicture(file, type) {
    try {
        // WebCodecs are there in secure contexts only.
        if (type === PNG && 'ImageDecoder' in globalThis && areaOfPng(file) <= DIRECT_AREA) {
            return await decodeDirectly(file, type);
        }
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
