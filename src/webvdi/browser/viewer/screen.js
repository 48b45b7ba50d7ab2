/**
 * The guest's screen on a canvas.
 *
 * Updates are decoded as they come, several at a time, and drawn in their order, each in one
 * synchronous task: nobody ever sees half an update. When a task may draw, frames.js says; one
 * draws all that is decoded by then.
 *
 * A browser may drop a canvas's pixels at any time. Then nothing is drawn or acknowledged any more,
 * until the session sends everything anew: that, `failed` with *picture_lost* asks for.
 */

import { createDecoders } from './decoders/registry.js';
import { ProtocolError, ViewerError } from './errors.js';
import { Frames, REAL_PAGE } from './frames.js';
import { Taken } from './offscreen.js';
import { Stalls } from './stalls.js';
import { Surface } from './surface.js';
import { TileCache } from './tile_cache.js';

/** @import { Desktop, Piece, Update } from './wire_types.js' */
/** @import { Decoder, Paint, Size } from './decoders/registry.js' */
/** @import { Page } from './frames.js' */

/**
 * @typedef {object} Drawn what became of an update
 * @property {Update} update
 * @property {number} cost milliseconds from its arrival until it was drawn
 * @property {number} decode milliseconds of these spent on decoding
 */

/**
 * @typedef {object} Job something to be done in its turn
 * @property {boolean} ready
 * @property {boolean} [resizes] it is about the size, not about pixels
 * @property {() => Drawn | null} run
 * @property {() => void} drop it will not be done
 */

const nothing = () => {};

/** @param {Paint[]} paints */
const closeAll = (paints) => paints.forEach(({ close }) => close?.());

/** @param {(Paint | Promise<Paint>)[]} decoded of which nothing is wanted any more */
const abandon = (decoded) => decoded.forEach((paint) => (
    Promise.resolve(paint).then(({ close }) => close?.(), nothing)));

export class Screen {
    #surface;
    /** @type {Map<number, Decoder>} */
    #decoders;
    #tiles = this.#newTiles();
    #taken = this.#newTaken();
    #frames;
    #stalls;
    /** @type {Job[]} in order of arrival; the session's in-flight budget bounds it */
    #jobs = [];
    /** Size that the updates now arriving are meant for. */
    #expected = { width: 0, height: 0 };
    /** Changes with each connection and failure: what an older one still decodes is thrown away. */
    #generation = 0;
    /** The canvas has lost its picture and cannot be drawn on. */
    #lost = false;
    #now;
    #events;

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {{drawn: (drawn: Drawn[], waiting: number) => void,
     *     resized: (width: number, height: number) => void, failed: (error: Error) => void,
     *     shown?: () => void}} events
     *     drawn: these updates, in one task, while so many others have come and wait; resized:
     *     something of this size is being drawn; shown: a frame of the page shows what was drawn
     *     since the one before
     * @param {{now?: () => number, page?: Page}} [surroundings] now: milliseconds
     */
    constructor(canvas, events, { now = () => performance.now(), page = REAL_PAGE } = {}) {
        this.#surface = new Surface(canvas, (...size) => events.resized(...size));
        this.#events = events;
        this.#now = now;
        this.#decoders = createDecoders(this.#tiles, this.#taken);
        this.#frames = new Frames(() => this.#drain(), page, now, events.shown);
        this.#stalls = new Stalls(() => this.#stalled(), page);
        canvas.addEventListener?.('contextlost', () => this.#lose());
        canvas.addEventListener?.('contextrestored', () => this.#restored());
    }

    get width() {
        return this.#surface.canvas.width;
    }

    get height() {
        return this.#surface.canvas.height;
    }

    /** Whether anything was ever drawn. */
    get hasPicture() {
        return this.#surface.hasPicture;
    }

    /** The share of the picture that is not exact: 0 when all of it is. */
    get lossyShare() {
        return this.#surface.lossyShare;
    }

    /** Whether tiles can be kept here. */
    get keepsTiles() {
        return this.#tiles.available;
    }

    /** The page is seen, or no longer. @param {boolean} visible */
    seen(visible) {
        this.#stalls.look();
        if (visible) {
            this.check();
        } else {
            this.#frames.hidden();
        }
    }

    /** Nobody has looked for a while: what is kept may be gone without a word. */
    check() {
        if (!this.#lost && this.#tiles.isWiped) {
            this.#keptLost();
        }
    }

    /** What the session had us keep, it no longer knows of. */
    forget() {
        if (this.#tiles.isLost || this.#tiles.isWiped) {
            this.#beginAnew();
        } else {
            this.#tiles.clear(); // its sentinel stands for the picture too, whatever is kept
        }
    }

    /**
     * The connection is gone: what it had not drawn never will be; the picture stays, and so do
     * the tiles that are kept.
     */
    reset() {
        this.#lost &&= this.#surface.isLost;
        const jobs = this.#dropJobs();
        // The session may not say the size again, but it will send the pixels again.
        jobs.filter(({ resizes }) => resizes).forEach(({ run }) => run());
        this.#decoders = createDecoders(this.#tiles, this.#taken);
        this.#expected = this.#surface.nextSize;
    }

    /** @param {Desktop} desktop */
    desktop({ width, height }) {
        this.#expected = { width, height };
        this.#enqueue({
            ready: true, resizes: true, run: () => this.#announce({ width, height }), drop: nothing,
        });
    }

    /**
     * @param {Update} update
     * @throws {ProtocolError}
     */
    update(update) {
        const arrived = this.#now();
        const decoded = this.#decodeAll(update.pieces);
        if (decoded.every((paint) => 'draw' in paint)) {
            const paints = /** @type {Paint[]} */ (decoded);
            const decode = this.#now() - arrived;
            this.#enqueue({
                ready: true,
                run: () => this.#draw(update, paints, arrived, decode),
                drop: () => closeAll(paints),
            });
        } else {
            this.#whenDecoded(update, decoded, arrived);
        }
    }

    /** The picture as a PNG file. @returns {Promise<Blob>} */
    screenshot() {
        return new Promise((resolve, reject) => {
            this.#surface.canvas.toBlob((blob) => (
                blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png');
        });
    }

    /**
     * @param {Piece[]} pieces
     * @returns {(Paint | Promise<Paint>)[]}
     * @throws {ProtocolError} of one; the others are given up
     */
    #decodeAll(pieces) {
        /** @type {(Paint | Promise<Paint>)[]} */
        const decoded = [];
        try {
            pieces.forEach((piece) => decoded.push(this.#decode(piece)));
        } catch (error) {
            abandon(decoded);
            throw error;
        }
        return decoded;
    }

    /** @param {Piece} piece */
    #decode(piece) {
        const { width, height } = this.#expected;
        if (piece.x + piece.width > width || piece.y + piece.height > height) {
            throw new ProtocolError('a piece outside the screen');
        }
        const decoder = this.#decoders.get(piece.codec);
        if (!decoder) {
            throw new ProtocolError(`a piece of codec ${piece.codec}, which has no decoder yet`);
        }
        return decoder.decode(piece, this.#expected);
    }

    /**
     * @param {Update} update
     * @param {(Paint | Promise<Paint>)[]} decoded
     * @param {number} arrived
     */
    #whenDecoded(update, decoded, arrived) {
        const generation = this.#generation;
        /** @type {Job} */
        const job = { ready: false, run: () => null, drop: nothing };
        this.#enqueue(job);
        Promise.all(decoded).then((paints) => {
            if (generation === this.#generation) {
                const decode = this.#now() - arrived;
                job.run = () => this.#draw(update, paints, arrived, decode);
                job.drop = () => closeAll(paints);
                job.ready = true;
                this.#ready();
            } else {
                closeAll(paints);
            }
        }).catch((error) => {
            abandon(decoded);
            if (generation === this.#generation) {
                this.#fail(error);
            }
        });
    }

    /** @param {Job} job */
    #enqueue(job) {
        if (this.#lost) {
            job.drop(); // all comes anew once the picture can be drawn on again
            return;
        }
        this.#jobs.push(job);
        this.#ready();
    }

    #ready() {
        if (this.#jobs[0]?.ready) {
            this.#frames.wanted();
        }
        this.#watch();
    }

    /** Everything that is ready, in one task; whether there was anything to draw. */
    #drain() {
        if (this.#surface.isLost) {
            this.#lose();
            return false;
        }
        if (this.#tiles.isLost || this.#taken.isLost) {
            this.#keptLost();
            return false;
        }
        /** @type {Drawn[]} */
        const drawn = [];
        /** @type {Error | null} */
        let failure = null;
        try {
            while (this.#jobs[0]?.ready) {
                const done = /** @type {Job} */ (this.#jobs.shift()).run();
                if (done) {
                    drawn.push(done);
                }
            }
        } catch (error) {
            failure = /** @type {Error} */ (error);
        }
        this.#watch();
        this.#report(drawn);
        if (failure) {
            this.#fail(failure);
        }
        return drawn.length > 0;
    }

    /** @param {Drawn[]} drawn in one task */
    #report(drawn) {
        if (drawn.length) {
            const waiting = this.#jobs.filter(({ resizes }) => !resizes).length;
            this.#events.drawn(drawn, waiting);
        }
    }

    #beginAnew() {
        this.#tiles = this.#newTiles();
        this.#decoders = createDecoders(this.#tiles, this.#taken);
    }

    #newTiles() {
        /** @type {TileCache} */
        const tiles = new TileCache(() => tiles === this.#tiles && this.#keptLost());
        return tiles;
    }

    #newTaken() {
        /** @type {Taken} */
        const taken = new Taken(() => taken === this.#taken && this.#keptLost());
        return taken;
    }

    /** @returns {Job[]} what will not be done */
    #dropJobs() {
        this.#generation += 1;
        const jobs = this.#jobs;
        this.#jobs = [];
        jobs.forEach(({ drop }) => drop());
        this.#watch();
        return jobs;
    }

    /** @param {Error} error */
    #fail(error) {
        this.#dropJobs();
        this.#events.failed(error);
    }

    /** Canvas and all: nothing can be drawn until it is restored. */
    #lose() {
        this.#lost = true;
        this.#dropJobs();
    }

    #restored() {
        this.#lost = false;
        this.#surface.restored();
        this.#keptLost();
    }

    /** What is kept out of sight is gone. */
    #keptLost() {
        this.#taken = this.#newTaken();
        this.#beginAnew();
        if (!this.#lost) { // else when that is over
            this.#fail(new ViewerError('picture_lost'));
        }
    }

    #watch() {
        const [next] = this.#jobs;
        this.#stalls.await(this.#lost ? this : next && !next.ready ? next : null);
    }

    #stalled() {
        this.#fail(this.#lost ? new ViewerError('picture_lost')
            : new ViewerError('decode_failed', { detail: 'timeout' }));
    }

    /** @param {Size} size */
    #announce(size) {
        this.#surface.announce(size);
        return null;
    }

    /**
     * @param {Update} update
     * @param {Paint[]} paints
     * @param {number} arrived
     * @param {number} decode
     * @returns {Drawn}
     */
    #draw(update, paints, arrived, decode) {
        try {
            this.#surface.draw(update, paints);
        } finally {
            closeAll(paints);
        }
        return { update, cost: this.#now() - arrived, decode };
    }
}
