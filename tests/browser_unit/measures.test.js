import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scaleOf } from '../../src/webvdi/browser/viewer/layout.js';
import { Stats } from '../../src/webvdi/browser/viewer/stats.js';
import { FakeClock, bytesOf } from './helpers.js';

const drawn = (decode, ...pieces) => ({
    update: {
        pieces: pieces.map(([codec, size, width = 2, height = 3]) => (
            { codec, x: 0, y: 0, width, height, payload: new Uint8Array(size) })),
    },
    cost: decode, decode,
});

test('rates are those of the last two seconds', () => {
    const clock = new FakeClock();
    const stats = new Stats(clock.now);
    stats.received(1000);
    stats.drawn([drawn(10, [3, 900], [0, 4]), drawn(20, [3, 100])]);
    stats.drawn([drawn(0)]);
    stats.shown();
    stats.shown();
    assert.deepEqual(stats.summary(), {
        roundTrip: null, keyToPicture: null, bitsPerSecond: 4000, updatesPerSecond: 1.5,
        framesPerSecond: 1, decode: 10, codecs: { png: 1000, copy: 4 }, pixels: { png: 12, copy: 6 },
        total: { bytes: 1000, updates: 3, pieces: 3 },
    });
    clock.advance(2000);
    const later = stats.summary();
    assert.deepEqual([later.bitsPerSecond, later.updatesPerSecond, later.decode], [0, 0, 0]);
    assert.equal(later.total.bytes, 1000);
});

test('what a codec drew is the area of its parts and tiles', () => {
    const stats = new Stats(() => 0);
    const piece = (codec, hex, width, height) => ({ codec, x: 16, y: 0, width, height, payload: bytesOf(hex) });
    stats.drawn([{
        update: {
            pieces: [
                piece(6, '04 0002 0000 0000 0004 0003 0000 0000 0004 0004 0001 0001 0000 0000', 9, 9),
                piece(7, '0001 0000 0000 02', 20, 10),
                piece(8, '0001 0000 0000 01', 16, 10),
            ],
        },
        cost: 0, decode: 0,
    }]);
    assert.deepEqual(stats.summary().pixels, { jpeg: 13, cached: 200, keep: 0 });
});

test('a key is answered by the first update that came after the session had handled it', () => {
    const clock = new FakeClock();
    const stats = new Stats(clock.now);
    const press = (input, down = true) => stats.input({ type: 'Key', input, down, keysym: 97, scancode: 0 });
    press(1);
    press(2, false);
    clock.advance(5);
    stats.confirmed(2);
    clock.advance(10);
    stats.drawn([drawn(11)]); // it had come before
    assert.equal(stats.summary().keyToPicture, null);
    clock.advance(5);
    stats.drawn([drawn(1)]);
    assert.equal(stats.summary().keyToPicture, 20);
    press(3);
    stats.confirmed(3);
    clock.advance(2000);
    assert.equal(stats.summary().keyToPicture, 2000); // nothing was shown: as slow as can be told
    stats.drawn([drawn(1)]);
    press(4, false);
    press(5);
    stats.confirmed(5);
    clock.advance(10);
    stats.drawn([drawn(1)]);
    assert.equal(stats.summary().keyToPicture, 20);
    stats.reset();
    assert.equal(stats.summary().keyToPicture, null);
});

test('modifiers and repetitions are no presses', () => {
    const clock = new FakeClock();
    const stats = new Stats(clock.now);
    let input = 0;
    const key = (keysym, down = true) => {
        input += 1;
        stats.input({ type: 'Key', input, down, keysym, scancode: 0 });
    };
    const answered = () => {
        stats.confirmed(input);
        clock.advance(30);
        stats.drawn([drawn(0)]);
        return stats.summary().keyToPicture;
    };
    [0xffe1, 0xffe9, 0xfe03, 0xff7f].forEach((keysym) => key(keysym));
    assert.equal(answered(), null);
    key(97);
    clock.advance(10);
    assert.equal(answered(), 40);
    key(97);
    key(97);
    stats.input({ type: 'ReleaseKeys', input: input + 1 });
    assert.equal(answered(), 40); // of the first, whose latency is the only one
    [0, 0].forEach(() => {
        key(97, false);
        key(97);
    });
    assert.equal(answered(), 30);
});

test('the round trip is the median of the last five, so that one slow answer changes little', () => {
    const stats = new Stats(() => 0);
    [900, 10, 11, 12, 500, 13].forEach((milliseconds) => stats.roundTrip(milliseconds));
    assert.equal(stats.summary().roundTrip, 12);
    stats.reset();
    assert.equal(stats.summary().roundTrip, null);
});

const SCREEN = { width: 800, height: 600 };

test('off is one to one, whatever the space', () => {
    assert.deepEqual(scaleOf('off', { width: 100, height: 100 }, SCREEN, 1),
        { scale: 1, crisp: true });
    assert.deepEqual(scaleOf('off', { width: 100, height: 100 }, SCREEN, 1.5),
        { scale: 1, crisp: false });
});

test('fit is as large as the space allows', () => {
    assert.deepEqual(scaleOf('fit', { width: 400, height: 600 }, SCREEN, 1),
        { scale: 0.5, crisp: false });
    assert.deepEqual(scaleOf('fit', { width: 1600, height: 1200 }, SCREEN, 1),
        { scale: 2, crisp: true });
    assert.deepEqual(scaleOf('fit', { width: 1200, height: 1200 }, SCREEN, 2),
        { scale: 1.5, crisp: true });
});

test('fit stops at a whole number that is very near, for sharpness', () => {
    assert.deepEqual(scaleOf('fit', { width: 806, height: 700 }, SCREEN, 1),
        { scale: 1, crisp: true });
    assert.equal(scaleOf('fit', { width: 880, height: 700 }, SCREEN, 1).scale, 1.1);
});

test('no space or no screen yet is no trouble', () => {
    assert.equal(scaleOf('fit', { width: 0, height: 0 }, SCREEN, 1).scale, 1);
    assert.equal(scaleOf('fit', { width: 9, height: 9 }, { width: 0, height: 0 }, 1).scale, 1);
});
