/**
 * The real viewer's decoders and screen under node, on a canvas in memory.
 *
 * A test's other half: node_viewer.py. Requests come on stdin, each `u32` length · `u8` what ·
 * body; answers go to stdout, each `u32` length · JSON · `u32` length · pixels (R, G, B, A).
 *
 *     M  a message of the session; no answer
 *     F  the page's next frame comes; no answer
 *     S  the page is seen from now on; no answer
 *     H  it is hidden; no answer
 *     P  when everything is drawn: how it stands, and the picture
 *     L  the connection is lost: how it stands
 *     N  a new viewer; no answer
 */

import { ImageData, createCanvas, loadImage } from '@napi-rs/canvas';

import { decodeToViewer } from '../../src/webvdi/browser/viewer/protocol.js';
import { Screen } from '../../src/webvdi/browser/viewer/screen.js';

const HEAD = 4;

globalThis.ImageData = ImageData;

globalThis.OffscreenCanvas = class {
    constructor(width, height) {
        return createCanvas(width, height); // drawImage takes nothing that only looks like one
    }
};

globalThis.createImageBitmap = async (blob) => {
    const image = await loadImage(Buffer.from(await blob.arrayBuffer()));
    image.close = () => {};
    return image;
};

/** Frames come when the test says, and by themselves while it waits for the picture. */
class FakePage {
    #seen = false;
    #flowing = false;
    /** @type {(() => void) | null} */
    #task = null;

    hidden = () => !this.#seen;

    nextFrame = (task) => {
        this.#task = task;
        this.#flow();
        return () => {
            this.#task = null;
        };
    };

    /** Nothing is ever overdue: frames do come. */
    after = () => () => {};

    set seen(seen) {
        this.#seen = seen;
    }

    frame() {
        const task = this.#task;
        this.#task = null;
        task?.();
    }

    /** Whether frames come by themselves. */
    set flowing(flowing) {
        this.#flowing = flowing;
        this.#flow();
    }

    #flow() {
        if (this.#flowing && this.#task) {
            setImmediate(() => this.frame());
        }
    }
}

class NodeViewer {
    #page = new FakePage();
    #time = 0;
    #canvas = createCanvas(1, 1);
    #error = null;
    #received = 0;
    #drawn = 0;
    #acks = 0;
    #told = () => {};
    #screen = new Screen(this.#canvas, {
        drawn: (drawn) => {
            this.#drawn = drawn.at(-1).update.update;
            this.#acks += 1;
            this.#told();
        },
        resized: () => {},
        failed: (error) => this.#failed(error),
    }, { page: this.#page, now: () => this.#later() });

    frame() {
        this.#page.frame();
    }

    /** @param {boolean} seen */
    see(seen) {
        this.#page.seen = seen;
        this.#screen.seen(seen);
    }

    /** @param {Uint8Array} bytes of a message */
    take(bytes) {
        if (this.#error) {
            return;
        }
        try {
            const message = decodeToViewer(bytes);
            if (message.type === 'Update') {
                this.#received = message.update;
                this.#screen.update(message);
            } else if (message.type === 'Desktop') {
                this.#screen.desktop(message);
            }
        } catch (error) {
            this.#failed(error);
        }
    }

    /** Everything that came is drawn, or cannot be. */
    async settled() {
        this.#page.flowing = true;
        while (!this.#error && this.#drawn !== this.#received) {
            await new Promise((resolve) => {
                this.#told = resolve;
            });
        }
        this.#page.flowing = false;
    }

    lose() {
        this.#screen.reset();
        this.#received = this.#drawn;
    }

    state() {
        const { width, height } = this.#canvas;
        const { lossyShare } = this.#screen;
        return {
            width, height, drawn: this.#drawn, acks: this.#acks, lossyShare, error: this.#error,
        };
    }

    pixels() {
        const { width, height } = this.#canvas;
        return this.#canvas.getContext('2d').getImageData(0, 0, width, height).data;
    }

    /** Each look at the clock takes a while: of a frame's budget, two drawings take the most. */
    #later() {
        this.#time += 1.5;
        return this.#time;
    }

    #failed(error) {
        this.#error = `${error.code ?? error.stack}: ${error.message}`;
        this.#told();
    }
}

/** Whole requests of a stream. @param {AsyncIterable<Buffer>} stream */
async function* requests(stream) {
    let buffer = Buffer.alloc(0);
    for await (const chunk of stream) {
        buffer = Buffer.concat([buffer, chunk]);
        while (buffer.length >= HEAD && buffer.length >= HEAD + buffer.readUInt32BE(0)) {
            const end = HEAD + buffer.readUInt32BE(0);
            yield buffer.subarray(HEAD, end);
            buffer = buffer.subarray(end);
        }
    }
}

/** @param {Uint8Array} bytes */
function write(bytes) {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32BE(bytes.length);
    process.stdout.write(head);
    process.stdout.write(bytes);
}

/** @param {NodeViewer} viewer @param {Uint8Array} pixels */
function answer(viewer, pixels) {
    write(Buffer.from(JSON.stringify(viewer.state())));
    write(pixels);
}

let viewer = new NodeViewer();
for await (const request of requests(process.stdin)) {
    switch (String.fromCharCode(request[0])) {
        case 'M':
            viewer.take(new Uint8Array(request.subarray(1))); // outlives the buffer
            break;
        case 'F':
            viewer.frame();
            break;
        case 'S':
        case 'H':
            viewer.see(request[0] === 'S'.charCodeAt(0));
            break;
        case 'P':
            await viewer.settled();
            answer(viewer, viewer.pixels());
            break;
        case 'L':
            viewer.lose();
            answer(viewer, new Uint8Array(0));
            break;
        default:
            viewer = new NodeViewer();
    }
}
