import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { unpackIndexed } from '../../src/webvdi/browser/viewer/decoders/indexed.js';
import { ProtocolError } from '../../src/webvdi/browser/viewer/errors.js';
import { Screen } from '../../src/webvdi/browser/viewer/screen.js';
import { bytesOf, hexOf, settled } from './helpers.js';

/** Pictures that are being decoded: the test says when each is done. */
let decoding = [];

beforeEach(() => {
    decoding = [];
    globalThis.createImageBitmap = (blob) => new Promise((resolve, reject) => {
        decoding.push({
            done: (name, width = 1, height = 1) => (
                resolve({ name, width, height, close: () => {} })),
            fail: () => reject(new Error('not a picture')),
            blob,
        });
    });
});

class Bench {
    constructor() {
        this.calls = [];
        this.events = [];
        this.time = 0;
        const canvas = { width: 0, height: 0 };
        const context = {
            canvas,
            drawImage: (image, ...at) => this.calls.push(`${image.name ?? 'copy'} ${at}`),
            fillRect: (...at) => this.calls.push(`${context.fillStyle} ${at}`),
        };
        canvas.getContext = () => context;
        this.canvas = canvas;
        this.screen = new Screen(canvas, {
            drawn: ({ update, cost }) => this.events.push(`drawn ${update.update} ${cost}`),
            resized: (width, height) => this.events.push(`resized ${width}x${height}`),
            failed: (error) => this.events.push(`failed ${error.code}`),
        }, () => this.time);
        this.screen.desktop({ width: 10, height: 10 });
        this.screen.update({ update: 0, pieces: [] });
        this.calls = [];
        this.events = [];
    }

    update(update, ...pieces) {
        this.screen.update({ type: 'Update', update, lossy: false, pieces });
    }
}

const piece = (codec, hex = '', more = {}) => (
    { codec, x: 0, y: 0, width: 1, height: 1, payload: bytesOf(hex), ...more });
const fill = (hex, more) => piece(1, hex, more);
const png = () => piece(3);

test('an update that needs no decoding is drawn before the call returns', () => {
    const bench = new Bench();
    bench.update(1, fill('ff8000', { x: 2, y: 3 }), piece(0, '00010002'));
    assert.deepEqual(bench.calls, ['rgb(255, 128, 0) 2,3,1,1', 'copy 1,2,1,1,0,0,1,1']);
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
    assert.deepEqual(bench.events, ['drawn 1 0', 'drawn 2 0', 'drawn 3 0']);
});

test('a new size waits for the updates before it, and its picture starts on black', async () => {
    const bench = new Bench();
    bench.update(1, png());
    bench.screen.desktop({ width: 20, height: 5 });
    bench.update(2, fill('000002', { x: 19 }));
    assert.equal(bench.canvas.width, 10);
    decoding[0].done('one');
    await settled();
    assert.deepEqual(bench.events, ['drawn 1 0', 'resized 20x5', 'drawn 2 0']);
    assert.deepEqual(bench.calls, ['one 0,0', '#000 0,0,20,5', 'rgb(0, 0, 2) 19,0,1,1']);
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
    assert.deepEqual(bench.events, ['resized 30x30']);
    bench.update(1, fill('000001', { x: 29 }));
    assert.deepEqual(bench.events, ['resized 30x30', 'drawn 1 0']);
});

test('a picture that cannot be decoded or has another size fails', async () => {
    const bench = new Bench();
    bench.update(1, png());
    decoding[0].fail();
    await settled();
    bench.update(2, png());
    decoding[1].done('large', 2, 2);
    await settled();
    assert.deepEqual(bench.events, ['failed decode_failed', 'failed protocol']);
});

for (const [what, bad] of Object.entries({
    'outside the screen': fill('000000', { x: 10 }),
    'that fills with half a colour': fill('0000'),
    'that copies from nowhere': piece(0, '0001'),
    'that copies from outside': piece(0, '000a0000'),
})) {
    test(`a piece ${what} is a protocol error`, () => {
        assert.throws(() => new Bench().update(1, bad), ProtocolError);
    });
}

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
