/** What PNG, JPEG and sheets have in common: the browser decodes them, off the main thread. */

import { ProtocolError, ViewerError } from '../errors.js';
import { PNG, sizeOf, sizeOfPng } from './picture_size.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Paint, Size } from './registry.js' */

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

/** Whether PNGs go to the decoder directly: not in a page where that has failed. */
let direct = true;

/** WebCodecs are there in secure contexts only. @param {Uint8Array} file */
function goesDirectly(file) {
    if (!direct || !('ImageDecoder' in globalThis)) {
        return false;
    }
    const { width, height } = sizeOfPng(file);
    return width * height <= DIRECT_AREA;
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
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string} type a MIME type
 */
const decodeBlob = (file, type) => createImageBitmap(new Blob([file], { type }), EXACT);

/**
 * The pixels of a picture file; whoever draws them closes them.
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string} type a MIME type
 * @returns {Promise<ImageBitmap>}
 * @throws {ViewerError} decode_failed
 */
export async function decodePicture(file, type) {
    const bitmap = type === PNG && goesDirectly(file)
        // There are browsers that have the decoder, and in which it fails.
        ? decodeDirectly(file, type).catch(async () => {
            const other = await decodeBlob(file, type);
            direct = false;
            return other;
        })
        : decodeBlob(file, type);
    try {
        return await bitmap;
    } catch (cause) {
        throw new ViewerError('decode_failed', { detail: type, cause });
    }
}

/** @param {Size} picture @param {Size} piece */
function mustFit(picture, { width, height }) {
    if (picture.width !== width || picture.height !== height) {
        throw new ProtocolError(
            `a picture of ${picture.width}x${picture.height} for a piece of ${width}x${height}`);
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
     * @throws {ProtocolError} at once, where the file says so: nothing is decoded in vain
     */
    decode(piece) {
        mustFit(sizeOf(piece.payload, this.type), piece);
        return this.#decoded(piece);
    }

    /** @param {Piece} piece @returns {Promise<Paint>} */
    async #decoded(piece) {
        const bitmap = await decodePicture(piece.payload, this.type);
        try {
            mustFit(bitmap, piece);
        } catch (error) {
            bitmap.close();
            throw error;
        }
        return {
            draw: (context) => context.drawImage(bitmap, piece.x, piece.y),
            close: () => bitmap.close(),
        };
    }
}
