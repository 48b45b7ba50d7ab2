/**
 * The guest's screen on a canvas.
 *
 * Updates are decoded as they come, several at a time, and drawn in their order, each in one
 * synchronous task: nobody ever sees half an update. When a task may draw, frames.js says; one
 * draws all that is decoded by then.
 */

import { createDecoders } from './decoders/registry.js';
import { ProtocolError } from './errors.js';
import { Exactness } from './exactness.js';
import { Frames, REAL_PAGE } from './frames.js';
import { TileCache } from './tile_cache.js';

/** @import { Desktop, Piece, Update } from './wire_types.js' */
/** @import { Decoder, Paint } from './decoders/registry.js' */
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
 */

export class Screen {
    /** @type {CanvasRenderingContext2D} */
    #context;
    /** @type {Map<number, Decoder>} */
    #decoders;
    #tiles = new TileCache();
    #exactness = new Exactness();
    #frames;
    /** @type {Job[]} in order of arrival; the session's in-flight budget bounds it */
    #jobs = [];
    /** Size that the updates now arriving are meant for. */
    #expected = { width: 0, height: 0 };
    /** The next picture starts on black. */
    #blank = false;
    /** Changes with each connection: what an older one still decodes is thrown away. */
    #generation = 0;
    #now;
    #events;

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {{drawn: (drawn: Drawn[], waiting: number) => void,
     *     resized: (width: number, height: number) => void, failed: (error: Error) => void}} events
     *     drawn: these updates, in one task, while so many others have come and wait
     * @param {{now?: () => number, page?: Page}} [surroundings] now: milliseconds
     */
    constructor(canvas, events, { now = () => performance.now(), page = REAL_PAGE } = {}) {
        this.canvas = canvas;
        this.#events = events;
        this.#now = now;
        this.#decoders = createDecoders(this.#tiles);
        this.#frames = new Frames(() => this.#drain(), page, now);
        this.#context = /** @type {CanvasRenderingContext2D} */ (
            canvas.getContext('2d', { alpha: false }));
        /** Whether anything was ever drawn. */
        this.hasPicture = false;
    }

    get width() {
        return this.canvas.width;
    }

    get height() {
        return this.canvas.height;
    }

    /** The share of the picture that is not exact: 0 when all of it is. */
    get lossyShare() {
        return this.#exactness.lossyShare;
    }

    /**
     * The connection is gone: what it had not drawn never will be; the picture stays, and so do
     * the tiles that are kept.
     */
    reset() {
        this.#generation += 1;
        const jobs = this.#jobs;
        this.#jobs = [];
        // The session may not say the size again, but it will send the pixels again.
        jobs.filter(({ resizes }) => resizes).forEach(({ run }) => run());
        this.#decoders = createDecoders(this.#tiles);
        this.#expected = { width: this.width, height: this.height };
    }

    /** @param {Desktop} desktop */
    desktop({ width, height }) {
        this.#expected = { width, height };
        this.#enqueue({
            ready: true, resizes: true, run: () => this.#resize(width, height),
        });
    }

    /**
     * @param {Update} update
     * @throws {ProtocolError}
     */
    update(update) {
        const arrived = this.#now();
        /** @type {(Paint | Promise<Paint>)[]} */
        const decoded = update.pieces.map((piece) => this.#decode(piece));
        if (decoded.every((paint) => typeof paint === 'function')) {
            const paints = /** @type {Paint[]} */ (decoded);
            const decode = this.#now() - arrived;
            this.#enqueue({ ready: true, run: () => this.#draw(update, paints, arrived, decode) });
        } else {
            this.#whenDecoded(update, decoded, arrived);
        }
    }

    /** The picture as a PNG file. @returns {Promise<Blob>} */
    screenshot() {
        return new Promise((resolve, reject) => {
            this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))),
                'image/png');
        });
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
        const job = { ready: false, run: () => null };
        this.#enqueue(job);
        Promise.all(decoded).then((paints) => {
            if (generation === this.#generation) {
                const decode = this.#now() - arrived;
                job.run = () => this.#draw(update, paints, arrived, decode);
                job.ready = true;
                this.#ready();
            }
        }).catch((error) => {
            if (generation === this.#generation) {
                this.#events.failed(error);
            }
        });
    }

    /** @param {Job} job */
    #enqueue(job) {
        this.#jobs.push(job);
        this.#ready();
    }

    #ready() {
        if (this.#jobs[0]?.ready) {
            this.#frames.wanted();
        }
    }

    /** Everything that is ready, in one task; whether there was anything to draw. */
    #drain() {
        /** @type {Drawn[]} */
        const drawn = [];
        try {
            while (this.#jobs[0]?.ready) {
                const done = /** @type {Job} */ (this.#jobs.shift()).run();
                if (done) {
                    drawn.push(done);
                }
            }
        } catch (error) {
            this.#jobs = [];
            this.#events.failed(/** @type {Error} */ (error));
            return false;
        }
        if (drawn.length) {
            const waiting = this.#jobs.filter(({ resizes }) => !resizes).length;
            this.#events.drawn(drawn, waiting);
        }
        return drawn.length > 0;
    }

    /**
     * @param {number} width
     * @param {number} height
     */
    #resize(width, height) {
        // After a reconnect the size is mostly the same: keep showing the old picture until the
        // new one is here. It starts on black all the same.
        this.#blank = true;
        if (width !== this.width || height !== this.height) {
            this.canvas.width = width;
            this.canvas.height = height;
            this.#context.imageSmoothingEnabled = false;
            this.#events.resized(width, height);
        }
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
        if (this.#blank) {
            this.#context.fillStyle = '#000';
            this.#context.fillRect(0, 0, this.width, this.height);
            this.#exactness.resize(this.width, this.height);
            this.#blank = false;
        }
        paints.forEach((paint, index) => {
            paint(this.#context);
            this.#exactness.drawn(/** @type {Piece} */ (update.pieces[index]));
        });
        this.hasPicture ||= paints.length > 0;
        return { update, cost: this.#now() - arrived, decode };
    }
}
