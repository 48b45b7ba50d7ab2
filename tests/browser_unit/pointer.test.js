import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Mouse, Notches, buttonsOf } from '../../src/webvdi/browser/viewer/input/pointer.js';
import { Gestures } from '../../src/webvdi/browser/viewer/input/touch.js';
import { FakeClock } from './helpers.js';

class Bench {
    constructor() {
        this.messages = [];
        this.frames = [];
        this.mouse = new Mouse((message) => this.messages.push(message),
            (task) => this.frames.push(task));
        this.clock = new FakeClock();
        this.gestures = new Gestures(this.mouse, (x, y) => ({ x, y }), this.clock);
    }

    frame() {
        this.frames.splice(0).forEach((task) => task());
    }

    sent() {
        return this.messages.splice(0).map(({ type, ...fields }) => (
            [type, ...Object.values(fields)].join(' ')));
    }
}

test('the first move goes out at once, those within the frame as one', () => {
    const bench = new Bench();
    const { mouse } = bench;
    const sent = () => bench.sent();
    mouse.moveTo(1, 1);
    assert.deepEqual(sent(), ['Pointer 1 1 0']);
    mouse.moveTo(2, 2);
    mouse.moveTo(3, 3);
    assert.deepEqual(sent(), []);
    bench.frame();
    assert.deepEqual(sent(), ['Pointer 3 3 0']);
});

test('a frame without a move sends nothing', () => {
    const bench = new Bench();
    bench.mouse.moveTo(1, 1);
    bench.sent();
    bench.frame();
    bench.mouse.moveTo(1, 1);
    assert.deepEqual(bench.sent(), []);
});

test('a button sends the waiting move first', () => {
    const bench = new Bench();
    bench.mouse.moveTo(1, 1);
    bench.mouse.moveTo(5, 5);
    bench.mouse.press(1);
    bench.mouse.press(1);
    bench.mouse.moveTo(6, 6);
    bench.mouse.press(0);
    assert.deepEqual(bench.sent(), [
        'Pointer 1 1 0', 'Pointer 5 5 0', 'Pointer 5 5 1', 'Pointer 6 6 1', 'Pointer 6 6 0']);
});

test('the wheel turns where the pointer is', () => {
    const bench = new Bench();
    bench.mouse.moveTo(1, 1);
    bench.mouse.moveTo(9, 8);
    bench.mouse.wheel({ dx: 0, dy: -2 });
    bench.mouse.wheel({ dx: 0, dy: 0 });
    assert.deepEqual(bench.sent(), ['Pointer 1 1 0', 'Pointer 9 8 0', 'Wheel 9 8 0 -2']);
});

test('without an absolute pointer motions go out, and fractions add up', () => {
    const bench = new Bench();
    bench.mouse.absolute = false;
    bench.mouse.moveBy(0.4, 0);
    bench.mouse.moveBy(0.4, 0);
    assert.deepEqual(bench.sent(), []);
    bench.mouse.moveBy(0.4, -3);
    bench.frame();
    bench.mouse.press(4);
    assert.deepEqual(bench.sent(), ['Motion 1 -3 0', 'Motion 0 0 4']);
    bench.mouse.wheel({ dx: 1, dy: 0 });
    assert.deepEqual(bench.sent(), ['Wheel 0 0 1 0']);
});

test('browsers number their buttons otherwise', () => {
    assert.deepEqual([0, 1, 2, 4, 8, 16, 31].map(buttonsOf), [0, 1, 4, 2, 8, 16, 31]);
});

/** Wheel events, some milliseconds apart, as whole notches down. */
function turned(deltas, deltaMode = 0, pause = 16) {
    const notches = new Notches();
    return deltas.map((deltaY, index) => (
        notches.add({ deltaX: 0, deltaY, deltaMode, timeStamp: index * pause }).dy));
}

test('a wheel that clicks turns one notch a click, whatever the browser calls a click', () => {
    assert.deepEqual(turned([100, 120, -100, 53]), [1, 1, -1, 1]);
    assert.deepEqual(turned([3, 3, -3], 1), [1, 1, -1]);
    assert.deepEqual(turned([1], 2), [8]);
});

test('small movements of a trackpad add up, also backwards', () => {
    assert.deepEqual(turned([30, 30, 30, 30]), [0, 0, 0, 1]);
    assert.deepEqual(turned([40, 40, -40, -40, -40]), [0, 0, 0, 0, -1]);
});

test('what was left over is forgotten after a pause', () => {
    assert.deepEqual(turned([40, 40, 40, 40], 0, 1000), [0, 0, 0, 0]);
});

test('the wheel never turns by more than the protocol allows', () => {
    assert.deepEqual(turned([99999, -99999]), [20, -20]);
});

test('a tap clicks where it was', () => {
    const bench = new Bench();
    const { gestures } = bench;
    gestures.down(1, { x: 10, y: 20 });
    gestures.move(1, { x: 14, y: 22 });
    gestures.up(1);
    assert.deepEqual(bench.sent(),
        ['Pointer 10 20 0', 'Pointer 10 20 1', 'Pointer 10 20 0']);
});

test('a long press clicks right, and moving afterwards does nothing', () => {
    const bench = new Bench();
    bench.gestures.down(1, { x: 10, y: 20 });
    bench.clock.advance(500);
    bench.gestures.move(1, { x: 90, y: 90 });
    bench.gestures.up(1);
    assert.deepEqual(bench.sent(), ['Pointer 10 20 0', 'Pointer 10 20 4', 'Pointer 10 20 0']);
});

test('a finger that moves drags from where it began', () => {
    const bench = new Bench();
    bench.gestures.down(1, { x: 10, y: 20 });
    bench.gestures.move(1, { x: 40, y: 20 });
    bench.gestures.up(1);
    assert.deepEqual(bench.sent(), [
        'Pointer 10 20 0', 'Pointer 10 20 1', 'Pointer 40 20 1', 'Pointer 40 20 0']);
    bench.clock.advance(1000);
    assert.deepEqual(bench.sent(), []);
});

test('a tap with two fingers clicks right', () => {
    const bench = new Bench();
    bench.gestures.down(1, { x: 10, y: 20 });
    bench.gestures.down(2, { x: 30, y: 20 });
    bench.gestures.up(1);
    bench.gestures.up(2);
    assert.deepEqual(bench.sent(), ['Pointer 20 20 0', 'Pointer 20 20 4', 'Pointer 20 20 0']);
});

test('two fingers that move turn the wheel, and the picture follows them', () => {
    const bench = new Bench();
    bench.gestures.down(1, { x: 10, y: 100 });
    bench.gestures.down(2, { x: 30, y: 100 });
    bench.gestures.move(1, { x: 10, y: 36 });
    bench.gestures.move(2, { x: 30, y: 36 });
    bench.gestures.up(2);
    bench.gestures.move(1, { x: 200, y: 200 });
    bench.gestures.up(1);
    assert.deepEqual(bench.sent(), ['Pointer 20 100 0', 'Wheel 20 100 0 1', 'Wheel 20 100 0 1']);
});

test('fingers taken away let the button go', () => {
    const bench = new Bench();
    bench.gestures.down(1, { x: 10, y: 20 });
    bench.gestures.move(1, { x: 40, y: 20 });
    bench.gestures.cancel();
    assert.equal(bench.sent().at(-1), 'Pointer 40 20 0');
    bench.gestures.down(1, { x: 1, y: 1 });
    bench.gestures.up(1);
    assert.equal(bench.sent().length, 3);
});
