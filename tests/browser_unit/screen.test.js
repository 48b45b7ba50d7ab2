import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { unpackIndexed } from '../../src/webvdi/browser/viewer/decoders/indexed.js';
import { ProtocolError } from '../../src/webvdi/browser/viewer/errors.js';
import { Screen } from '../../src/webvdi/browser/viewer/screen.js';
import { STALLED_MS } from '../../src/webvdi/browser/viewer/stalls.js';
import { bytesOf, hexOf, settled } from './helpers.js';

/** Pictures that are being decoded: the test says when each is done. */
let decoding = [];
/** What is drawn on canvases that nobody sees. */
let unseen = [];
/** These canvases' contexts, in the order of their making. */
let contexts = [];
/** Bitmaps that were decoded and not closed again. */
let open = new Set();

beforeEach(() => {
    decoding = [];
    unseen = [];
    contexts = [];
    open = new Set();
    globalThis.OffscreenCanvas = class extends EventTarget {
        name = 'unseen';

        constructor(width, height) {
            super();
            Object.assign(this, { width, height });
        }

        getContext() {
            const context = {
                canvas: this,
                lost: false,
                isContextLost: () => context.lost,
                wiped: false,
                fillRect: (...at) => unseen.push(`${context.fillStyle} ${at}`),
                drawImage: (_, ...at) => unseen.push(String(at)),
                getImageData: () => ({ data: context.wiped ? [0, 0, 0, 255] : [255, 0, 255, 255] }),
            };
            contexts.push(context);
            return context;
        }
    };
    globalThis.createImageBitmap = (blob) => new Promise((resolve, reject) => {
        decoding.push({
            done: (name, width = 1, height = 1) => {
                const bitmap = { name, width, height, close: () => open.delete(bitmap) };
                open.add(bitmap);
                resolve(bitmap);
            },
            fail: () => reject(new Error('not a picture')),
            blob,
        });
    });
});

class Bench {
    constructor({ width = 10, height = 10 } = {}) {
        this.calls = [];
        this.events = [];
        this.time = 0;
        this.strokeTakes = 0;
        this.hidden = true;
        this.frame = null;
        this.overdue = null;
        this.stalled = null;
        this.frames = 0;
        const canvas = Object.assign(new EventTarget(), { width: 0, height: 0 });
        const context = {
            canvas,
            lost: false,
            isContextLost: () => context.lost,
            drawImage: (image, ...at) => this.#stroke(image.name, at),
            fillRect: (...at) => this.#stroke(context.fillStyle, at),
        };
        canvas.getContext = () => context;
        this.canvas = canvas;
        this.context = context;
        this.screen = new Screen(canvas, {
            drawn: (drawn, waiting) => this.events.push(
                `drawn ${drawn.map(({ update, cost }) => `${update.update} ${cost}`)}`
                + (waiting ? `, ${waiting} wait` : '')),
            resized: (...size) => this.events.push(`resized ${size.join('x')}`),
            failed: (error) => this.events.push(`failed ${error.code}`),
            shown: () => {
                this.frames += 1;
            },
        }, { now: () => this.time, page: this.#page() });
        this.screen.desktop({ width, height });
        this.screen.update({ update: 0, pieces: [] });
        this.calls = [];
        this.events = [];
    }

    #stroke(what, at) {
        this.calls.push(`${what} ${at}`);
        this.time += this.strokeTakes;
    }

    #page() {
        const once = (name) => (_, task = _) => {
            this[name] = () => {
                this[name] = null;
                task();
            };
            return () => {
                this[name] = null;
            };
        };
        const [nextFrame, overdue, stalled] = ['frame', 'overdue', 'stalled'].map(once);
        const after = (delay, task) => (delay === STALLED_MS ? stalled : overdue)(delay, task);
        return { hidden: () => this.hidden, nextFrame, after };
    }

    /** The browser drops the canvas's pixels. */
    lose() {
        this.context.lost = true;
        this.canvas.dispatchEvent(new Event('contextlost'));
    }

    restore() {
        this.context.lost = false;
        this.canvas.dispatchEvent(new Event('contextrestored'));
    }

    update(update, ...pieces) {
        this.screen.update({ type: 'Update', update, lossy: 0, pieces });
    }

    sketch(update, ...pieces) {
        this.screen.update({ type: 'Update', update, lossy: 3, pieces });
    }
}

const piece = (codec, hex = '', more = {}) => (
    { codec, x: 0, y: 0, width: 1, height: 1, payload: bytesOf(hex), ...more });
const fill = (hex, more) => piece(1, hex, more);
const pngHeader = (width, height) => [
    '89504e470d0a1a0a 0000000d 49484452',
    ...[width, height].map((side) => side.toString(16).padStart(8, '0')),
].join(' ');
const png = (width = 1, height = 1) => piece(3, pngHeader(width, height), { width, height });
const jpegHeader = (width, height) => [
    'ffd8 ffc0 0011 08', ...[height, width].map((side) => side.toString(16).padStart(4, '0')),
].join(' ');
const jpeg = (width = 1, height = 1) => piece(4, jpegHeader(width, height), { width, height });
const keep = piece(8, '0000 0000 0003 01', { width: 10, height: 10 });
const cached = piece(7, '0000 0000 0003 01', { width: 10, height: 10 });

test('an update that needs no decoding is drawn before the call returns', () => {
    const bench = new Bench();
    bench.update(1, fill('ff8000', { x: 2, y: 3 }), piece(0, '00010002'));
    assert.deepEqual(bench.calls, ['rgb(255, 128, 0) 2,3,1,1', 'unseen 0,0,1,1,0,0,1,1']);
    assert.deepEqual(unseen, ['1,2,1,1,0,0,1,1']); // by way of a canvas of its own
    assert.deepEqual(bench.events, ['drawn 1 0']);
});

test('all of an update is drawn in one go when its last piece is decoded', async () => {
    const bench = new Bench();
    bench.update(1, png(), fill('000001'), png());
    decoding[1].done('second');
    await settled();
    assert.deepEqual(bench.calls, []);
    bench.time = 12;
    decoding[0].done('first');
    await settled();
    assert.deepEqual(bench.calls, ['first 0,0', 'rgb(0, 0, 1) 0,0,1,1', 'second 0,0']);
    assert.deepEqual(bench.events, ['drawn 1 12']);
});

test('updates are drawn in their order, whichever is decoded first', async () => {
    const bench = new Bench();
    bench.update(1, png());
    bench.update(2, png());
    bench.update(3, fill('000003'));
    decoding[1].done('two');
    await settled();
    assert.deepEqual(bench.events, []);
    decoding[0].done('one');
    await settled();
    assert.deepEqual(bench.calls, ['one 0,0', 'two 0,0', 'rgb(0, 0, 3) 0,0,1,1']);
    assert.deepEqual(bench.events, ['drawn 1 0,2 0,3 0']);
});

test('a new size waits for the updates before it, and its picture starts on black', async () => {
    const bench = new Bench();
    bench.update(1, png());
    bench.screen.desktop({ width: 20, height: 5 });
    bench.update(2, fill('000002', { x: 19 }));
    assert.equal(bench.canvas.width, 10);
    decoding[0].done('one');
    await settled();
    assert.deepEqual(bench.events, ['resized 20x5', 'drawn 1 0,2 0']);
    assert.deepEqual(bench.calls, ['one 0,0', '#000 0,0,20,5', 'rgb(0, 0, 2) 19,0,1,1']);
});

test('the old picture stays, as it was, until something of the new size is drawn', async () => {
    const bench = new Bench();
    bench.update(1, fill('000001'));
    bench.screen.desktop({ width: 20, height: 5 });
    bench.screen.desktop({ width: 30, height: 6 }); // and another one before anything is
    bench.update(2, png());
    assert.deepEqual([bench.screen.width, bench.screen.height], [10, 10]);
    assert.deepEqual(bench.calls, ['rgb(0, 0, 1) 0,0,1,1']);
    decoding[0].done('two');
    await settled();
    assert.deepEqual(bench.events, ['drawn 1 0', 'resized 30x6', 'drawn 2 0']);
    assert.deepEqual(bench.calls.slice(1), ['#000 0,0,30,6', 'two 0,0']);
});

test('the same size again keeps the picture until the next one', () => {
    const bench = new Bench();
    bench.screen.desktop({ width: 10, height: 10 });
    assert.deepEqual([bench.calls, bench.events], [[], []]);
    bench.update(1, fill('000001'));
    assert.deepEqual(bench.calls, ['#000 0,0,10,10', 'rgb(0, 0, 1) 0,0,1,1']);
});

test('what an older connection was still decoding is never drawn', async () => {
    const bench = new Bench();
    bench.update(1, png());
    bench.screen.desktop({ width: 30, height: 30 });
    bench.screen.reset();
    decoding[0].done('old');
    await settled();
    assert.deepEqual(bench.calls, []);
    assert.deepEqual(bench.events, []);
    bench.update(1, fill('000001', { x: 29 })); // the size is known all the same
    assert.deepEqual(bench.events, ['resized 30x30', 'drawn 1 0']);
});

test('a picture that cannot be decoded or has another size fails', async () => {
    const bench = new Bench();
    bench.update(1, png());
    decoding[0].fail();
    await settled();
    bench.update(2, jpeg());
    decoding[1].done('large', 2, 2);
    await settled();
    assert.deepEqual(bench.events, ['failed decode_failed', 'failed protocol']);
});

for (const [what, bad] of Object.entries({
    'outside the screen': fill('000000', { x: 10 }),
    'that fills with half a colour': fill('0000'),
    'that copies from nowhere': piece(0, '0001'),
    'that copies from outside': piece(0, '000a0000'),
    'of video': piece(5, '0101'),
    'of half a run': piece(7, '000000000000'),
    'of tiles outside the screen': piece(7, '00010000000001', { width: 10, height: 10 }),
    'of tiles outside itself': piece(8, '00000000000001', { width: 9, height: 10 }),
    'of a PNG of another size': piece(3, pngHeader(1, 2)),
    'of a PNG that is none': piece(3, `00${pngHeader(1, 1).slice(2)}`),
    'of half a PNG': piece(3, pngHeader(1, 1).slice(0, -2)),
    'of a JPEG of another size': piece(4, jpegHeader(2, 1)),
    'of a JPEG that is none': piece(4, `00${jpegHeader(1, 1).slice(2)}`),
    'of half a JPEG': piece(4, jpegHeader(1, 1).slice(0, -2)),
    'of a JPEG sheet that is too large': piece(6, `040001${'0000 0000 0001 0001 0000 0000'}${jpegHeader(8192, 8193)}`),
    'of a sheet that is too large': piece(6, `030001${'0000 0000 0001 0001 0000 0000'}${pngHeader(8192, 8193)}`),
    'of a part from outside its sheet': piece(6, `030001${'0000 0000 0001 0001 0001 0000'}${pngHeader(1, 1)}`),
    'of a sheet with a part outside itself': piece(6, `030001${'0000 0000 0002 0001 0000 0000'}`),
})) {
    test(`a piece ${what} is a protocol error`, () => {
        assert.throws(() => new Bench().update(1, bad), ProtocolError);
        assert.equal(decoding.length, 0);
    });
}

test('a cache that was never filled cannot be drawn from', () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.update(2, cached);
    bench.update(3, piece(7, '0000 0000 0004 01', { width: 10, height: 10 }));
    assert.deepEqual(bench.events, ['drawn 1 0', 'drawn 2 0', 'failed protocol']);
});

test('a run is kept and drawn in as few strokes as its slots allow, black beyond the edge', () => {
    const bench = new Bench({ width: 72, height: 40 });
    // Slots 126 to 129: two at the end of the first row of slots, two in the second.
    bench.update(1, piece(8, '0001 0000 007e 04', { x: 16, width: 56, height: 16 }));
    assert.deepEqual(unseen, [
        '#f0f 0,2048,1,1',
        '16,0,32,16,2016,0,32,16', '48,0,24,16,0,16,24,16', // onto a black canvas in between
        '2016,0,32,16,2016,0,32,16', '0,16,32,16,0,16,32,16',
    ]);
    bench.update(2, piece(7, '0000 0002 007e 02', { y: 32, width: 32, height: 8 }));
    assert.deepEqual(bench.calls, ['unseen 2016,0,32,8,0,32,32,8']);
    assert.deepEqual(bench.events, ['drawn 1 0', 'drawn 2 0']);
});

test('what is kept survives a new size and a new connection', () => {
    const bench = new Bench();
    bench.update(1, piece(8, '0000 0000 0000 01', { width: 10, height: 10 }));
    bench.screen.reset();
    bench.screen.desktop({ width: 32, height: 16 });
    bench.update(2, piece(7, '0001 0000 0000 01', { x: 16, width: 16, height: 16 }));
    assert.deepEqual(bench.calls.at(-1), 'unseen 0,0,16,16,16,0,16,16');
});

test('the parts of a sheet are drawn from one picture', async () => {
    const bench = new Bench();
    bench.update(1, piece(6, `04 0002 0000 0000 0004 0003 0000 0000
        0005 0006 0002 0002 0010 0000 ${jpegHeader(18, 3)}`.replaceAll(/\s/g, ''), { width: 10, height: 10 }));
    assert.equal(decoding[0].blob.type, 'image/jpeg');
    assert.equal(decoding[0].blob.size, 11);
    decoding[0].done('sheet', 18, 3);
    await settled();
    assert.deepEqual(bench.calls, ['sheet 0,0,4,3,0,0,4,3', 'sheet 16,0,2,2,5,6,2,2']);
});

test('a part from outside what its sheet turns out to be fails', async () => {
    const bench = new Bench();
    bench.update(1, piece(6, `04 0001 0000 0000 0004 0003 0001 0000 ${jpegHeader(5, 3)}`, {
        width: 4, height: 3,
    }));
    decoding[0].done('sheet', 4, 3);
    await settled();
    assert.deepEqual(bench.events, ['failed protocol']);
});

test('a small PNG is decoded without a blob where the browser can', async () => {
    const asked = [];
    globalThis.ImageDecoder = class {
        constructor({ data, type }) {
            asked.push(`${type} of ${data.length} bytes`);
        }

        async decode() {
            return { image: { close: () => asked.push('frame closed') } };
        }

        close() {}
    };
    try {
        const bench = new Bench({ width: 1024, height: 257 });
        bench.update(1, png());
        await settled();
        decoding[0].done('small');
        await settled();
        assert.deepEqual(asked, ['image/png of 24 bytes', 'frame closed']);
        assert.equal(bench.calls.at(-1), 'small 0,0');
        bench.update(2, png(1024, 257));
        bench.update(3, jpeg());
        assert.deepEqual(decoding.slice(1).map(({ blob }) => blob.type), ['image/png', 'image/jpeg']);
    } finally {
        delete globalThis.ImageDecoder;
    }
});

test('what is cheap is drawn at once; beyond that the rest waits for the frame', async () => {
    const bench = new Bench();
    bench.hidden = false;
    bench.strokeTakes = 2;
    bench.update(1, fill('000001'));
    bench.update(2, fill('000002'));
    bench.update(3, fill('000003'));
    bench.update(4, png());
    bench.update(5, fill('000005'));
    assert.deepEqual(bench.events, ['drawn 1 2', 'drawn 2 2']);
    bench.strokeTakes = 4;
    bench.time = 16;
    bench.frame();
    assert.deepEqual(bench.events[2], 'drawn 3 16, 2 wait');
    decoding[0].done('four');
    await settled();
    assert.equal(bench.events.length, 3);
    bench.time = 32;
    bench.frame();
    assert.deepEqual(bench.events[3], 'drawn 4 32,5 36');
    bench.frame();
    assert.equal(bench.frame, null); // nothing was drawn: no other frame is asked for
    bench.update(6, fill('000006'));
    assert.deepEqual(bench.events[4], 'drawn 6 4');
});

test('where the direct way fails, the blob is taken, and once it has worked, always', async () => {
    let asked = 0;
    globalThis.ImageDecoder = class {
        constructor() {
            asked += 1;
        }

        async decode() {
            throw new Error('not here');
        }

        close() {}
    };
    try {
        const bench = new Bench();
        bench.update(1, png());
        await settled();
        decoding[0].fail(); // so it was the file
        await settled();
        bench.update(2, png());
        await settled();
        decoding[1].done('two');
        await settled();
        bench.update(3, png());
        decoding[2].done('three');
        await settled();
        assert.deepEqual(bench.events, ['failed decode_failed', 'drawn 2 0', 'drawn 3 0']);
        assert.equal(asked, 2);
    } finally {
        delete globalThis.ImageDecoder;
    }
});

test('when the browser drops the picture, all stops until it is restored, and comes anew', async () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.update(2, png());
    bench.lose();
    bench.events = [];
    bench.update(3, fill('000003'));
    decoding[0].done('late');
    await settled();
    assert.deepEqual([bench.events, bench.calls, open.size], [[], [], 0]);
    bench.restore();
    assert.equal(bench.context.imageSmoothingEnabled, false);
    assert.deepEqual(bench.events, ['failed picture_lost']);
    bench.update(4, cached); // the slots are gone as well
    assert.deepEqual(bench.events.slice(1), ['failed protocol']);
});

test('what is not told is seen before drawing: the picture is lost, or what is kept', () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.events = [];
    bench.context.lost = true;
    bench.update(2, fill('000002'));
    assert.deepEqual([bench.events, bench.calls], [[], []]);
    bench.restore();
    assert.deepEqual(bench.events, ['failed picture_lost']);
    bench.update(3, keep);
    contexts.at(-1).lost = true;
    bench.update(4, cached);
    assert.deepEqual(bench.events.slice(1), ['drawn 3 0', 'failed picture_lost']);
    assert.deepEqual(bench.calls, []);
});

test('when the browser drops what is kept, it comes anew; what is given up is no loss', () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.events = [];
    const [atlas] = contexts;
    atlas.canvas.dispatchEvent(new Event('contextlost'));
    assert.deepEqual(bench.events, ['failed picture_lost']);
    bench.update(2, keep);
    atlas.canvas.dispatchEvent(new Event('contextlost'));
    assert.deepEqual(bench.events.slice(1), ['drawn 2 0']);
});

test('what is kept is looked after when the page is seen again, if browsers tell nothing', () => {
    const bench = new Bench();
    bench.screen.seen(true);
    bench.update(1, keep);
    bench.screen.seen(false);
    bench.screen.seen(true);
    bench.screen.check();
    assert.deepEqual(bench.events, ['drawn 1 0']);
    contexts[0].wiped = true;
    bench.screen.seen(false);
    assert.deepEqual(bench.events, ['drawn 1 0']);
    bench.screen.seen(true);
    bench.screen.check(); // and there is nothing more to lose
    assert.deepEqual(bench.events.slice(1), ['failed picture_lost']);
    bench.update(2, cached);
    assert.deepEqual(bench.events.slice(2), ['failed protocol']);
});

test('a picture is looked after when the page is seen again, though nothing of it was kept', () => {
    const bench = new Bench();
    assert.ok(bench.screen.keepsTiles);
    bench.screen.forget(); // a session begins
    bench.screen.seen(true);
    bench.update(1, fill('ff8000'));
    bench.screen.seen(false);
    contexts.forEach((context) => {
        context.wiped = true;
    });
    bench.screen.seen(true);
    assert.deepEqual(bench.events, ['drawn 1 0', 'failed picture_lost']);
});

test('what an older session had kept cannot be drawn', () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.screen.reset();
    bench.screen.forget();
    bench.update(2, cached);
    assert.deepEqual(bench.events, ['drawn 1 0', 'failed protocol']);
});

test('every bitmap is closed: drawn, late, of another size, beside one that failed', async () => {
    const bench = new Bench();
    bench.update(1, png());
    decoding[0].done('drawn');
    await settled();
    bench.update(2, png(), jpeg());
    decoding[1].done('beside');
    decoding[2].fail();
    await settled();
    bench.update(3, jpeg());
    decoding[3].done('another size', 2, 2);
    bench.update(4, piece(6, `04 0001 0000 0000 0001 0001 0001 0000 ${jpegHeader(2, 1)}`));
    decoding[4].done('sheet');
    await settled();
    bench.update(5, png());
    bench.screen.reset();
    decoding[5].done('late');
    await settled();
    assert.equal(open.size, 0);
    assert.deepEqual(bench.events, ['drawn 1 0', 'failed decode_failed', 'failed protocol']);
});

test('every bitmap is closed: waiting for its turn, or behind what cannot be drawn', async () => {
    const bench = new Bench();
    bench.update(1, png());
    bench.update(2, png());
    decoding[1].done('waits');
    await settled();
    assert.equal(open.size, 1);
    bench.screen.reset();
    assert.equal(open.size, 0);
    bench.update(3, png());
    bench.update(4, cached, fill('000004'));
    bench.update(5, png());
    decoding[3].done('behind');
    decoding[2].done('three');
    await settled();
    assert.equal(open.size, 0);
    assert.deepEqual(bench.events, ['drawn 3 0, 1 wait', 'failed protocol']);
});

test('an update with a bad piece gives up those that are being decoded', async () => {
    const bench = new Bench();
    assert.throws(() => bench.update(1, png(), png(), fill('0000')), ProtocolError);
    decoding[0].done('in vain');
    decoding[1].fail(); // no rejection without a handler, which would fail this test
    await settled();
    assert.deepEqual([open.size, bench.events], [0, []]);
});

test('tiles are looked for before the first of them is drawn', () => {
    const bench = new Bench();
    bench.update(1, keep);
    bench.update(2, piece(7, '0000 0000 0003 01 0000 0000 0004 01', { width: 10, height: 10 }));
    assert.deepEqual(bench.calls, []);
    assert.deepEqual(bench.events, ['drawn 1 0', 'failed protocol']);
});

test('a picture that is never decoded fails, while the page is seen', () => {
    const bench = new Bench();
    bench.update(1, png());
    assert.equal(bench.stalled, null);
    bench.hidden = false;
    bench.screen.seen(true);
    bench.stalled();
    assert.deepEqual(bench.events, ['failed decode_failed']);
    assert.equal(bench.stalled, null);
});

test('a picture that is decoded in time does not', async () => {
    const bench = new Bench();
    bench.hidden = false;
    bench.update(1, png());
    bench.update(2, fill('000002'));
    assert.notEqual(bench.stalled, null);
    decoding[0].done('one');
    await settled();
    assert.equal(bench.stalled, null);
});

test('a canvas that is never restored is tried anew', () => {
    const bench = new Bench();
    bench.hidden = false;
    bench.lose();
    bench.stalled();
    bench.screen.reset();
    bench.stalled();
    assert.deepEqual(bench.events, ['failed picture_lost', 'failed picture_lost']);
    bench.context.lost = false;
    bench.screen.reset();
    assert.equal(bench.stalled, null);
    bench.update(1, fill('000001'));
    assert.deepEqual(bench.events.slice(2), ['drawn 1 0']);
});

test('without a place for tiles, none are offered', () => {
    globalThis.OffscreenCanvas = class {
        getContext() {
            return null;
        }
    };
    const bench = new Bench();
    assert.equal(bench.screen.keepsTiles, false);
    bench.update(1, keep);
    assert.deepEqual(bench.events, ['failed canvas_unavailable']);
    delete globalThis.OffscreenCanvas;
    globalThis.document = {
        createElement: (tag) => ({ tag, getContext: () => ({ drawImage() {}, fillRect() {} }) }),
    };
    try {
        assert.equal(new Bench().screen.keepsTiles, true);
    } finally {
        delete globalThis.document;
    }
});

/** Two strokes that take too long for one task: the second has to wait. */
function waitingForAFrame() {
    const bench = new Bench();
    bench.hidden = false;
    bench.strokeTakes = 9;
    bench.update(1, fill('000001'));
    bench.update(2, fill('000002'));
    assert.equal(bench.events.length, 1);
    return bench;
}

test('what waits for a frame is drawn at once when the page is hidden', () => {
    const bench = waitingForAFrame();
    bench.hidden = true;
    bench.screen.seen(false);
    assert.deepEqual(bench.events, ['drawn 1 9', 'drawn 2 9']);
    assert.deepEqual([bench.frame, bench.overdue], [null, null]);
});

test('a frame counts once, whatever was drawn for it, and only if something was', () => {
    const bench = new Bench();
    bench.hidden = false;
    bench.update(1, fill('000001'));
    bench.update(2, fill('000002'));
    assert.equal(bench.frames, 0);
    bench.frame();
    assert.equal(bench.frames, 1);
    bench.strokeTakes = 9;
    bench.update(3, fill('000003'));
    bench.update(4, fill('000004'));
    bench.frame(); // shows both
    assert.equal(bench.frames, 2);
    bench.frame(); // nothing new
    assert.equal(bench.frames, 2);
    bench.hidden = true;
    bench.update(5, fill('000005'));
    assert.equal(bench.frames, 2);
});

test('a page that gets no frames draws all the same', () => {
    const bench = waitingForAFrame();
    bench.overdue();
    assert.deepEqual(bench.events, ['drawn 1 9', 'drawn 2 9']);
    bench.hidden = true;
    bench.update(3, fill('000003'));
    bench.update(4, fill('000004'));
    assert.deepEqual(bench.events.slice(2), ['drawn 3 9', 'drawn 4 9']);
    assert.deepEqual([bench.frame, bench.overdue], [null, null]);
});

test('the picture is exact once what came as JPEG has been refined', async () => {
    const bench = new Bench({ width: 40, height: 32 }); // 3 by 2 tiles
    bench.update(1, jpeg(40, 16));
    decoding[0].done('photo', 40, 16);
    await settled();
    assert.equal(bench.screen.lossyShare, 0.5);
    bench.update(2, piece(0, '00000000', { x: 8, y: 16, width: 24, height: 16 }));
    assert.equal(bench.screen.lossyShare, 5 / 6);
    bench.update(3, fill('000000', { width: 40, height: 31 }), fill('000000', { y: 16, width: 15, height: 16 }));
    assert.equal(bench.screen.lossyShare, 2 / 6);
    bench.update(4, fill('000000', { y: 16, width: 40, height: 16 }));
    assert.equal(bench.screen.lossyShare, 0);
});

test('the picture is exact once what was sketched has been refined', async () => {
    const bench = new Bench({ width: 48, height: 16 }); // 3 tiles
    bench.sketch(1, fill('123456', { width: 32, height: 16 }), piece(0, '00000000', { x: 32, width: 16, height: 16 }));
    assert.equal(bench.screen.lossyShare, 1);
    bench.update(2, fill('123456', { width: 32, height: 16 }));
    assert.equal(bench.screen.lossyShare, 1 / 3);
    bench.sketch(3, piece(0, '00000000', { x: 32, width: 16, height: 16 }));
    assert.equal(bench.screen.lossyShare, 0);
});

const unpack = (hex, width, height) => (
    hexOf(unpackIndexed({ width, height, payload: bytesOf(hex) })));

test('indexed: one bit, rows padded to whole bytes', () => {
    assert.equal(unpack('01 0000ff ff0000 a0 40', 3, 2),
        'ff0000ff0000ffffff0000ff0000ffffff0000ff0000ffff');
});

test('indexed: a single colour still has an index for each pixel', () => {
    assert.equal(unpack('00 010203 00', 2, 1), '010203ff010203ff');
    assert.throws(() => unpack('00 010203 80', 2, 1), ProtocolError);
});

test('indexed: two, four and eight bits', () => {
    assert.equal(unpack('02 000000 000001 000002 18', 3, 1), '000000ff000001ff000002ff');
    assert.equal(unpack(`04 ${'000000'.repeat(4)} 0a0b0c 40`, 1, 1), '0a0b0cff');
    assert.equal(unpack(`10 ${'000000'.repeat(16)} 0a0b0c 10`, 1, 1), '0a0b0cff');
});

test('indexed: wrong lengths and indices beyond the palette are errors', () => {
    for (const hex of ['', '01 000000 000000', '01 000000 000000 00 00', '02 000000 000000 000000 c0']) {
        assert.throws(() => unpack(hex, 1, 1), ProtocolError, hex);
    }
});
