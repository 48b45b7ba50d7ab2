/** Cached: tiles that the viewer has kept. */

import { areaOf, decodeRuns, within } from '../payloads.js';
import { ProtocolError } from '../errors.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { Rect, Run } from '../payloads.js' */
/** @import { TileCache } from '../tile_cache.js' */
/** @import { Paint, Size } from './registry.js' */

/**
 * A piece's runs, each with its pixels' place.
 * @param {Piece} piece
 * @param {Size} screen
 * @returns {[Run, Rect][]}
 * @throws {ProtocolError}
 */
export function placedRuns(piece, screen) {
    return decodeRuns(piece.payload).map((run) => {
        const area = areaOf(run, screen);
        if (!within(area, piece)) {
            throw new ProtocolError('tiles outside their piece');
        }
        return [run, area];
    });
}

export class CachedDecoder {
    #tiles;

    /** @param {TileCache} tiles */
    constructor(tiles) {
        this.#tiles = tiles;
    }

    /**
     * @param {Piece} piece
     * @param {Size} screen
     * @returns {Paint}
     */
    decode(piece, screen) {
        const runs = placedRuns(piece, screen);
        return { draw: (context) => this.#tiles.draw(context, runs) };
    }
}
