/** Keep: tiles of the picture go into the cache; nothing is drawn. */

import { placedRuns } from './cached.js';

/** @import { Piece } from '../wire_types.js' */
/** @import { TileCache } from '../tile_cache.js' */
/** @import { Paint, Size } from './registry.js' */

export class KeepDecoder {
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
        return { draw: (context) => this.#tiles.keep(context, runs) };
    }
}
