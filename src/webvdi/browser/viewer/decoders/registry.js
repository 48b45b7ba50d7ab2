/**
 * The codecs and their decoders. A new codec is one file beside this one and one line here.
 *
 * A decoder is made for each connection, so that one with a state starts afresh with it.
 */

import { Codec } from '../protocol.js';
import { CopyDecoder } from './copy.js';
import { FillDecoder } from './fill.js';
import { IndexedDecoder } from './indexed.js';
import { JpegDecoder } from './jpeg.js';
import { PngDecoder } from './png.js';

/** @import { Piece } from '../wire_types.js' */

/**
 * @typedef {(context: CanvasRenderingContext2D) => void} Paint draws a decoded piece, at once
 * @typedef {{decode(piece: Piece): Paint | Promise<Paint>}} Decoder decodes without drawing;
 *     what does not need the browser's help comes back at once, without a promise
 */

/** @returns {Map<number, Decoder>} */
export function createDecoders() {
    return new Map(/** @type {[number, Decoder][]} */ ([
        [Codec.COPY, new CopyDecoder()],
        [Codec.FILL, new FillDecoder()],
        [Codec.INDEXED, new IndexedDecoder()],
        [Codec.PNG, new PngDecoder()],
        [Codec.JPEG, new JpegDecoder()],
    ]));
}
