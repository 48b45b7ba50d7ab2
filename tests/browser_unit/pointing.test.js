import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EVERY_MS, Pointing } from '../../src/webvdi/browser/viewer/pointing.js';
import { FakeClock } from './helpers.js';

function bench() {
    const sent = [];
    const clock = new FakeClock();
    const pointing = new Pointing(({ type, x, y, buttons }) => (
        sent.push(`${type} ${x} ${y} ${buttons}`)), clock);
    return { sent, clock, pointing };
}

test('the first place is sent at once, later ones together, the last one always', () => {
    const { sent, clock, pointing } = bench();
    pointing.moveTo(1, 1);
    pointing.moveTo(2, 2);
    pointing.moveTo(3, 3);
    assert.deepEqual(sent, ['Pointer 1 1 0']);
    clock.advance(EVERY_MS);
    assert.deepEqual(sent, ['Pointer 1 1 0', 'Pointer 3 3 0']);
    clock.advance(1000);
    assert.equal(sent.length, 2);
});

test('however fast the mouse is, no more than twenty a second', () => {
    const { sent, clock, pointing } = bench();
    for (let time = 0; time < 1000; time += 5) {
        pointing.moveTo(time, 0);
        clock.advance(5);
    }
    assert.ok(sent.length >= 19 && sent.length <= 21, String(sent.length));
});

test('what was not sent when pointing ends is not sent', () => {
    const { sent, clock, pointing } = bench();
    pointing.moveTo(1, 1);
    pointing.moveTo(2, 2);
    pointing.stop();
    clock.advance(1000);
    assert.deepEqual(sent, ['Pointer 1 1 0']);
    pointing.moveTo(4, 4);
    assert.equal(sent.at(-1), 'Pointer 4 4 0');
});
