/**
 * The codecs and their decoders. A new codec is one file beside this one and one line here.
 *
 * A decoder is made for each connection, so that one with a state starts afresh with it.
 */

import { Codec } from '../protocol.js';
import { CachedDecoder } from './cached.js';
import { CopyDecoder } from './copy.js';
import { FillDecoder } from './fill.js';
import { IndexedDecoder } from './indexed.js';
import { JpegDecoder } from './jpeg.js';
import { KeepDecoder } from './keep.js';
import { PngDecoder } from './png.js';
import { SheetDecoder } from './sheet.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Taken } from '../offscreen.js' */
/** @import { TileCache } from '../tile_cache.js' */

/**
 * @typedef {object} Paint a decoded piece
 * @property {(context: CanvasRenderingContext2D) => void} draw at once
 * @property {() => void} [close] gives back what the browser holds for it, drawn or not
 * @typedef {{width: number, height: number}} Size of the screen that a piece is meant for
 * @typedef {{decode(piece: Piece, screen: Size): Paint | Promise<Paint>}} Decoder decodes without
 *     drawing; the piece is known to lie within the screen. What does not need the browser's help
 *     comes back at once, without a promise
 */

/**
 * Codec 5, video, is reserved and has none.
 * @param {TileCache} tiles
 * @param {Taken} taken
 * @returns {Map<number, Decoder>}
 */
export function createDecoders(tiles, taken) {
    return new Map(/** @type {[number, Decoder][]} */ ([
        [Codec.COPY, new CopyDecoder(taken)],
        [Codec.FILL, new FillDecoder()],
        [Codec.INDEXED, new IndexedDecoder()],
        [Codec.PNG, new PngDecoder()],
        [Codec.JPEG, new JpegDecoder()],
        [Codec.SHEET, new SheetDecoder()],
        [Codec.CACHED, new CachedDecoder(tiles)],
        [Codec.KEEP, new KeepDecoder(tiles)],
    ]));
}
